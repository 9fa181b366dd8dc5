//! Everything about one call that one person may know.

use std::collections::BTreeMap;

use callsift_reviews::appeals::MAY_APPEAL_US;
use callsift_reviews::{
    Appeal, AppealFilter, Claim, Correction, Db, Draft, Form, Judgement, Receipt, Slot, VerdictRow,
};
use callsift_rules::RuleSet;

use crate::app::{App, now_us};
use crate::auth::Person;
use crate::catalog::rows::{findings, turns};
use crate::catalog::standing::{Standing, standings};
use crate::catalog::{CallRow, FindingRow, TurnRow};
use crate::own_items::OwnItems;
use crate::page_error::PageError;
use crate::pages::call::form::items_of;
use crate::pages::call::second::Second;
use crate::pages::chip::eyes;

/// Points off for a fatal fault: nothing is left.
const FATAL: f64 = 100.0;

/// A call as one person sees it.
pub(crate) struct Shown {
    pub(crate) call: CallRow,
    pub(crate) turns: Vec<TurnRow>,
    /// All findings for staff; for agents and team leads all places of the rules that a person confirmed and handed in.
    pub(crate) findings: Vec<FindingRow>,
    /// For staff as they stand, for agents as they were handed in.
    pub(crate) verdicts: Vec<VerdictRow>,
    /// When verdicts were handed in, by row; for agents.
    pub(super) published: BTreeMap<i64, i64>,
    /// What has become of the call.
    pub(super) standing: Option<Standing>,
    /// How much of the call this person has played, milliseconds.
    pub(super) heard_ms: i64,
    /// The agent's signature, of whichever version of the form.
    pub(super) receipt: Option<Receipt>,
    /// What people heard otherwise than the recogniser.
    corrections: Vec<Correction>,
    /// What this person typed here and did not send.
    pub(super) drafts: Vec<Draft>,
    pub(crate) form: Option<Form>,
    /// The centre's own items: those of the form, or of today where nothing was submitted.
    pub(super) own: Option<OwnItems>,
    /// A draw chose it, and has it heard whole, not by its flagged places.
    pub(super) drawn: bool,
    pub(super) to_hear_whole: bool,
    /// Who is at the call.
    pub(crate) claim: Option<Claim>,
    /// What the agent disputed here; nothing for who is to hear the call blindly.
    pub(super) appeals: Vec<Appeal>,
    /// What a second listener said, for leads.
    pub(super) second: Option<Second>,
}

/// The call, where the person may know of it: agents know their own calls only, team leads those of their team.
pub(crate) fn find(db: &Db, person: &Person, call_id: &str) -> Result<CallRow, PageError> {
    let call = CallRow::find(db.connection(), call_id)?.ok_or(PageError::NotFound)?;
    let own = person.agent() == Some(call.agent_id.as_str()) || person.team() == Some(call.unit.as_str());
    if person.is_staff() || own { Ok(call) } else { Err(PageError::NotFound) }
}

/// Which review the person does of a call: the first, or a blind second one that a draw asked for.
pub(crate) fn slot(db: &Db, person: &Person, call_id: &str) -> Result<Slot, PageError> {
    let blind = db.is_blind_duplicate(call_id, &person.blind_name())?;
    Ok(if blind { Slot::Duplicate } else { Slot::First })
}

/// Appeals about a call; the blind second listener must not learn of them.
fn appeals(db: &Db, person: &Person, call_id: &str, slot: Slot) -> Result<Vec<Appeal>, PageError> {
    let all = person.is_staff() || person.team().is_some();
    let filter = if all { AppealFilter::Call(call_id) } else { AppealFilter::Of(person.user().id) };
    let mut appeals = if slot == Slot::First { db.appeals(filter)? } else { Vec::new() };
    appeals.retain(|a| a.call_id == call_id);
    Ok(appeals)
}

/// What was heard otherwise; of the blind second listener only the own words.
fn corrections(db: &Db, person: &Person, call_id: &str, slot: Slot) -> Result<Vec<Correction>, PageError> {
    let mut all = db.corrections_of(call_id)?;
    all.retain(|c| slot == Slot::First || c.user_id == person.user().id);
    Ok(all)
}

