//! Everything about one call that one person may know.

use std::collections::BTreeMap;

use callsift_reviews::{Appeal, AppealFilter, Claim, Db, Form, Judgement, Slot, VerdictRow};
use callsift_rules::RuleSet;

use crate::app::now_us;
use crate::auth::Person;
use crate::catalog::rows::{findings, turns};
use crate::catalog::{CallRow, FindingRow, TurnRow};
use crate::page_error::PageError;
use crate::pages::call::second::Second;

/// Points off for a fatal fault: nothing is left.
const FATAL: f64 = 100.0;

/// A call as one person sees it.
pub(crate) struct Shown {
    pub(crate) call: CallRow,
    pub(crate) turns: Vec<TurnRow>,
    /// All findings for staff; for agents only those that a person confirmed.
    pub(crate) findings: Vec<FindingRow>,
    pub(crate) verdicts: Vec<VerdictRow>,
    pub(crate) form: Option<Form>,
    /// A draw has it heard whole, not by its flagged places.
    pub(super) to_hear_whole: bool,
    /// Who is at the call.
    pub(crate) claim: Option<Claim>,
    /// What this agent disputed here; nothing for others.
    pub(super) appeals: Vec<Appeal>,
    /// What a second listener said, for leads.
    pub(super) second: Option<Second>,
}

/// The call, where the person may know of it: agents know their own calls only.
pub(super) fn find(db: &Db, person: &Person, call_id: &str) -> Result<CallRow, PageError> {
    let call = CallRow::find(db.connection(), call_id)?.ok_or(PageError::NotFound)?;
    let own = || person.user().agent_id.as_deref() == Some(call.agent_id.as_str()) && !call.agent_id.is_empty();
    if person.is_staff() || own() { Ok(call) } else { Err(PageError::NotFound) }
}

/// Which review the person does of a call: the first, or a blind second one that a draw asked for.
pub(super) fn slot(db: &Db, person: &Person, call_id: &str) -> Result<Slot, PageError> {
    let blind = db.is_blind_duplicate(call_id, &person.blind_name())?;
    Ok(if blind { Slot::Duplicate } else { Slot::First })
}

fn appeals(db: &Db, person: &Person, call_id: &str) -> Result<Vec<Appeal>, PageError> {
    if person.is_staff() {
        return Ok(Vec::new());
    }
    let mut own = db.appeals(AppealFilter::Of(person.user().id))?;
    own.retain(|a| a.call_id == call_id);
    Ok(own)
}

impl Shown {
    pub(super) fn load(db: &Db, person: &Person, call_id: &str) -> Result<Self, PageError> {
        // Of one moment: numbers are found by the call's row, which a part that is read anew meanwhile replaces.
        let _moment = db.connection().unchecked_transaction()?;
        let call = find(db, person, call_id)?;
        let slot = slot(db, person, call_id)?;
        let mut verdicts = db.verdicts_of(call_id, slot)?;
        verdicts.retain(|v| v.verdict != Judgement::Withdrawn);
        let mut findings = findings(db.connection(), call.id)?;
        if !person.is_staff() {
            verdicts.retain(|v| v.verdict == Judgement::Confirmed || v.source == "appeal");
            findings.retain(|f| verdicts.iter().any(|v| v.rule_id == f.rule_id && v.place == f.place));
        }
        Ok(Self {
            turns: turns(db.connection(), call.id)?,
            form: db.form_of(call_id, slot)?,
            to_hear_whole: db.drawn_whole(call_id)?,
            claim: db.claim_of(call_id, slot, now_us())?,
            appeals: appeals(db, person, call_id)?,
            second: Second::read(db, person, call_id)?,
            findings,
            verdicts,
            call,
        })
    }

    /// What a person said of a place.
    pub(super) fn verdict_of(&self, rule_id: &str, place: &str) -> Option<&VerdictRow> {
        self.verdicts.iter().find(|v| v.rule_id == rule_id && v.place == place)
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
