//! The risk queue: first the calls from which a minute of listening is expected to confirm most.
//!
//! Two parts, so that the queue both finds violations and measures what it does not find:
//! - **risk**: the calls with the highest expected value per minute ([`value()`]), all of them, for sure; calls that somebody
//!   heard before or is to hear by an earlier draw take no place there;
//! - **random**: a simple random sample of the **whole** frame, whatever the risk. Its tickets depend on seed and frame only, so
//!   that nobody steers it by touching a rule, and it may meet a call of the first part: then the call counts as random and is
//!   heard whole, and the queue is that much shorter. It is not filled up, which would make probabilities depend on each other.
//!
//! Calls of the random part are heard whole, since a miss may be anywhere; those of the risk part by their clips, unless
//! the plan says [`Hear::Whole`]. So each call has two exact probabilities ([`Inclusion`]): that its flagged places are judged,
//! and that everything in it is. Estimates need the right one for each rule ([`RiskDraw::inclusion`]).
//!
//! Blind duplicates are a simple random sample of the chosen calls, for a second reviewer who is not told. They come on top
//! of the size of the plan.

pub mod options;
pub mod value;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

pub use options::{Hear, RiskPlan, Weights};
pub use value::{Evidence, Flag, RuleRecord, Value, value, value_of};

use crate::chance::Chance;
use crate::frame::{Frame, FrameCall};

/// Which part of the queue a call is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// Drawn for its risk.
    Risk,
    /// Drawn by chance.
    Random,
}

/// What the queue says of a picked call.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct RiskPick {
    /// Part of the queue; random where both parts have it.
    pub part: Part,
    /// How much of the call is heard.
    pub hear: Hear,
    /// Violations that a person is expected to confirm.
    pub expected: f64,
    /// The same weighted by severity, per minute of listening: what the queue is ordered by.
    pub per_minute: f64,
    /// Minutes of listening, the fixed overhead included.
    pub minutes: f64,
    /// True where a second reviewer hears it too, without being told.
    pub duplicate: bool,
    /// Probability with which the queue has everything in the call judged; [`crate::Picked::probability`] is that of its
    /// flagged places.
    pub whole_probability: f64,
}

/// Probabilities of a call of the frame.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Inclusion {
    /// That its flagged places are judged: for rules with a hit in the call.
    pub flagged: f64,
    /// That the call is heard whole: for all other rules.
    pub whole: f64,
}

/// A picked call.
#[derive(Debug, Clone, PartialEq)]
pub struct RiskPicked<'a> {
    /// The call.
    pub call: &'a FrameCall,
    /// Why, in Chinese.
    pub why: String,
    /// Probability that its flagged places are judged.
    pub probability: f64,
    /// What the queue says.
    pub risk: RiskPick,
}

/// A queue and the probabilities of all calls.
#[derive(Debug, Clone, PartialEq)]
pub struct RiskDraw<'a> {
    /// The queue, first what is worth most per minute; calls by chance stand where their value puts them, so that their
    /// place does not give them away.
    pub picked: Vec<RiskPicked<'a>>,
    /// Hash of flags and records: published with the hash of the frame.
    pub evidence_hash: String,
    /// Probability of a call that is not in the risk part.
    pub random_probability: f64,
    /// Calls of the risk part that needed no place in it, since they were heard before: as surely judged as if they had one.
    pub passed_over: Vec<String>,
    /// Probabilities of every call of the frame, by call.
    pub inclusion: BTreeMap<String, Inclusion>,
}

