//! What an agent can do, or did, about a confirmed violation.

use callsift_reviews::{Appeal, VerdictRow, appeals::MAY_APPEAL_US};
use maud::{Markup, html};

use crate::app::now_us;
use crate::auth::Person;
use crate::pages::call::Shown;
use crate::pages::layout::csrf;
use crate::pages::parts::visible;

/// How the appeal against a verdict stands; where there is none and still may be one, the form for it.
pub(super) fn of(person: &Person, shown: &Shown, v: &VerdictRow) -> Markup {
    let l = person.lang;
    // The decision is a verdict of its own, which replaces the disputed one.
    let made = shown.appeals.iter().find(|a| a.verdict_id == v.id || Some(a.verdict_id) == v.before);
    html! {
        @match made {
            Some(a) => (state(person, a)),
            None if v.source == "appeal" => {},
            None if now_us() > v.at_us + MAY_APPEAL_US => p.note { (l.t("申诉期限已过", "the time for an appeal is over")) },
            None => (form(person, v)),
        }
    }
}

fn state(person: &Person, a: &Appeal) -> Markup {
    let l = person.lang;
    let granted = a.decision.as_ref().map(|d| d.0);
    html! {
        p.note {
            a href="/appeals" { (match granted {
                None => l.t("已申诉，待裁定", "appealed, not decided yet"),
                Some(true) => l.t("申诉成立", "appeal granted"),
                Some(false) => l.t("申诉被驳回，维持原判", "appeal dismissed"),
            }) }
            " · " (l.t("理由：", "reason: ")) (visible(person, &a.reason))
        }
    }
}

fn form(person: &Person, v: &VerdictRow) -> Markup {
    let l = person.lang;
    html! {
        details.appeal { summary { (l.t("申诉", "appeal")) }
            form.stack action="/appeals" method="post" data-draft-of=(format!("appeal {}", v.id)) {
                (csrf(person))
                input type="hidden" name="verdict" value=(v.id);
                label { (l.t("理由", "reason")) textarea name="reason" required maxlength="1000" {} }
                button type="submit" { (l.t("提交申诉", "send the appeal")) }
            }
        }
    }
}
