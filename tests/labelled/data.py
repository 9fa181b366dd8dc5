"""Word lists of the labelled set: goods, numbers as spoken, names, recognition noise."""

RULES = """greeting-missing identity-missing purpose-missing unclear-speech not-mandarin informal-address
hold-notice-missing hold-thanks-missing thanks-missing farewell-missing hung-up-on-customer rhetorical-question
forbidden-phrase abusive-language shirking unachievable-promise interrupting monologue order-readback-missing
order-readback-wrong order-summary-missing allocation-unconfirmed soothing-missing quarrel
complaint-next-step-missing long-call long-silence negative-customer""".split()

# goods: unit, quantities, names
GOODS = {
    "smoke": ("条", [2, 3, 4, 5, 6, 8, 10, 15, 20, 25, 30],
              ["红塔山", "云烟", "玉溪", "黄鹤楼", "芙蓉王", "利群", "双喜", "白沙", "红河", "黄金叶"]),
    "drink": ("箱", [2, 3, 4, 5, 6, 8, 10, 12, 20, 30],
              ["矿泉水", "冰红茶", "苏打水", "酸梅汤", "乌龙茶", "椰汁", "绿豆汤"]),
    "beer": ("瓶", [6, 12, 24, 36, 48, 120], ["鲜啤", "黑啤", "白啤", "干啤", "米酒", "桂花酒"]),
    "grain": ("袋", [2, 3, 4, 5, 6, 10, 15, 20, 50, 120], ["东北大米", "面粉", "小米", "糯米", "黄豆", "玉米碴"]),
    "sauce": ("瓶", [3, 5, 6, 8, 10, 12, 15, 20], ["酱油", "陈醋", "料酒", "蚝油", "香油", "豆瓣酱"]),
    "oil": ("桶", [2, 3, 4, 5, 6, 8, 10, 12, 15, 20], ["大豆油", "菜籽油", "花生油", "玉米油", "葵花籽油", "调和油"]),
    "snack": ("件", [2, 3, 4, 5, 6, 8, 10], ["方便面", "火腿肠", "瓜子", "饼干", "锅巴", "八宝粥"]),
    "paper": ("提", [4, 5, 6, 8, 10, 12, 20, 30], ["卷纸", "抽纸", "厨房纸", "擦手纸"]),
}
PRICES = {"条": [75, 90, 110, 130], "箱": [28, 36, 42, 55], "瓶": [6, 8, 10, 15], "袋": [45, 60, 78], "桶": [52, 58, 65],
          "件": [38, 46, 60], "提": [18, 22, 26]}
COMPANIES = ["云山烟草订货中心", "金叶配送公司", "江城商贸客服部", "惠民副食批发部", "长丰商贸", "鑫源粮油订货热线"]
AGENTS = ["8036", "8017", "6102", "6125", "3048", "3071", "1059", "1083", "2206"]
SURNAMES = list("王李张刘陈杨赵黄周吴徐孙马朱胡林郭何")
CALLED = ["老板", "老板", "姐", "经理", "女士", "先生", "师傅"]
STREETS = ["人民路", "解放街", "东门口", "学府路", "建设巷", "菜市场", "车站", "滨江路"]
OPENINGS = ["您好，{co}，{gh}", "您好，{co}，{gh}", "您好，这里是{co}，{gh}", "您好，欢迎致电{co}，{gh}", "{co}，您好，{gh}",
            "你好，{co}，{gh}", "您好，{gh}，很高兴为您服务", "您好，{co}", "喂，您好，{co}", "您好，{co}，请问有什么可以帮您"]
PARTING = ["再见", "再见", "再见", "拜拜", "再会", "好，再见", "那再见"]
DAYS = ["明天", "后天", "周三", "周五", "礼拜四"]
FILL = ["嗯", "那个", "呃", "", "就是", "", "哎"]
QUEUES = {"in": ["订货热线", "客服热线", "综合咨询"], "out": ["外呼订货", "回访组", "通知组"]}

# what the recogniser makes of what was said: sounds alike, written otherwise
NOISE = [("您好", "您号"), ("你好", "你号"), ("工号", "公号"), ("红塔山", "红塔珊"), ("云烟", "云焰"), ("玉溪", "玉西"),
         ("黄鹤楼", "黄河楼"), ("芙蓉王", "芙蓉望"), ("利群", "立群"), ("双喜", "双洗"), ("白沙", "白纱"), ("稍等", "烧等"),
         ("久等", "酒等"), ("再见", "在见"), ("抱歉", "报歉"), ("对不起", "对不齐"), ("理解", "里解"), ("登记", "登机"),
         ("核实", "和实"), ("反馈", "反愧"), ("一共", "依共"), ("总共", "总供"), ("合计", "和计"), ("投诉", "头诉"),
         ("保证", "报正"), ("肯定", "啃定"), ("祝您", "住您"), ("难道", "南到"), ("凭什么", "平什么"), ("回访", "回房"),
         ("提醒", "提星"), ("订货", "定货"), ("拜拜", "白白"), ("实配", "石配"), ("限量", "现量"), ("感谢", "敢谢"),
         ("谢谢", "谢写"), ("客服", "克服"), ("早上好", "早上号"), ("下午好", "下午号"), ("普通话", "普通化"),
         ("酱油", "将油"), ("陈醋", "沉醋"), ("面粉", "面份"), ("矿泉水", "况泉水"), ("冰红茶", "冰红查"), ("鲜啤", "先啤"),
         ("通知", "通只"), ("道歉", "到欠"), ("补送", "补颂"), ("退款", "推款"), ("黑啤", "嘿啤"), ("小米", "晓米")]
PARTICLES = "了吗呢啊吧的呀"


def hanzi(n):
    d = "零一二三四五六七八九"
    if n < 10:
        return d[n]
    if n < 20:
        return "十" + (d[n - 10] if n > 10 else "")
    if n < 100:
        return d[n // 10] + "十" + (d[n % 10] if n % 10 else "")
    head = ("两" if n // 100 == 2 else d[n // 100]) + "百"
    rest = n % 100
    if not rest:
        return head
    if rest < 10:
        return head + "零" + d[rest]
    return head + ("一" if rest < 20 else "") + hanzi(rest)


def spoken(n, unit):
    """Every way the quantity may be said or written."""
    word = "两" if n == 2 else hanzi(n)
    forms = [word + unit, str(n) + unit, word + unit]
    if n == 2:
        forms += ["俩", "俩"]
    if unit == "瓶" and n % 6 == 0 and n <= 48 and (n == 6 or n % 12 == 0):
        forms += ["半打" if n == 6 else ("两" if n == 24 else hanzi(n // 12)) + "打"] * 2
    if n > 100 and n % 10 == 0 and n % 100:
        forms += [hanzi(n)[:-1], str(n)]
    return forms


def money(n):
    w = hanzi(n % 1000) if n < 1000 else hanzi(n // 1000).replace("二", "两") + "千" + (
        ("零" if n % 1000 < 100 else "") + hanzi(n % 1000) if n % 1000 else "")
    forms = [w + "块", str(n) + "元", w + "元"]
    if n < 1000 and n % 10 == 0 and n % 100:
        forms.append(w[:-1])
    return forms
