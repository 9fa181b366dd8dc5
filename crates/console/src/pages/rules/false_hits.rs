//! Hits of a rule that people rejected: why, how often, and the last ones.

use std::collections::{BTreeMap, BTreeSet};

use callsift_reviews::Cause;
use maud::{Markup, html};
use rusqlite::{Connection, params};

use crate::auth::Person;
use crate::figures::causes::causes;
use crate::figures::evidence::Evidence;
use crate::figures::period::Period;
use crate::lang::{cause as name, evidence};
use crate::pages::clock;
use crate::pages::parts::{call_name, evident, fragment, visible};

/// False hits that are shown.
const MOST: i64 = 12;

/// A hit that a person rejected.
struct Sample {
    call_id: String,
    start_ms: Option<i64>,
    turn: Option<i64>,
    text: Option<String>,
    note: String,
    cause: Option<Cause>,
    by: String,
    /// The turn that the words are of.
    whole: Option<String>,
}

/// All that is shown of false hits.
pub(super) struct FalseHits {
    /// Calls of the period by cause.
    causes: BTreeMap<Option<Cause>, BTreeSet<String>>,
    /// The last ones, of whatever day.
    samples: Vec<Sample>,
}

impl FalseHits {
    /// None of calls that this reader is to judge blindly stands among the samples.
    pub(super) fn read(conn: &Connection, p: &Period, rule: &str, reader: &str) -> rusqlite::Result<Self> {
        Ok(Self { causes: causes(conn, p, rule)?, samples: samples(conn, rule, reader)? })
    }

    pub(super) fn show(&self, person: &Person, p: &Period, rule: &str) -> Markup {
        let l = person.lang;
        html! {
            (self.causes(person, p, rule))
            @if self.samples.is_empty() { p.empty { (l.t("还没有人判为误报。", "Nobody rejected a hit yet.")) } } @else {
                table.plain { @for s in &self.samples { (line(person, s)) } }
            }
        }
    }

    /// Only those that were given, those without one last.
    fn causes(&self, person: &Person, p: &Period, rule: &str) -> Markup {
        let l = person.lang;
        let order = Cause::ALL.into_iter().map(Some).chain([None]);
        let given = order.filter_map(|cause| Some((cause, self.causes.get(&cause)?.len())));
        let evidence = |cause| Evidence::Cause { rule: rule.to_owned(), cause };
        html! {
            @if !self.causes.is_empty() {
                p title=(l.t("所选日期内有误报的通话，按原因", "calls of these days with a rejected hit, by cause")) {
                    (l.t("误报原因（通）：", "why rejected, calls: "))
                    @for (i, (cause, n)) in given.enumerate() {
                        @if i > 0 { " · " } (name(l, cause)) " " (evident(n, p, &evidence(cause), &[]))
                    }
                }
            }
        }
    }
}

fn line(person: &Person, s: &Sample) -> Markup {
    let turn = s.turn.map_or_else(String::new, |t| format!("#t{t}"));
    html! { tr {
        td { a href=(person.call_url(&s.call_id) + &turn) { (call_name(person, &s.call_id)) @if let Some(ms) = s.start_ms { " " (clock(ms)) } } }
        td { (fragment(person, s.whole.as_deref().unwrap_or_default(), &evidence(person.lang, s.text.as_deref().unwrap_or("–"))))
            small { @if s.cause.is_some() { (name(person.lang, s.cause)) " · " } (s.by) @if !s.note.is_empty() { (person.lang.t("：", ": ")) (visible(person, &s.note)) } } }
    } }
}

fn samples(conn: &Connection, rule: &str, reader: &str) -> rusqlite::Result<Vec<Sample>> {
    let sql = "SELECT v.call_id, v.start_ms,
                 (SELECT min(t.turn) FROM cat.turns t WHERE t.call = c.id AND t.end_ms > v.start_ms), v.text, v.note, u.display,
                 v.cause,
                 (SELECT t.text FROM cat.turns t WHERE t.call = c.id AND t.end_ms > v.start_ms ORDER BY t.turn LIMIT 1)
               FROM current_verdicts v JOIN users u ON u.id = v.user_id LEFT JOIN cat.calls c ON c.call_id = v.call_id
               WHERE v.slot = 0 AND v.rule_id = ?1 AND v.verdict = 'rejected'
                 AND v.call_id NOT IN (SELECT b.call_id FROM blind_reviews b WHERE b.name = ?3) ORDER BY v.id DESC LIMIT ?2";
    let mut statement = conn.prepare_cached(sql)?;
    let rows = statement.query_map(params![rule, MOST, reader], |r| {
        let (call_id, start_ms, turn) = (r.get(0)?, r.get(1)?, r.get(2)?);
        let cause: Option<String> = r.get(6)?;
        let cause = cause.as_deref().and_then(Cause::parse);
        Ok(Sample { call_id, start_ms, turn, text: r.get(3)?, note: r.get(4)?, by: r.get(5)?, cause, whole: r.get(7)? })
    })?;
    rows.collect()
}
