"""Second looks: where a label and plain words of the page of definitions seem to disagree. Prints, decides nothing."""
import re

from data import hanzi, spoken

HELLO = r"[您你]好|[早晚]上好|[上下中]午好|节日好|新年好|老板好|早啊|您早"
BYE = r"再见|拜拜|再会|回见|祝您|感谢.{0,4}来电|慢走"
THANKS = r"谢|感谢"
WHY = r"提醒|回访|通知|核实|核对|调查|告[知诉]|确认|问|打来|跟您说|说一下|评|打个分|说个事|让您知道|介绍"
SUM = r"[一总统拢]共|合计|共计|总[计数额的]|加.{0,4}[起块]|合起来|一起\S{0,6}[块元]"
SORE = r"投诉|太差|气死|态度|太过分|骗|再也不|垃圾|什么东西|凭什么|有病|告你|赔不是"
FAULTY = r"少[送了]|送错|坏了|没送到|投诉"
STEP = r"登记|记录|记[下一上录]|反馈|核实|补送|换货|退款|转|给您换|报[给了修]|回您|答复|联系您|备注|盯|催"
UNIT = "工号 号话务员 商贸 批发 配送 粮油 食品公司 烟草".split()
SURE = r"保证|肯定|一定|绝对|百分|包您|必"


def run(calls):
    n = 0
    for sc, v, call, turns, slots, said in calls:
        ex = call["expect"]
        rows = list(zip(turns, said))
        ag = [s for t, s in rows if t["role"] == "A"]
        cu = "".join(s for t, s in rows if t["role"] == "C")
        every = "".join(ag)
        seen = {"greeting-missing": re.search(HELLO, "|".join(ag[:2])), "farewell-missing": re.search(BYE, "|".join(ag[-2:])),
                "thanks-missing": re.search(THANKS, "|".join(ag[-3:])), "order-summary-missing": re.search(SUM, every),
                "purpose-missing": re.search(WHY, "|".join(ag[:4])), "complaint-next-step-missing": re.search(STEP, every),
                "identity-missing": any(x in "".join(ag[:3]) for x in (slots.fixed["co"], slots.agent, *UNIT))}
        say = []
        for rule, there in seen.items():
            if (ex[rule] == "hit" and there) or (ex[rule] == "clear" and not there):
                say.append(f"{rule}={ex[rule]}: {there and there not in (True,) and there.group() or there}")
        if ex["negative-customer"] == "clear" and re.search(SORE, cu):
            say.append("negative=clear: " + re.search(SORE, cu).group())
        if ex["complaint-next-step-missing"] == "not_applicable" and re.search(FAULTY, cu):
            say.append("complaint n/a: " + re.search(FAULTY, cu).group())
        if ex["unachievable-promise"] == "clear" and re.search(SURE, every):
            say.append("promise=clear: " + every[max(0, re.search(SURE, every).start() - 6):][:16])
        if ex["shirking"] == "clear" and re.search("不归|管不|没办法|不关|规定|找", every):
            say.append("shirking=clear: " + every[max(0, re.search("不归|管不|没办法|不关|规定|找", every).start() - 6):][:16])
        if ex["allocation-unconfirmed"] == "not_applicable" and re.search("实配|限量|实际到货|只能.{0,2}配", every):
            say.append("allocation n/a")
        if ex["rhetorical-question"] == "clear" and re.search("难道|不是.{0,12}吗|怎么|谁|凭什么|干嘛|哪有|到底", every):
            say.append("rhetorical=clear: " + every[max(0, re.search("难道|不是.{0,12}吗|怎么|谁|凭什么|干嘛|哪有|到底", every).start() - 5):][:18])
        read = sum(any(f in every or hanzi(slots.num[x]).replace("二", "两") + slots.unit in every
                       for f in spoken(slots.num[x], slots.unit)) for x in slots.items)
        if slots.items and (2 * read >= len(slots.items)) != (ex["order-readback-missing"] != "hit"):
            say.append(f"readback {read} of {len(slots.items)}: {ex['order-readback-missing']}")
        if slots.items and any(slots.names[int(x[1]) - 1] not in cu for x in slots.items) and call["direction"] == "inbound":
            say.append("an item the customer did not name")
        for t, s in rows:
            if t["role"] == "A" and t["marks"] & {"w", "ty", "so"} == set() and re.search("稍等|久等", s):
                say.append("unmarked wait: " + s)
            if t["role"] == "A" and "so" not in t["marks"] and re.search("抱歉|对不起|不好意思|理解", s):
                say.append("unmarked soothing: " + s)
        for x in say:
            n += 1
            print(call["call_id"], x)
    print(n, "places")
