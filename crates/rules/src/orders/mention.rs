//! Turns that count goods without ordering or reading back: what was delivered, lies in store, costs so much, is to
//! be had.

use std::sync::LazyLock;

use regex::Regex;

use crate::literals;

/// `{n}` a numeral, `{h}` the same or a half, `{u}` a measure word of goods, in the matching form.
const N: &str = "(零|一|二|三|四|五|六|七|八|九|十|百|千|两)";
const H: &str = "(零|一|二|三|四|五|六|七|八|九|十|百|千|两|半)";
const U: &str = "(条|箱|件|包|盒|瓶|袋|桶)";

/// What is said of goods that are there already, of prices, offers and faults.
const NO_ORDER: [&str; 35] = [
    "(买|拍)了",
    "还有.{0,8}没(卖|用|动|开|喝|抽|拆)",
    "没卖完.{0,3}{n}",
    "库存|(还)?剩(下|了|着|余)?{h}+",
    "(一|半|每|几|整)({u}|罐|斤|提)(里|里面|是|要|卖|装|有|能|进价|批发|零售|合|大概)*(多少|几|什么价|啥价)",
    "{n}+{u}(起|以上|才|就能|可以送|能送|送一|送两|免|打折|有优惠|优惠|返|减|封顶)",
    "满{n}+",
    "(买|订|进|拿|要)(够|满|到)?{n}+{u}.{0,4}送(一|二|三|四|五|六|七|八|九|十|两|半|几|什么|啥|多少|点|个|吗|不|赠|礼)",
    "(买|订|进|拿|要)(够|满|到)?{n}+{u}.{0,4}(赠|返|减|优惠|打折|包邮)",
    "(上次|上回|上周|上个月|昨天|前天|昨儿|之前|前几天|前两天|去年|以前|早上|刚才|上礼拜)(我)?.{0,6}(订|拿|要|进|下|买|报|送|发|收|到)(了|的|过)",
    "那{n}+{u}(货|烟|酒)?(什么时候|啥时候|怎么|到|送|呢)",
    "(积分|空瓶|空箱|押金|回收|收回|兑|寄存|退瓶|卖不完|卖不掉|够卖|能卖|卖了|一天卖|能不能少订)(换|兑)?.{0,6}{n}+{u}",
    "{n}+件(事|东西坏)|(一|两)件事",
    "一(提|听|打|支)(这|那|你|他|起|到|就|电|开|说|完|进|过|来)",
    "一条龙|一条(短信|信息|消息|街|路)|一包烟钱",
    "坏|破|碎|压扁|漏|过期",
    "少送|少发|少给|少了|少装|缺了|差了|丢了",
    "(^|[^别要能])(送|发|弄|搞|拿|装|开|打|报|记)错|开错",
    "(^|[^别要能送发弄搞拿装开打报记说讲念看听])错了",
    "投诉|退|换货|调换|赔",
    "没送|没到|没收到|没来|没补",
    "(送|发|配|拿)成",
    "(货单|单子|送货单|小票|票)(子)?(上|写).{0,8}{n}+{u}",
    "(到|来|送|收|发)(了|的|到)?(只有|只|就|才|是){n}+{u}",
    "(实际|结果)(上)?(来|到|送|收|拿|发)(了|的|到)",
    "(又|还|总|老|老是|还是)(少|缺|漏|短)(了)?{h}",
    "俩(人|我|他|她|口|孩)|(我|他|她|你|咱|们)俩",
    "才到|只到|只收到|只送|才送来|就送来|送来(了|的)",
    "(多少|{u}|元|块)起送|起送(价|量)|才起送|起订",
    "积分(换|兑)",
    "多少一{u}|一{u}多少",
    "(拉|运|搬|卸|扛|挪|摔|颠|撞|洒|爆|数)(来|了|着|去|出|坏|爆|得|过)",
    "(差|缺|短)(了)?{n}+{u}",
    "(短信|微信|电话|消息|信息|照片|通知).{0,6}{n}+条",
    "拆(箱|开|条|包)|拼(一|个)?(箱|单)|一(条|箱|盒|瓶|罐|包)一(条|箱|盒|瓶|罐|包)|散(卖|装)|零卖",
];

/// How agents say how much there is of what was ordered: less than that, as a rule.
const SUPPLIED: [&str; 10] = [
    "实配|石配|时配|实际|限(着|了|制)?(量|购|供|订)|配额",
    "(只|最多|顶多|至多|暂时|目前|这次|本周|够)(只)?(能|可以|可|有|剩|给|配|批|分)",
    "最多|顶多|至多",
    "(能|可以|够|只)(配|分|供|批)(给)?(您|你|到|咱)?",
    "(配|分配|供应|核定|核配)(给|到|了|是)?(您|你)?(的)?(数|量|额|就|是|{n})",
    "先(给|按)(您|你)?",
    "(^|[^要来])先{n}+{u}",
    "(按|照)(档位|计划|比例|货源|配额|等级|投放)",
    "紧张|货紧|有限|不足|不够|(还|只)?剩",
    "(到手|到店|到货|下来)(的)?(是|只有|就|能有)",
];

/// True where a turn counts goods without ordering any or reading them back.
pub(super) fn orders_nothing(text: &str) -> bool {
    static REGEX: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(&expression(&NO_ORDER)).ok());
    REGEX.as_ref().is_some_and(|regex| regex.is_match(text))
}

/// True where an agent says how much there is to be had.
pub fn says_supply(text: &str) -> bool {
    static REGEX: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(&expression(&SUPPLIED)).ok());
    REGEX.as_ref().is_some_and(|regex| regex.is_match(text))
}

/// Words by which a turn would order nothing, where they were misheard.
pub fn words_of_no_order() -> impl Iterator<Item = &'static str> {
    static WORDS: LazyLock<Vec<String>> = LazyLock::new(|| literals::likeliest(&expression(&NO_ORDER)));
    WORDS.iter().map(String::as_str)
}

fn expression(parts: &[&str]) -> String {
    let parts: Vec<String> = parts.iter().map(|p| p.replace("{n}", N).replace("{h}", H).replace("{u}", U)).collect();
    parts.join("|")
}

#[cfg(test)]
mod tests {
    use super::{orders_nothing, says_supply};

    #[test]
    fn goods_that_are_there_already_are_no_order() {
        for text in [
            "昨天送的三条是坏的",
            "一条里面有几包",
            "满十条才送吗",
            "那五条什么时候到",
            "库里还剩八箱",
            "少送了一箱",
            "我上次订了五条",
            "两件事问你",
            "十箱水颠爆了三箱",
            "短信一天发八条",
            "能不能拆箱卖拼一箱也成",
            "货单子上八袋面粉到了是七袋",
            "实际来了七袋",
            "这个月第二回了又少两瓶",
            "两箱都送成米酒了",
            "俩我跟我妹妹",
        ] {
            assert!(orders_nothing(text), "{text}");
        }
        for text in [
            "要五条红塔山",
            "红塔山五条云烟三条",
            "五条别送错",
            "二十五条不对说错了二十条",
            "再来两箱啤酒",
            "小米给拉十五袋过来",
        ] {
            assert!(!orders_nothing(text), "{text}");
        }
    }

    #[test]
    fn what_is_to_be_had_is_told_from_what_is_read_back() {
        for text in ["云烟实配五条", "只能给您两条", "您这边实际到货是十二条", "目前只有三条", "先给您五条"]
        {
            assert!(says_supply(text), "{text}");
        }
        for text in ["跟您核对红塔山五条云烟三条", "好的五条", "红塔山五条对吗"] {
            assert!(!says_supply(text), "{text}");
        }
    }
}
