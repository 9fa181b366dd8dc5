//! Calls behind a number in words, for the list that a link leads to.

use crate::app::App;
use crate::figures::evidence::Evidence;
use crate::figures::leaning::Which;
use crate::figures::period::Period;
use crate::figures::twice::Twice;
use crate::lang::{self, Lang};
use crate::pages::parts::title;

/// What the calls of the set have in common, without a full stop.
pub(super) fn words(app: &App, l: Lang, evidence: &Evidence) -> String {
    let rule = |id: &str| match id {
        callsift_sampling::estimate::ANY_RULE => l.t("全部规则", "all rules").to_owned(),
        id => format!("{}{}{}", l.t("「", "\""), title(app, id), l.t("」", "\"")),
    };
    match evidence {
        Evidence::Judged { rule: id, machine, by_chance } => {
            let all = judged(l, &rule(id), *machine);
            if *by_chance { all + l.t("，并且是随机抽到的", ", drawn by chance") } else { all }
        }
        Evidence::Said { rule: id } => said(l, "有人对", "somebody gave a verdict on ", &rule(id), "作过判断"),
        Evidence::Cause { rule: id, cause } => {
            let all = said(l, "被判为误报的通话，规则：", "a rejected hit of ", &rule(id), "");
            format!("{all}{}{}", l.t("，原因：", ", because: "), lang::cause(l, *cause))
        }
        Evidence::Hits => l.t("有系统命中被人工判断过的通话", "a person judged a hit of the machine").to_owned(),
        Evidence::Planned => {
            l.t("监听计划或随机抽到、已复核的通话", "reviewed, chosen by a listening plan or by chance").to_owned()
        }
        Evidence::Scored { low, high } => {
            let band = if low == high { low.to_string() } else { format!("{low}–{high}") };
            format!("{}{band}{}", l.t("监听得分 ", "listening score "), l.t(" 分的通话", ""))
        }
        Evidence::At { day, hour } => {
            const DAYS: [(&str, &str); 7] = [
                ("周一", "Monday"),
                ("周二", "Tuesday"),
                ("周三", "Wednesday"),
                ("周四", "Thursday"),
                ("周五", "Friday"),
                ("周六", "Saturday"),
                ("周日", "Sunday"),
            ];
            let (zh, en) = DAYS.get(*day).copied().unwrap_or_default();
            format!("{} {hour}:00–{hour}:59{}", l.t(zh, en), l.t(" 开始的通话", ""))
        }
        Evidence::Chosen { by_chance: true } => l.t("随机抽取、已复核的通话", "reviewed, drawn by chance").to_owned(),
        Evidence::Chosen { by_chance: false } => l.t("按风险挑选、已复核的通话", "reviewed, chosen by risk").to_owned(),
        Evidence::HandedIn { by, duplicates, days } => {
            let what = match duplicates {
                true => l.t(" 盲复核的通话", " reviewed blindly"),
                false => l.t(" 提交过记录表的通话", " handed in a form"),
            };
            format!("{}{by}{what}", on(l, days))
        }
        Evidence::Verdicts { by, days, which } => {
            let what = match which {
                Which::Judged => l.t(" 判断过系统命中的通话", " judged a hit of the machine"),
                Which::Confirmed => l.t(" 判为属实的系统命中", " confirmed a hit of the machine"),
                Which::Compared => {
                    l.t(" 判断过、其他人也判过同一规则的系统命中", " judged a hit of a rule that others judged as well")
                }
            };
            format!("{}{by}{what}", on(l, days))
        }
        Evidence::Twice { which, days } => on(l, days) + &twice(l, which, rule),
    }
}

fn on(l: Lang, days: &Period) -> String {
    format!("{} – {}{}", days.from, days.to, l.t("：", ": "))
}

fn said(l: Lang, zh: &str, en: &str, rule: &str, zh_end: &str) -> String {
    format!("{}{rule}{}", l.t(zh, en), l.t(zh_end, ""))
}

fn judged(l: Lang, rule: &str, machine: Option<bool>) -> String {
    let all = said(l, "人工已能断定", "people judged ", rule, "的通话");
    let machine = match machine {
        None => "",
        Some(true) => l.t("，其中系统命中的", ", and the machine hit it"),
        Some(false) => l.t("，其中系统判为合格的", ", and the machine found it clear"),
    };
    all + machine
}

fn twice(l: Lang, which: &Twice, rule: impl Fn(&str) -> String) -> String {
    match which {
        Twice::All => l.t("两人都判断过的通话", "judged by two people").to_owned(),
        Twice::Pair(a, b) => {
            said(l, "两人都判断过的通话：", "judged by both ", &format!("{a}{}{b}", l.t("、", " and ")), "")
        }
        Twice::Item(id) => said(l, "两人都判断过", "two people judged ", &rule(id), "的通话"),
        Twice::Differ(id) => said(l, "两人判断不一致的", "two people differed about ", &rule(id), ""),
    }
}
