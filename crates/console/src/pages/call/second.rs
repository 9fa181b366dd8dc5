//! The blind second review of a call, for whoever leads: what two people made of the same call.

use callsift_reviews::{Db, Form, Slot, VerdictRow};
use maud::{Markup, html};

use crate::app::App;
use crate::auth::Person;
use crate::lang::judgement;
use crate::page_error::PageError;
use crate::pages::call::Shown;
use crate::pages::parts::{title, visible};
use crate::pages::{clock, points, when};

/// What the second listener said.
pub(crate) struct Second {
    verdicts: Vec<VerdictRow>,
    form: Option<Form>,
}

impl Second {
    /// Nothing where the reader does not lead, or nobody heard the call a second time.
    pub(super) fn read(db: &Db, person: &Person, call_id: &str) -> Result<Option<Self>, PageError> {
        if !person.is_lead() {
            return Ok(None);
        }
        let (verdicts, form) = (db.verdicts_of(call_id, Slot::Duplicate)?, db.form_of(call_id, Slot::Duplicate)?);
        Ok((!verdicts.is_empty() || form.is_some()).then_some(Self { verdicts, form }))
    }
}

/// Both reviews stand on one page: the first as ever, this one below it.
pub(super) fn review(app: &App, person: &Person, shown: &Shown) -> Markup {
    let Some(second) = &shown.second else { return html! {} };
    let l = person.lang;
    html! {
        section.sheet #second {
            h2 { (l.t("盲复核", "blind second review")) @if let Some(f) = &second.form { " " output { (points(f.score)) } (l.t(" 分", "")) } }
            @match &second.form {
                Some(f) => { p.said { (f.by) " · " (when(app, f.at_us)) @if f.whole { " · " (l.t("整通已听", "heard as a whole")) } } (words(person, f)) },
                None => p.said { (l.t("还没有提交", "not handed in yet")) },
            }
            ul.rest { @for v in &second.verdicts { (line(app, person, v)) } }
        }
    }
}

fn words(person: &Person, f: &Form) -> Markup {
    let l = person.lang;
    html! {
        @if !f.strengths.is_empty() { h3 { (l.t("优点", "strengths")) } p { (visible(person, &f.strengths)) } }
        @if !f.weaknesses.is_empty() { h3 { (l.t("不足", "weaknesses")) } p { (visible(person, &f.weaknesses)) } }
    }
}

fn line(app: &App, person: &Person, v: &VerdictRow) -> Markup {
    html! {
        li {
            @if let Some((start, _)) = v.span_ms { button.time type="button" data-seek=(start) { (clock(start)) } " " }
            (title(app, &v.rule_id)) " · " b { (judgement(person.lang, v.verdict.as_str())) } " · " (v.by)
            @if !v.note.is_empty() { (person.lang.t("：", ": ")) (visible(person, &v.note)) }
        }
    }
}