/// What an agent may know of: the verdicts that were handed in, and all places of the rules confirmed by them, since points are
/// taken off for a rule as a whole.
fn only_published(
    db: &Db,
    call_id: &str,
    findings: &mut Vec<FindingRow>,
) -> Result<(Vec<VerdictRow>, BTreeMap<i64, i64>), PageError> {
    let all = db.published_of(call_id, Slot::First)?;
    let published = all.iter().map(|p| (p.verdict.id, p.published_us)).collect();
    let said: Vec<VerdictRow> = all.into_iter().map(|p| p.verdict).collect();
    let confirmed = |rule: &str| said.iter().any(|v| v.rule_id == rule && v.verdict == Judgement::Confirmed);
    findings.retain(|f| match said.iter().find(|v| v.rule_id == f.rule_id && v.place == f.place) {
        Some(v) => v.verdict == Judgement::Confirmed || v.source == "appeal",
        None => f.verdict == "hit" && confirmed(&f.rule_id),
    });
    let verdicts = said.into_iter().filter(|v| v.verdict == Judgement::Confirmed || v.source == "appeal").collect();
    Ok((verdicts, published))
}

/// The own items that a form was filled in with, or those of today. A form from before there were any has none until
/// it is submitted again: what nobody looked at is not full marks.
fn own_items(app: &App, db: &Db, form: Option<&Form>) -> Result<Option<OwnItems>, PageError> {
    let Some(form) = form else { return Ok(app.options.own_items.clone()) };
    let Some(version) = &form.sheet else { return Ok(None) };
    let known = app.options.own_items.as_ref().filter(|own| own.version == *version).cloned();
    match (known, db.sheet(version)?) {
        (None, Some(json)) => Ok(serde_json::from_str(&json).ok()),
        (known, _) => Ok(known),
    }
}

/// The share of a call that was played, 0 to 1.
pub(super) fn heard_share(heard_ms: i64, duration_ms: i64) -> f64 {
    (heard_ms as f64 / duration_ms.max(1) as f64).clamp(0.0, 1.0)
}

impl Shown {
    pub(crate) fn load(app: &App, db: &Db, person: &Person, call_id: &str) -> Result<Self, PageError> {
        // Of one moment: numbers are found by the call's row, which a part that is read anew meanwhile replaces.
        let _moment = db.connection().unchecked_transaction()?;
        let call = find(db, person, call_id)?;
        let slot = slot(db, person, call_id)?;
        let mut findings = findings(db.connection(), call.id)?;
        let (verdicts, published) = if person.is_staff() {
            let mut verdicts = db.verdicts_of(call_id, slot)?;
            verdicts.retain(|v| v.verdict != Judgement::Withdrawn);
            (verdicts, BTreeMap::new())
        } else {
            only_published(db, call_id, &mut findings)?
        };
        let blind = person.blind_name();
        let of_call = std::iter::once(call_id);
        let form = db.form_of(call_id, slot)?;
        Ok(Self {
            turns: turns(db.connection(), call.id)?,
            own: own_items(app, db, form.as_ref())?,
            form,
            drawn: db.drawn(call_id)?,
            to_hear_whole: db.drawn_whole(call_id)?,
            claim: db.claim_of(call_id, slot, now_us())?,
            appeals: appeals(db, person, call_id, slot)?,
            second: Second::read(db, person, call_id)?,
            standing: standings(db.connection(), of_call, now_us(), eyes(person, &blind))?.remove(call_id),
            receipt: if slot == Slot::First { db.receipt_of(call_id)? } else { None },
            corrections: corrections(db, person, call_id, slot)?,
            heard_ms: db.heard_ms(person.user().id, call_id)?,
            drafts: db.drafts(person.user().id, Some(call_id))?,
            findings,
            verdicts,
            published,
            call,
        })
    }

    /// What was said in a turn, where somebody heard it otherwise than it stands there.
    pub(super) fn correction(&self, turn: &TurnRow) -> Option<&Correction> {
        let of_turn = |c: &&Correction| c.turn == turn.turn && c.heard.chars().eq(turn.text.iter().copied());
        self.corrections.iter().find(of_turn)
    }

    /// What a person said of a place.
    pub(super) fn verdict_of(&self, rule_id: &str, place: &str) -> Option<&VerdictRow> {
        self.verdicts.iter().find(|v| v.rule_id == rule_id && v.place == place)
    }

    /// Until when the agent may appeal against a verdict; nothing where it was not handed in.
    pub(super) fn may_appeal_until(&self, v: &VerdictRow) -> Option<i64> {
        self.published.get(&v.id).map(|us| us + MAY_APPEAL_US)
    }

