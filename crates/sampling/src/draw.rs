//! Drawing by a plan.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::chance::Chance;
use crate::error::SamplingError;
use crate::frame::{Frame, FrameCall};
use crate::half_month;
use crate::plan::{Method, Plan, Stratum};
use crate::risk::{self, Flag, Inclusion, RiskDraw, RiskPick, RuleRecord};
use crate::strata::{self, StratumDraw};

/// A call that was drawn.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Picked {
    /// Call.
    pub call_id: String,
    /// Agent's number.
    pub agent_id: String,
    /// Agent's name.
    pub agent_name: String,
    /// Unit.
    pub unit: String,
    /// Day.
    pub date: String,
    /// Why it was drawn, in Chinese.
    pub why: String,
    /// Probability with which the plan draws this call, 0 to 1; `None` where the plan looks at the call's own traits, so
    /// that no rate may be estimated from it. In a risk queue: that its flagged places are judged.
    pub probability: Option<f64>,
    /// What the risk queue says of the call; `None` for other plans. Not for the reviewer's eyes: it marks duplicates.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub risk: Option<RiskPick>,
}

impl Picked {
    pub(crate) fn new(call: &FrameCall, why: String, probability: Option<f64>) -> Self {
        Self {
            call_id: call.call_id.clone(),
            agent_id: call.agent_id.clone(),
            agent_name: call.agent_name.clone(),
            unit: call.unit.clone(),
            date: call.date.clone(),
            why,
            probability,
            risk: None,
        }
    }
}

/// What machine and reviewers found so far: what a risk queue is ordered by.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Findings {
    /// Flagged places, by call.
    pub flags: BTreeMap<String, Vec<Flag>>,
    /// What reviewers said of each rule's hits.
    pub records: Vec<RuleRecord>,
    /// Calls that somebody heard before or is to hear by an earlier draw: none takes a place of the risk part.
    pub heard: BTreeSet<String>,
}

/// A draw and what it depends on: enough to draw again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Draw {
    /// The plan.
    pub plan: Plan,
    /// Seed.
    pub seed: String,
    /// Hash of the frame.
    pub frame_hash: String,
    /// Calls in the frame.
    pub frame_calls: usize,
    /// Hash of the findings, or of the machine scores; `None` for plans that do not look at them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub findings_hash: Option<String>,
    /// Probability of the calls of the frame that were not drawn, where it is one for all of them (risk queue).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rest_probability: Option<f64>,
    /// Calls worth a place in a risk queue that were heard before and so take none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub passed_over: Vec<String>,
    /// The calls drawn, in order of agent, day and start; a risk queue in order of value.
    pub picked: Vec<Picked>,
}

/// A draw, and how likely it was for every call of the frame.
#[derive(Debug, Clone, PartialEq)]
pub struct Drawn {
    /// The draw.
    pub draw: Draw,
    /// The probabilities of every call of the frame; none where the plan looks at the calls' own traits.
    pub inclusion: BTreeMap<String, Inclusion>,
    /// Calls that the plan cannot draw, and what each lacks.
    pub left_out: Vec<(String, Lacks)>,
    /// Traits that the plan stratifies by and that were let go, since with them it had more strata than calls to draw.
    pub let_go: Vec<Stratum>,
}

/// What a call lacks that a plan needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Lacks {
    /// The agent's number.
    Agent,
    /// When it began.
    Start,
}

/// Draws. The same plan, seed and frame always give the same calls.
///
/// # Errors
/// The plan is a risk queue, which needs [`draw_with`].
pub fn draw(plan: &Plan, seed: &str, frame: &Frame) -> Result<Draw, SamplingError> {
    draw_with(plan, seed, frame, None).map(|drawn| drawn.draw)
}

/// Draws, a risk queue too. The same plan, seed, frame and findings always give the same calls.
///
/// # Errors
/// A risk queue without findings.
pub fn draw_with(plan: &Plan, seed: &str, frame: &Frame, findings: Option<&Findings>) -> Result<Drawn, SamplingError> {
    let (mut queue, mut inclusion) = (None, BTreeMap::new());
    let (mut passed_over, mut let_go) = (Vec::new(), Vec::new());
    let chance = Chance::new(seed, frame);
    let (calls, left_out) = drawable(&plan.method, frame);
    let picked = match &plan.method {
        Method::HalfMonth { per_agent } => by_half_month(&calls, *per_agent, chance),
        Method::PerAgent { .. } | Method::Percent { .. } | Method::Stratified { .. } => {
            let of;
            (of, let_go) = strata::strata_of(&plan.method, &calls);
            inclusion = of.iter().flat_map(StratumDraw::inclusion).collect();
            strata::sample(&of, chance, &plan.method)
        }
        Method::Risk(risk_plan) => {
            let f = findings.ok_or(SamplingError::NeedsFindings)?;
            let drawn = risk::draw(risk_plan, seed, frame, &f.flags, &f.records, &f.heard);
            let picked = by_risk(&drawn);
            queue = Some((drawn.evidence_hash, drawn.random_probability));
            (inclusion, passed_over) = (drawn.inclusion, drawn.passed_over);
            picked
        }
    };
    let (findings_hash, rest_probability) = queue.unzip();
    let findings_hash = findings_hash.or_else(|| plan.method.looks_at_scores().then(|| frame.scores_hash()));
    let draw = Draw {
        plan: plan.clone(),
        seed: seed.to_owned(),
        frame_hash: frame.hash().to_owned(),
        frame_calls: frame.calls().len(),
        findings_hash,
        rest_probability,
        passed_over,
        picked,
    };
    Ok(Drawn { draw, inclusion, left_out, let_go })
}

