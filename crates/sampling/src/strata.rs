//! Drawing from strata: a simple random sample of each, so that every call has a known chance.

use std::collections::BTreeMap;

use crate::allocate::{allocate, stratum};
use crate::chance::Chance;
use crate::draw::Picked;
use crate::frame::FrameCall;
use crate::plan::{Method, Stratum};
use crate::risk::Inclusion;

/// Calls that are alike to a plan, and how many of them it draws.
pub(crate) struct StratumDraw<'a> {
    name: String,
    calls: Vec<&'a FrameCall>,
    n: usize,
}

impl StratumDraw<'_> {
    fn probability(&self) -> f64 {
        self.n as f64 / self.calls.len().max(1) as f64
    }

    /// The probabilities of its calls.
    pub(crate) fn inclusion(&self) -> impl Iterator<Item = (String, Inclusion)> {
        let p = self.probability();
        self.calls.iter().map(move |c| (c.call_id.clone(), Inclusion { flagged: p, whole: p }))
    }
}

fn group<'a>(calls: &[&'a FrameCall], key: impl Fn(&FrameCall) -> String) -> BTreeMap<String, Vec<&'a FrameCall>> {
    let mut groups: BTreeMap<String, Vec<&FrameCall>> = BTreeMap::new();
    for call in calls {
        groups.entry(key(call)).or_default().push(call);
    }
    groups
}

/// The traits of a stratified plan that these calls can be told apart by, so that each stratum gets a call: the last ones are let
/// go while there are more strata than calls to draw. Else some strata would have no chance at all, and nothing could be said of
/// the whole.
fn kept<'b>(by: &'b [Stratum], calls: &[&FrameCall], n: usize) -> &'b [Stratum] {
    let fits = |by: &[Stratum]| group(calls, |c| stratum(c, by)).len() <= n;
    let traits = (0..=by.len()).rev().find(|traits| fits(&by[..*traits])).unwrap_or(0);
    &by[..traits]
}

/// The strata of a plan that draws from each one by chance, and the traits that it let go.
pub(crate) fn strata_of<'a>(method: &Method, calls: &[&'a FrameCall]) -> (Vec<StratumDraw<'a>>, Vec<Stratum>) {
    let mut let_go = Vec::new();
    let groups = match method {
        Method::PerAgent { .. } => group(calls, |c| c.agent_id.clone()),
        Method::Percent { .. } => group(calls, |_| String::new()),
        Method::Stratified { by, n, .. } => {
            let kept = kept(by, calls, *n);
            let_go = by[kept.len()..].to_vec();
            group(calls, |c| stratum(c, kept))
        }
        Method::HalfMonth { .. } | Method::Risk(_) => BTreeMap::new(),
    };
    let given = match method {
        Method::Stratified { n, allocation, .. } => allocate(&groups, *n, *allocation),
        _ => BTreeMap::new(),
    };
    let n = |name: &String, calls: usize| match method {
        Method::PerAgent { n } => *n,
        Method::Percent { percent } => share_of(calls, *percent),
        _ => given.get(name).copied().unwrap_or(0),
    };
    let of = |(name, calls): (String, Vec<&'a FrameCall>)| StratumDraw {
        n: n(&name, calls.len()).min(calls.len()),
        name,
        calls,
    };
    (groups.into_iter().map(of).collect(), let_go)
}

/// Percent of so many calls, rounded up; 16.1 % of 1,000 are 161, though the product of floats is a hair more.
fn share_of(calls: usize, percent: f64) -> usize {
    let exact = calls as f64 * percent / 100.0;
    (exact - exact.abs() * 1e-12).ceil() as usize
}

/// A simple random sample of each stratum.
pub(crate) fn sample(strata: &[StratumDraw<'_>], chance: Chance<'_>, method: &Method) -> Vec<Picked> {
    let why = |name: &str| match method {
        Method::PerAgent { n } => format!("每人{n}通，工号{name}"),
        Method::Percent { percent } => format!("随机抽取{percent}%"),
        _ if name.is_empty() => "随机抽取".to_owned(),
        _ => format!("分层随机：{name}"),
    };
    let mut out = Vec::new();
    for s in strata {
        let mut drawn = chance.shuffled(&format!("stratum/{}", s.name), s.calls.iter().copied(), |c| c.call_id.clone());
        drawn.truncate(s.n);
        drawn.sort_by(|a, b| (&a.date, a.started_at_us, &a.call_id).cmp(&(&b.date, b.started_at_us, &b.call_id)));
        out.extend(drawn.into_iter().map(|c| Picked::new(c, why(&s.name), Some(s.probability()))));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::{kept, share_of};
    use crate::frame::FrameCall;
    use crate::frame::tests::call;
    use crate::plan::Stratum::{Hour, ScoreBand, Unit};

    #[test]
    fn no_stratum_is_left_without_a_chance() {
        // Three units, five hours, two bands of scores.
        let calls: Vec<FrameCall> = (0..30)
            .map(|i| FrameCall {
                unit: (i % 3).to_string(),
                hour: (i % 5) as i8,
                score: Some(if i % 2 == 0 { 95.0 } else { 55.0 }),
                ..call("1", "2026-11-03", i, 60)
            })
            .collect();
        let calls: Vec<&FrameCall> = calls.iter().collect();
        let by = [Unit, Hour, ScoreBand];
        assert_eq!(kept(&by, &calls, 30), [Unit, Hour, ScoreBand]);
        assert_eq!(kept(&by, &calls, 29), [Unit, Hour]);
        assert_eq!(kept(&by, &calls, 14), [Unit]);
        assert!(kept(&by, &calls, 2).is_empty());
    }

    #[test]
    fn a_share_is_not_rounded_up_by_a_float() {
        assert_eq!((share_of(1000, 16.1), share_of(1000, 16.11), share_of(7, 100.0)), (161, 162, 7));
        assert_eq!((share_of(1, 1.0), share_of(0, 50.0)), (1, 0));
    }
}