    /// The machine's hits by rule, in order of time: the place to judge, and the rule's other places.
    pub(super) fn hits(&self) -> Vec<(&FindingRow, Vec<&FindingRow>)> {
        let mut rules: Vec<Vec<&FindingRow>> = Vec::new();
        for hit in self.findings.iter().filter(|f| f.verdict == "hit") {
            match rules.iter_mut().find(|r| r.first().is_some_and(|f| f.rule_id == hit.rule_id)) {
                Some(rule) if rule.iter().any(|f| f.place == hit.place) => {}
                Some(rule) => rule.push(hit),
                None => rules.push(vec![hit]),
            }
        }
        // Where a person judged another place than the first, that one stands for the rule.
        let head = |rule: &[&FindingRow]| {
            let judged = |f: &&FindingRow| self.verdict_of(&f.rule_id, &f.place).is_some();
            rule.iter().position(judged).unwrap_or(0)
        };
        rules
            .into_iter()
            .map(|mut rule| {
                let at = head(&rule);
                (rule.remove(at), rule)
            })
            .collect()
    }

    /// The share of the call that this person has played, 0 to 1.
    pub(super) fn heard_share(&self) -> f64 {
        heard_share(self.heard_ms, self.call.duration_ms)
    }

    /// What has become of the call.
    pub(crate) fn standing(&self) -> Option<&Standing> {
        self.standing.as_ref()
    }

    /// Points off for a rule in the form that stands.
    pub(crate) fn item(&self, rule: &str) -> Option<f64> {
        self.form.as_ref().and_then(|form| items_of(&form.items).get(rule).copied())
    }

    /// Where in the recording a place is, milliseconds.
    pub(crate) fn span_of(&self, rule: &str, place: &str) -> Option<(i64, i64)> {
        let finding = self.findings.iter().find(|f| f.rule_id == rule && f.place == place).and_then(|f| f.span);
        let marked = || self.verdict_of(rule, place).and_then(|v| v.span_ms);
        finding.map(|s| (s.start_ms, s.end_ms)).or_else(marked)
    }

    /// Points off for a hit with all its places: of the form for agents, so that what they read adds up.
    pub(super) fn points_off(&self, f: &FindingRow, others: &[&FindingRow]) -> f64 {
        if self.published.is_empty() {
            return f.points + others.iter().map(|f| f.points).sum::<f64>();
        }
        self.item(&f.rule_id).unwrap_or(0.0)
    }

    /// Violations that the machine missed.
    pub(super) fn missed(&self) -> impl Iterator<Item = &VerdictRow> {
        let known = |v: &&VerdictRow| self.findings.iter().any(|f| f.rule_id == v.rule_id && f.place == v.place);
        self.verdicts.iter().filter(move |v| !known(v))
    }

    /// Points off by rule, of what people confirmed.
    pub(super) fn items(&self, rules: &RuleSet) -> BTreeMap<String, f64> {
        let mut items: BTreeMap<String, f64> = BTreeMap::new();
        for v in self.verdicts.iter().filter(|v| v.verdict == Judgement::Confirmed) {
            let of_rule = || self.findings.iter().filter(|f| f.rule_id == v.rule_id);
            let machine: f64 = of_rule().map(|f| f.points).sum();
            let rule = rules.get(&v.rule_id).ok();
            let fatal = of_rule().any(|f| f.verdict == "hit" && f.severity == "fatal")
                || rule.is_some_and(|r| r.severity == callsift_core::Severity::Fatal);
            let points = if machine > 0.0 { machine } else { rule.map_or(0.0, |r| r.points.value) };
            items.insert(v.rule_id.clone(), if fatal { FATAL } else { points });
        }
        items
    }
}

/// Whether a form that was handed in says otherwise than the verdicts of now: a rule confirmed without points off, or points
/// off for a hit that is confirmed no more.
pub(super) fn is_overtaken(shown: &Shown, items: &BTreeMap<String, f64>, rules: &RuleSet) -> bool {
    let confirmed = shown.items(rules);
    let costs = |rule: &&String| confirmed.get(*rule).is_some_and(|points| *points > 0.0);
    let judged = |rule: &&String| shown.verdicts.iter().any(|v| v.rule_id == **rule);
    confirmed.keys().filter(costs).any(|rule| !items.contains_key(rule))
        || items.keys().filter(judged).any(|rule| !confirmed.contains_key(rule))
}