/// Draws a queue. The same plan, seed, frame, flags, records and calls that were heard give the same queue.
pub fn draw<'a>(
    plan: &RiskPlan,
    seed: &str,
    frame: &'a Frame,
    flags: &BTreeMap<String, Vec<Flag>>,
    records: &[RuleRecord],
    heard: &BTreeSet<String>,
) -> RiskDraw<'a> {
    let chance = Chance::new(seed, frame);
    let evidence = Evidence::new(flags, records);
    let valued: Vec<(&FrameCall, Value)> = frame.calls().iter().map(|c| (c, value(plan, c, &evidence))).collect();
    let (top_size, random_size) = plan.sizes(&valued, heard);
    let by_chance: BTreeSet<&str> = chance
        .shuffled("risk/random", frame.calls().iter(), |c| c.call_id.clone())
        .into_iter()
        .take(random_size)
        .map(|c| c.call_id.as_str())
        .collect();
    let ranked = ranked(&valued, chance);
    let (top, passed_over) = top(&ranked, top_size, heard);
    let random_probability = random_size as f64 / frame.calls().len().max(1) as f64;
    let inclusion = |call: &FrameCall| {
        let id = call.call_id.as_str();
        plan.inclusion(top.contains(id) || passed_over.contains(id), random_probability)
    };
    let chosen =
        ranked.iter().filter(|(c, _)| top.contains(c.call_id.as_str()) || by_chance.contains(c.call_id.as_str()));
    let mut picked: Vec<RiskPicked<'a>> = chosen
        .map(|(call, value)| {
            let random = by_chance.contains(call.call_id.as_str());
            pick(plan, call, value, random, inclusion(call))
        })
        .collect();
    duplicates(&mut picked, plan.duplicate_share, chance);
    RiskDraw {
        picked,
        evidence_hash: evidence.hash(),
        random_probability,
        passed_over: passed_over.iter().map(|id| (*id).to_owned()).collect(),
        inclusion: frame.calls().iter().map(|c| (c.call_id.clone(), inclusion(c))).collect(),
    }
}

/// The calls of the risk part, and those that would have been in it had nobody heard them. Whether a call is one of the two hangs on
/// the others only, heard or not, so that its probability is 1 either way.
fn top<'a>(
    ranked: &[(&'a FrameCall, Value)],
    size: usize,
    heard: &BTreeSet<String>,
) -> (BTreeSet<&'a str>, BTreeSet<&'a str>) {
    let (mut top, mut passed_over) = (BTreeSet::new(), BTreeSet::new());
    for (call, _) in ranked.iter().take_while(|(_, v)| v.per_minute() > 0.0) {
        if top.len() == size {
            break;
        }
        let into = if heard.contains(&call.call_id) { &mut passed_over } else { &mut top };
        into.insert(call.call_id.as_str());
    }
    (top, passed_over)
}

/// Calls by value per minute, the highest first. Equal ones by ticket: a number of a call shall not move it.
fn ranked<'a>(valued: &[(&'a FrameCall, Value)], chance: Chance<'_>) -> Vec<(&'a FrameCall, Value)> {
    let mut ranked: Vec<([u8; 32], &FrameCall, Value)> =
        valued.iter().map(|(c, v)| (chance.ticket("risk/order", &c.call_id), *c, *v)).collect();
    ranked.sort_by(|a, b| b.2.per_minute().total_cmp(&a.2.per_minute()).then(a.0.cmp(&b.0)));
    ranked.into_iter().map(|(_, c, v)| (c, v)).collect()
}

fn pick<'a>(plan: &RiskPlan, call: &'a FrameCall, value: &Value, random: bool, inclusion: Inclusion) -> RiskPicked<'a> {
    let hear = if random { Hear::Whole } else { plan.hear };
    let why = match (random, value.flags) {
        (false, n) => format!("风险优先：命中{n}处，预计每分钟确认{:.2}（按严重度加权）", value.per_minute()),
        (true, 0) => "随机份额：与风险无关，全程听".to_owned(),
        (true, n) => format!("随机份额：与风险无关，全程听（另有命中{n}处）"),
    };
    let minutes = if hear == Hear::Whole { value.whole_minutes } else { value.minutes };
    let risk = RiskPick {
        part: if random { Part::Random } else { Part::Risk },
        hear,
        expected: value.expected,
        per_minute: value.per_minute(),
        minutes,
        duplicate: false,
        whole_probability: inclusion.whole,
    };
    RiskPicked { call, why, probability: inclusion.flagged, risk }
}

fn duplicates(picked: &mut [RiskPicked<'_>], share: f64, chance: Chance<'_>) {
    let n = options::part_of(picked.len(), share);
    let ids = picked.iter().map(|p| p.call.call_id.clone());
    let chosen: BTreeSet<String> = chance.shuffled("risk/duplicate", ids, Clone::clone).into_iter().take(n).collect();
    for pick in picked.iter_mut() {
        pick.risk.duplicate = chosen.contains(&pick.call.call_id);
    }
}
