//! Spreading a number of calls over strata.

use std::collections::BTreeMap;

use crate::frame::FrameCall;
use crate::plan::{Allocation, Stratum};

/// Name of a call's stratum.
pub fn stratum(call: &FrameCall, by: &[Stratum]) -> String {
    let parts = by.iter().map(|s| match s {
        Stratum::Unit => call.unit.clone(),
        Stratum::Queue => call.queue.clone(),
        Stratum::Weekday => weekday(&call.date).map_or_else(String::new, |d| d.to_string()),
        Stratum::Hour => format!("{:02}", call.hour),
        Stratum::ScoreBand => call.score.map_or_else(String::new, |s| format!("{:02}", (s / 10.0).floor() * 10.0)),
    });
    parts.collect::<Vec<_>>().join("/")
}

/// Day of the week of a day, 1 Monday to 7 Sunday; `None` for what is no day.
pub fn weekday(date: &str) -> Option<i8> {
    date.parse::<jiff::civil::Date>().ok().map(|d| d.weekday().to_monday_one_offset())
}

/// How many calls each stratum gets: `n` in all (or all calls, where there are fewer), at least one each as far as `n`
/// goes, never more than a stratum has. Shares are rounded by largest remainder; ties go to the earlier name.
pub fn allocate(
    strata: &BTreeMap<String, Vec<&FrameCall>>,
    n: usize,
    allocation: Allocation,
) -> BTreeMap<String, usize> {
    let total: usize = strata.values().map(Vec::len).sum();
    let n = n.min(total);
    let weight = |calls: &[&FrameCall]| match allocation {
        Allocation::Proportional => calls.len() as f64,
        // A stratum whose scores are all alike, or unknown, still counts a little: the machine may be wrong about it.
        Allocation::Neyman => calls.len() as f64 * spread(calls).max(1.0),
    };
    let mut given: BTreeMap<String, usize> = BTreeMap::new();
    for name in strata.keys() {
        let one = usize::from(given.values().sum::<usize>() < n);
        given.insert(name.clone(), one);
    }
    loop {
        let left = n - given.values().sum::<usize>();
        let open: Vec<(&String, f64)> =
            strata.iter().filter(|(k, c)| given[*k] < c.len()).map(|(k, c)| (k, weight(c))).collect();
        let sum: f64 = open.iter().map(|(_, w)| w).sum();
        if left == 0 || open.is_empty() {
            return given;
        }
        let mut shares: Vec<(&String, f64)> = open.iter().map(|(k, w)| (*k, left as f64 * w / sum)).collect();
        let whole: usize = shares.iter().map(|(_, s)| s.floor() as usize).sum();
        let mut rest = left - whole.min(left);
        shares.sort_by(|a, b| (b.1.fract()).total_cmp(&a.1.fract()).then(a.0.cmp(b.0)));
        for (name, share) in shares {
            let extra = usize::from(rest > 0);
            rest -= extra;
            let wanted = given[name] + share.floor() as usize + extra;
            given.insert(name.clone(), wanted.min(strata[name].len()));
        }
    }
}

/// Standard deviation of the machine scores; 0 where fewer than two are known.
fn spread(calls: &[&FrameCall]) -> f64 {
    let scores: Vec<f64> = calls.iter().filter_map(|c| c.score).collect();
    if scores.len() < 2 {
        return 0.0;
    }
    let mean = scores.iter().sum::<f64>() / scores.len() as f64;
    (scores.iter().map(|s| (s - mean).powi(2)).sum::<f64>() / (scores.len() - 1) as f64).sqrt()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::{allocate, weekday};
    use crate::frame::FrameCall;
    use crate::frame::tests::call;
    use crate::plan::Allocation;

    fn scored(name: &str, n: usize, score: impl Fn(usize) -> f64) -> Vec<FrameCall> {
        (0..n).map(|i| FrameCall { score: Some(score(i)), ..call(name, "2026-11-02", i as i64, 60) }).collect()
    }

    #[test]
    fn strata_that_differ_more_get_more() {
        let (even, uneven) = (scored("a", 100, |_| 95.0), scored("b", 100, |i| if i % 2 == 0 { 100.0 } else { 60.0 }));
        let strata: BTreeMap<String, Vec<&FrameCall>> =
            [("a".to_owned(), even.iter().collect()), ("b".to_owned(), uneven.iter().collect())].into();
        let neyman = allocate(&strata, 40, Allocation::Neyman);
        assert!(neyman["b"] > 3 * neyman["a"] && neyman["a"] >= 1, "{neyman:?}");
        let proportional = allocate(&strata, 40, Allocation::Proportional);
        assert_eq!((proportional["a"], proportional["b"]), (20, 20));
    }

    #[test]
    fn days_have_weekdays() {
        assert_eq!(weekday("2026-11-16"), Some(1));
        assert_eq!(weekday("no day"), None);
    }

    proptest! {
        #[test]
        fn all_calls_are_given_out_and_no_stratum_overdrawn(sizes in prop::collection::vec(0usize..30, 1..8), n in 0usize..120) {
            let calls: Vec<Vec<FrameCall>> =
                sizes.iter().enumerate().map(|(i, n)| scored(&i.to_string(), *n, |k| (k * 7 % 40) as f64)).collect();
            let strata: BTreeMap<String, Vec<&FrameCall>> = calls
                .iter()
                .enumerate()
                .filter(|(_, c)| !c.is_empty())
                .map(|(i, c)| (i.to_string(), c.iter().collect()))
                .collect();
            let total: usize = sizes.iter().sum();
            let given = allocate(&strata, n, Allocation::Neyman);
            prop_assert_eq!(given.values().sum::<usize>(), n.min(total));
            prop_assert!(strata.iter().all(|(k, c)| given[k] <= c.len()));
        }
    }
}
