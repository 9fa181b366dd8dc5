//! Drawing by a plan.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::allocate::{allocate, stratum};
use crate::chance::Chance;
use crate::error::SamplingError;
use crate::frame::{Frame, FrameCall};
use crate::half_month;
use crate::plan::{Method, Plan};
use crate::risk::{self, Flag, Inclusion, RiskDraw, RiskPick, RuleRecord};

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

/// What machine and reviewers found so far: what a risk queue is ordered by.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Findings {
    /// Flagged places, by call.
    pub flags: BTreeMap<String, Vec<Flag>>,
    /// What reviewers said of each rule's hits.
    pub records: Vec<RuleRecord>,
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
}

/// Draws. The same plan, seed and frame always give the same calls.
///
/// # Errors
/// A call lacks what the plan needs; the plan is a risk queue, which needs [`draw_with`].
pub fn draw(plan: &Plan, seed: &str, frame: &Frame) -> Result<Draw, SamplingError> {
    draw_with(plan, seed, frame, None).map(|drawn| drawn.draw)
}

/// Draws, a risk queue too. The same plan, seed, frame and findings always give the same calls.
///
/// # Errors
/// A call lacks what the plan needs; a risk queue without findings.
pub fn draw_with(plan: &Plan, seed: &str, frame: &Frame, findings: Option<&Findings>) -> Result<Drawn, SamplingError> {
    let (mut queue, mut inclusion) = (None, BTreeMap::new());
    let chance = Chance::new(seed, frame);
    let picked = match &plan.method {
        Method::HalfMonth { per_agent } => by_half_month(frame, *per_agent, chance)?,
        Method::PerAgent { .. } | Method::Percent { .. } | Method::Stratified { .. } => {
            let of = strata_of(&plan.method, frame);
            inclusion = of.iter().flat_map(StratumDraw::inclusion).collect();
            strata(&of, chance, &plan.method)
        }
        Method::Risk(risk_plan) => {
            let findings = findings.ok_or(SamplingError::NeedsFindings)?;
            let drawn = risk::draw(risk_plan, seed, frame, &findings.flags, &findings.records);
            let picked = by_risk(&drawn);
            queue = Some((drawn.evidence_hash, drawn.random_probability));
            inclusion = drawn.inclusion;
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
        picked,
    };
    Ok(Drawn { draw, inclusion })
}

fn by_risk(drawn: &RiskDraw<'_>) -> Vec<Picked> {
    let of =
        |p: &risk::RiskPicked<'_>| Picked { risk: Some(p.risk), ..picked(p.call, p.why.clone(), Some(p.probability)) };
    drawn.picked.iter().map(of).collect()
}

fn group(frame: &Frame, key: impl Fn(&FrameCall) -> String) -> BTreeMap<String, Vec<&FrameCall>> {
    let mut groups: BTreeMap<String, Vec<&FrameCall>> = BTreeMap::new();
    for call in frame.calls() {
        groups.entry(key(call)).or_default().push(call);
    }
    groups
}

fn picked(call: &FrameCall, why: String, probability: Option<f64>) -> Picked {
    Picked {
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

/// Calls that are alike to a plan, and how many of them it draws.
struct StratumDraw<'a> {
    name: String,
    calls: Vec<&'a FrameCall>,
    n: usize,
}

impl StratumDraw<'_> {
    fn probability(&self) -> f64 {
        self.n as f64 / self.calls.len().max(1) as f64
    }

    /// The probabilities of its calls.
    fn inclusion(&self) -> impl Iterator<Item = (String, Inclusion)> {
        let p = self.probability();
        self.calls.iter().map(move |c| (c.call_id.clone(), Inclusion { flagged: p, whole: p }))
    }
}

/// The strata of a plan that draws from each one by chance.
fn strata_of<'a>(method: &Method, frame: &'a Frame) -> Vec<StratumDraw<'a>> {
    let groups = match method {
        Method::PerAgent { .. } => group(frame, |c| c.agent_id.clone()),
        Method::Percent { .. } => group(frame, |_| String::new()),
        Method::Stratified { by, .. } => group(frame, |c| stratum(c, by)),
        Method::HalfMonth { .. } | Method::Risk(_) => BTreeMap::new(),
    };
    let given = match method {
        Method::Stratified { n, allocation, .. } => allocate(&groups, *n, *allocation),
        _ => BTreeMap::new(),
    };
    let n = |name: &String, calls: usize| match method {
        Method::PerAgent { n } => *n,
        Method::Percent { percent } => (calls as f64 * percent / 100.0).ceil() as usize,
        _ => given.get(name).copied().unwrap_or(0),
    };
    let of = |(name, calls): (String, Vec<&'a FrameCall>)| StratumDraw {
        n: n(&name, calls.len()).min(calls.len()),
        name,
        calls,
    };
    groups.into_iter().map(of).collect()
}

/// A simple random sample of each stratum.
fn strata(strata: &[StratumDraw<'_>], chance: Chance<'_>, method: &Method) -> Vec<Picked> {
    let why = |name: &str| match method {
        Method::PerAgent { n } => format!("每人{n}通，工号{name}"),
        Method::Percent { percent } => format!("随机抽取{percent}%"),
        _ => format!("分层随机：{name}"),
    };
    let mut out = Vec::new();
    for s in strata {
        let mut drawn = chance.shuffled(&format!("stratum/{}", s.name), s.calls.iter().copied(), |c| c.call_id.clone());
        drawn.truncate(s.n);
        drawn.sort_by(|a, b| (&a.date, a.started_at_us, &a.call_id).cmp(&(&b.date, b.started_at_us, &b.call_id)));
        out.extend(drawn.into_iter().map(|c| picked(c, why(&s.name), Some(s.probability()))));
    }
    out
}

fn by_half_month(frame: &Frame, n: usize, chance: Chance<'_>) -> Result<Vec<Picked>, SamplingError> {
    let mut groups: BTreeMap<(String, String), Vec<&FrameCall>> = BTreeMap::new();
    for call in frame.calls() {
        let lacks = |what| SamplingError::Lacks { call_id: call.call_id.clone(), what };
        if call.agent_id.is_empty() {
            return Err(lacks("agent number (agent_id)"));
        }
        if call.started_at_us == 0 {
            return Err(lacks("start time (started_at)"));
        }
        groups.entry((call.agent_id.clone(), half_month::half(&call.date))).or_default().push(call);
    }
    let plans = groups.iter().flat_map(|((_, half), calls)| {
        let chosen = half_month::choose(calls, half, n, chance);
        // A call of an agent with so few calls is heard for sure; the others by their traits.
        let probability = (calls.len() <= n).then_some(1.0);
        chosen.into_iter().map(move |(call, why)| picked(call, why, probability))
    });
    Ok(plans.collect())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::draw;
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
    fn a_call_without_an_agent_is_named() {
        let plan = Plan::parse("title = \"x\"\nmethod = \"half_month\"\n").unwrap();
        let frame = Frame::new(vec![FrameCall { agent_id: String::new(), ..call("1", "2026-11-03", 5, 60) }]);
        assert!(draw(&plan, "s", &frame).unwrap_err().to_string().contains("agent_id"));
    }
}