/// The calls that a plan can draw, and those that lack what it looks at: an agent's plan cannot hold a call of nobody.
fn drawable<'a>(method: &Method, frame: &'a Frame) -> (Vec<&'a FrameCall>, Vec<(String, Lacks)>) {
    let lacks = |call: &FrameCall| match method {
        Method::HalfMonth { .. } | Method::PerAgent { .. } if call.agent_id.is_empty() => Some(Lacks::Agent),
        Method::HalfMonth { .. } if call.started_at_us == 0 => Some(Lacks::Start),
        _ => None,
    };
    let (calls, left_out): (Vec<_>, Vec<_>) = frame.calls().iter().partition(|c| lacks(c).is_none());
    let left_out = left_out.into_iter().filter_map(|c| Some((c.call_id.clone(), lacks(c)?))).collect();
    (calls, left_out)
}

fn by_risk(drawn: &RiskDraw<'_>) -> Vec<Picked> {
    let of = |p: &risk::RiskPicked<'_>| Picked {
        risk: Some(p.risk),
        ..Picked::new(p.call, p.why.clone(), Some(p.probability))
    };
    drawn.picked.iter().map(of).collect()
}

fn by_half_month(calls: &[&FrameCall], n: usize, chance: Chance<'_>) -> Vec<Picked> {
    let mut groups: BTreeMap<(&str, String), Vec<&FrameCall>> = BTreeMap::new();
    for call in calls {
        groups.entry((&call.agent_id, half_month::half(&call.date))).or_default().push(call);
    }
    let plans = groups.iter().flat_map(|((_, half), calls)| {
        let chosen = half_month::choose(calls, half, n, chance);
        // A call of an agent with so few calls is heard for sure; the others by their traits.
        let probability = (calls.len() <= n).then_some(1.0);
        chosen.into_iter().map(move |(call, why)| Picked::new(call, why, probability))
    });
    plans.collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::{Lacks, draw, draw_with};
    use crate::frame::tests::call;
    use crate::frame::{Frame, FrameCall};
    use crate::plan::Plan;

    fn frame() -> Frame {
        let agents = (0..6).map(|a| format!("30{a:02}"));
        Frame::new(agents.flat_map(|a| (0..40).map(move |i| call(&a, "2026-11-03", 480 + i, 60 + i))).collect())
    }

    #[test]
    fn every_agent_is_heard_equally_often_and_no_call_twice() {
        let plan = Plan::parse("title = \"x\"\nmethod = \"half_month\"\n").unwrap();
        let draw = draw(&plan, "s", &frame()).unwrap();
        let mut per_agent: BTreeMap<&str, usize> = BTreeMap::new();
        draw.picked.iter().for_each(|p| *per_agent.entry(&p.agent_id).or_default() += 1);
        assert!(per_agent.len() == 6 && per_agent.values().all(|n| *n == 5), "{per_agent:?}");
        let mut ids: Vec<&str> = draw.picked.iter().map(|p| p.call_id.as_str()).collect();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), 30);
    }

    #[test]
    fn random_plans_know_their_probabilities() {
        let percent = Plan::parse("title = \"x\"\nmethod = \"percent\"\npercent = 10\n").unwrap();
        let drawn = draw(&percent, "s", &frame()).unwrap();
        assert_eq!(drawn.picked.len(), 24);
        assert!(drawn.picked.iter().all(|p| p.probability == Some(0.1)));
        let again = draw(&percent, "s", &frame()).unwrap();
        assert_eq!(drawn, again);
        assert_ne!(drawn.picked, draw(&percent, "t", &frame()).unwrap().picked);
    }

    #[test]
    fn a_draw_comes_back_from_its_file_as_it_was() {
        // 1/11 and its like are read back as their neighbours by a JSON reader that rounds in a hurry.
        let plan = Plan::parse("title = \"x\"\nmethod = \"per_agent\"\nn = 1\n").unwrap();
        for n in 1..60 {
            let frame = Frame::new((0..n).map(|i| call("1", "2026-11-03", i + 1, 60)).collect());
            let drawn = draw(&plan, "s", &frame).unwrap();
            let text = serde_json::to_string(&drawn).unwrap();
            assert_eq!(serde_json::from_str::<super::Draw>(&text).unwrap(), drawn);
        }
    }

    #[test]
    fn each_call_is_drawn_with_the_stated_probability() {
        let plan = Plan::parse("title = \"x\"\nmethod = \"per_agent\"\nn = 3\n").unwrap();
        let frame = Frame::new((0..10).map(|i| call("1", "2026-11-03", i + 1, 60)).collect());
        let mut counts: BTreeMap<String, usize> = BTreeMap::new();
        for seed in 0..2000 {
            for p in draw(&plan, &seed.to_string(), &frame).unwrap().picked {
                *counts.entry(p.call_id).or_default() += 1;
            }
        }
        assert!(counts.len() == 10 && counts.values().all(|n| (520..680).contains(n)), "{counts:?}");
    }

    #[test]
    fn a_call_without_an_agent_stops_nobody_else() {
        let plan = Plan::parse("title = \"x\"\nmethod = \"half_month\"\n").unwrap();
        let mut calls = frame().calls().to_vec();
        calls.push(FrameCall { agent_id: String::new(), call_id: "nobody".into(), ..call("1", "2026-11-03", 5, 60) });
        calls.push(FrameCall { started_at_us: 0, call_id: "never".into(), ..call("1", "2026-11-03", 5, 60) });
        let drawn = draw_with(&plan, "s", &Frame::new(calls), None).unwrap();
        assert_eq!(drawn.draw.picked.len(), 30);
        assert_eq!(drawn.left_out, [("never".to_owned(), Lacks::Start), ("nobody".to_owned(), Lacks::Agent)]);
    }
}
