//! What an agent can do, or did, about a confirmed violation.

use callsift_reviews::{Appeal, VerdictRow};
use maud::{Markup, html};

use crate::app::{App, now_us};
use crate::auth::Person;
use crate::pages::call::Shown;
use crate::pages::layout::csrf;
use crate::pages::parts::visible;
use crate::pages::when;

/// How the appeal against a verdict stands; for the agent, where there is none and still may be one, the form for it.
pub(super) fn of(app: &App, person: &Person, shown: &Shown, v: &VerdictRow) -> Markup {
    let l = person.lang;
    // The decision is a verdict of its own, which replaces the disputed one.
    let made = shown.appeals.iter().find(|a| a.verdict_id == v.id || Some(a.verdict_id) == v.before);
    let until = shown.may_appeal_until(v);
    html! {
        @match made {
            Some(a) => (state(app, person, a)),
            None if v.source == "appeal" || person.agent().is_none() => {},
            None => @match until {
                Some(until) if now_us() <= until => (form(app, person, shown, v, until)),
                Some(_) => p.note { (l.t("申诉期限已过（提交后七天内可申诉一次）", "the time for an appeal is over: seven days from the submission")) },
                None => {},
            },
        }
    }
}

fn state(app: &App, person: &Person, a: &Appeal) -> Markup {
    let l = person.lang;
    let granted = a.decision.as_ref().map(|d| d.0);
    html! {
        p.note {
            a href=[person.team().is_none().then(|| format!("/appeals#a{}", a.id))] { (match granted {
                None if person.agent().is_none() => l.t("坐席已申诉，待裁定", "The agent appealed; to be decided"),
                None => l.t("已申诉，待裁定", "appealed, not decided yet"),
                Some(true) => l.t("申诉成立", "appeal granted"),
                Some(false) => l.t("申诉被驳回，维持原判", "appeal dismissed"),
            }) }
            " · " (l.t("理由：", "reason: ")) (visible(person, &a.reason))
            @match &a.decision {
                Some((_, why, by, at_us)) => { br; (l.t("裁定：", "decided: ")) (visible(person, why)) " · " (by) " · " (when(app, *at_us)) },
                None => { br; (l.t("最迟裁定：", "to be decided by ")) (when(app, a.deadline_us)) },
            }
        }
    }
}

fn form(app: &App, person: &Person, shown: &Shown, v: &VerdictRow, until_us: i64) -> Markup {
    let l = person.lang;
    let days = (until_us - now_us()) / 86_400_000_000;
    html! {
        details.appeal { summary { (l.t("申诉", "appeal")) " " small { (l.t("可申诉至 ", "until ")) (when(app, until_us))
                (l.t("，还剩 ", ", left: ")) @if days > 0 { (days) (l.t(" 天", " days")) } @else { (l.t("不到 1 天", "less than a day")) } } }
            form.stack action="/appeals" method="post" data-draft-of=(format!("appeal {}", v.id)) data-draft-call=(person.handle(&shown.call.call_id)) {
                (csrf(person))
                input type="hidden" name="verdict" value=(v.id);
                label { (l.t("理由", "reason")) textarea name="reason" required maxlength="1000" {} }
                button type="submit" { (l.t("提交申诉", "send the appeal")) }
            }
        }
    }
}
