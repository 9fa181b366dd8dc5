//! What has become of a call, in a word with a colour: the same beside every mention of it.

use maud::{Markup, html};

use crate::auth::Person;
use crate::catalog::standing::{Eyes, Standing};
use crate::pages::points;

/// Nothing where the lake holds the call no more.
pub(crate) fn chip(person: &Person, standing: Option<&Standing>) -> Markup {
    let Some(standing) = standing else { return html! {} };
    let l = person.lang;
    let (kind, text) = match standing {
        Standing::Failed => ("failed", l.t("处理失败", "Failed").to_owned()),
        Standing::Quiet => ("quiet", l.t("无命中", "No hits").to_owned()),
        Standing::Open if person.is_staff() => ("open", l.t("待复核", "To review").to_owned()),
        Standing::Open => ("quiet", l.t("未复核", "Not reviewed").to_owned()),
        Standing::Claimed(by) => ("busy", format!("{} · {by}", l.t("复核中", "In review"))),
        Standing::Begun => ("busy", l.t("复核未提交", "Begun, not submitted").to_owned()),
        Standing::Done(score) => ("done", scored(person, *score)),
        Standing::Appealed(score) => ("appeal", format!("{} · {}", scored(person, *score), l.t("有申诉", "appealed"))),
        Standing::Decided(score, granted) => {
            let how =
                if *granted { l.t("申诉成立", "appeal granted") } else { l.t("维持原判", "appeal dismissed") };
            let decided = l.t("申诉已裁定", "decided");
            ("decided", format!("{} · {decided}{}", scored(person, *score), l.brackets(how)))
        }
    };
    html! { span.chip.(kind) { (text) } }
}

fn scored(person: &Person, score: f64) -> String {
    format!("{}{}{}", person.lang.t("已提交 ", "Submitted "), points(score), person.lang.t(" 分", ""))
}

/// Whose eyes a chip is for.
pub(crate) fn eyes<'a>(person: &Person, blind: &'a str) -> Eyes<'a> {
    Eyes { blind, staff: person.is_staff() }
}
