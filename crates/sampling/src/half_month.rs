//! The institution's listening plan (REQUIREMENTS B1–B3): five recordings per agent and half month.
//!
//! **First half** (the 1st to the 15th), 全面性: five different weekdays, on each the call nearest to the mean duration of the
//! agent's calls of that day. Where the agent worked on more than five weekdays, chance picks five; where a weekday came
//! twice, chance picks the day. With fewer than five weekdays further days are added in the order of chance, then further
//! calls of the days that are there, each time the one nearest to the mean.
//!
//! **Second half** (the 16th to the end), 特征性: the longest, the shortest, Monday's first, Friday's last, and the call after
//! the longest gap between two recordings of one day. Chance orders the weeks in which the agent had calls: Monday is that
//! of the first whose Monday lies in the half month, Friday that of the first whose Friday does (mostly the same week, and
//! another one where the end of the half cuts a week off). In a week with holidays the first day with calls stands for Monday, and the
//! last before Friday for Friday. A call is taken once: where a later line would take it again, it takes the next best. What is
//! missing to five is filled up by chance.
//!
//! An agent with fewer calls than the plan wants is heard on all of them. Ties go to the earlier call, then to the id.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::{Date, ISOWeekDate, Weekday};

use crate::allocate::weekday;
use crate::chance::Chance;
use crate::frame::FrameCall;

/// A call of the plan and why it is in it, in Chinese.
pub type Choice<'a> = (&'a FrameCall, String);

/// Half of a month: `2026-11-1` or `2026-11-2`.
pub fn half(date: &str) -> String {
    let day: u32 = date.get(8..10).and_then(|d| d.parse().ok()).unwrap_or(1);
    format!("{}-{}", date.get(..7).unwrap_or(date), if day <= 15 { 1 } else { 2 })
}

/// The plan for one agent's calls of one half month, in order of time.
pub fn choose<'a>(calls: &[&'a FrameCall], half: &str, n: usize, chance: Chance<'_>) -> Vec<Choice<'a>> {
    if calls.len() <= n {
        let why =
            if calls.len() < n { format!("不足{n}通，全部抽取") } else { format!("共{n}通，全部抽取") };
        return calls.iter().map(|c| (*c, why.clone())).collect();
    }
    let mut picks = Picks { taken: BTreeSet::new(), out: Vec::new(), n };
    let decision = format!("{half}/{}", calls[0].agent_id);
    if half.ends_with("-1") {
        first_half(calls, &decision, chance, &mut picks);
    } else {
        second_half(calls, (half, &decision), chance, &mut picks);
    }
    let rest = chance.shuffled(&format!("{decision}/rest"), calls.iter().copied(), |c| c.call_id.clone());
    for call in rest {
        picks.add(call, "随机补足");
    }
    picks.out.sort_by(|a, b| {
        (&a.0.date, a.0.started_at_us, &a.0.call_id).cmp(&(&b.0.date, b.0.started_at_us, &b.0.call_id))
    });
    picks.out
}

struct Picks<'a> {
    taken: BTreeSet<&'a str>,
    out: Vec<Choice<'a>>,
    n: usize,
}

impl<'a> Picks<'a> {
    /// Takes a call unless the plan is full or has it; true where it was taken.
    fn add(&mut self, call: &'a FrameCall, why: &str) -> bool {
        let free = self.out.len() < self.n && self.taken.insert(&call.call_id);
        if free {
            self.out.push((call, why.to_owned()));
        }
        free
    }

    /// Takes the first call of a list that is free.
    fn first_of(&mut self, calls: impl IntoIterator<Item = &'a FrameCall>, why: &str) {
        calls.into_iter().any(|c| self.add(c, why));
    }
}

fn by_day<'a>(calls: &[&'a FrameCall]) -> BTreeMap<&'a str, Vec<&'a FrameCall>> {
    let mut days: BTreeMap<&str, Vec<&FrameCall>> = BTreeMap::new();
    for call in calls {
        days.entry(&call.date).or_default().push(call);
    }
    days
}

/// Calls of a day, the nearest to the day's mean duration first.
fn nearest_to_mean<'a>(calls: &[&'a FrameCall]) -> Vec<&'a FrameCall> {
    let sum: i64 = calls.iter().map(|c| c.duration_ms).sum();
    let n = calls.len() as i64;
    let mut sorted = calls.to_vec();
    // Compared times n, in integers: no rounding decides.
    sorted.sort_by_key(|c| ((c.duration_ms * n - sum).abs(), c.started_at_us, c.call_id.clone()));
    sorted
}

fn first_half<'a>(calls: &[&'a FrameCall], decision: &str, chance: Chance<'_>, picks: &mut Picks<'a>) {
    const NAMES: [&str; 8] = ["？", "一", "二", "三", "四", "五", "六", "日"];
    let days = by_day(calls);
    let shuffled = chance.shuffled(&format!("{decision}/day"), days.keys().copied(), ToString::to_string);
    let mut of_weekday: BTreeMap<i8, Vec<&str>> = BTreeMap::new();
    for day in &shuffled {
        of_weekday.entry(weekday(day).unwrap_or(0)).or_default().push(day);
    }
    let weekdays = chance.shuffled(&format!("{decision}/weekday"), of_weekday.keys().copied(), ToString::to_string);
    let first: Vec<&str> = weekdays.iter().map(|w| of_weekday[w][0]).collect();
    let others: Vec<&str> = shuffled.iter().copied().filter(|d| !first.contains(d)).collect();
    let why = |day: &str| format!("星期{}，时长接近当日平均", NAMES[weekday(day).unwrap_or(0).unsigned_abs() as usize]);
    for round in 0..calls.len() {
        for day in first.iter().chain(&others) {
            if let Some(call) = nearest_to_mean(&days[day]).get(round) {
                picks.add(call, &why(day));
            }
        }
    }
}

fn second_half<'a>(calls: &[&'a FrameCall], (half, decision): (&str, &str), chance: Chance<'_>, picks: &mut Picks<'a>) {
    let mut longest = calls.to_vec();
    longest.sort_by_key(|c| (-c.duration_ms, c.date.clone(), c.started_at_us, c.call_id.clone()));
    picks.first_of(longest.iter().copied(), "时长最长");
    longest.sort_by_key(|c| (c.duration_ms, c.date.clone(), c.started_at_us, c.call_id.clone()));
    picks.first_of(longest.iter().copied(), "时长最短");
    let days = by_day(calls);
    let mut weeks: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for day in days.keys() {
        weeks.entry(week(day)).or_default().push(day);
    }
    let drawn = chance.shuffled(&format!("{decision}/week"), weeks.keys().cloned(), Clone::clone);
    let drawn: Vec<&[&str]> = drawn.iter().map(|w| weeks[w].as_slice()).collect();
    if let Some((day, why)) = monday(&drawn, half) {
        picks.first_of(days[day].iter().copied(), why);
    }
    if let Some((day, why)) = friday(&drawn, half) {
        picks.first_of(days[day].iter().rev().copied(), why);
    }
    picks.first_of(after_gaps(&days), "最长间隔之后的一通");
}

/// The first week drawn whose Monday lies in the half month: that Monday, or the first day of the week with calls.
fn monday<'a>(drawn: &[&[&'a str]], half: &str) -> Option<(&'a str, &'static str)> {
    let days = drawn.iter().find(|days| lies_in(days, Weekday::Monday, half))?;
    let holiday = (*days.first()?, "本周首个工作日首通（周一无通话）");
    Some(days.iter().find(|d| weekday(d) == Some(1)).map_or(holiday, |d| (*d, "周一首通")))
}

/// The first week drawn whose Friday lies in the half month: that Friday, or the last day before it with calls, or the last one
/// of the week.
fn friday<'a>(drawn: &[&[&'a str]], half: &str) -> Option<(&'a str, &'static str)> {
    let days = drawn.iter().find(|days| lies_in(days, Weekday::Friday, half))?;
    let before = days.iter().rfind(|d| weekday(d).is_some_and(|w| w < 5));
    let holiday = (*before.or(days.last())?, "本周末个工作日末通（周五无通话）");
    Some(days.iter().find(|d| weekday(d) == Some(5)).map_or(holiday, |d| (*d, "周五末通")))
}

/// Whether this weekday of the week that days are of lies in the half month: where the end of the half cuts a week off, its
/// Friday is no holiday.
fn lies_in(days: &[&str], wanted: Weekday, of: &str) -> bool {
    let day = days.first().and_then(|d| d.parse::<Date>().ok()).map(Date::iso_week_date);
    let wanted = day.and_then(|d| ISOWeekDate::new(d.year(), d.week(), wanted).ok());
    wanted.is_some_and(|d| half(&d.date().to_string()) == of)
}

/// ISO week of a day, as text.
fn week(date: &str) -> String {
    let day = date.parse::<Date>().ok().map(Date::iso_week_date);
    day.map_or_else(String::new, |d| format!("{}-{:02}", d.year(), d.week()))
}

/// Calls that follow a gap inside a day, after the longest gap first.
fn after_gaps<'a>(days: &BTreeMap<&str, Vec<&'a FrameCall>>) -> Vec<&'a FrameCall> {
    let mut gaps: Vec<(i64, &FrameCall)> = days
        .values()
        .flat_map(|calls| calls.windows(2))
        .map(|pair| (pair[1].started_at_us - pair[0].started_at_us - pair[0].duration_ms * 1000, pair[1]))
        .collect();
    gaps.sort_by_key(|(gap, c)| (-gap, c.date.clone(), c.started_at_us, c.call_id.clone()));
    gaps.into_iter().map(|(_, call)| call).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::{choose, half};
    use crate::allocate::weekday;
    use crate::chance::Chance;
    use crate::frame::tests::call;
    use crate::frame::{Frame, FrameCall};

    fn plan(calls: Vec<FrameCall>, seed: &str) -> Vec<(String, String)> {
        let frame = Frame::new(calls);
        let own: Vec<&FrameCall> = frame.calls().iter().collect();
        let chosen = choose(&own, &half(&own[0].date), 5, Chance::new(seed, &frame));
        chosen.into_iter().map(|(c, why)| (c.call_id.clone(), why)).collect()
    }

    /// Ten calls on each of these days; the fifth is nearest to the mean.
    fn days(month: &str, days: &[u32]) -> Vec<FrameCall> {
        let lengths = [30, 300, 45, 200, 121, 80, 60, 240, 100, 40];
        let of_day = |d: &u32| {
            let date = format!("{month}-{d:02}");
            (0..10usize).map(|i| call("7", &date, 480 + 30 * i as i64, lengths[i])).collect::<Vec<_>>()
        };
        days.iter().flat_map(of_day).collect()
    }

    #[test]
    fn the_first_half_spreads_over_weekdays_near_the_mean() {
        let chosen = plan(days("2026-11", &[2, 3, 4, 5, 6, 9, 10, 11, 12, 13]), "s");
        assert_eq!(chosen.len(), 5);
        let weekdays: BTreeSet<_> = chosen.iter().map(|(id, _)| weekday(&id[2..12])).collect();
        assert_eq!(weekdays.len(), 5, "{chosen:?}");
        assert!(chosen.iter().all(|(id, _)| id.ends_with("0600")), "{chosen:?}");
    }

    #[test]
    fn the_second_half_has_the_five_marks() {
        let mut calls = days("2026-11", &[16, 17, 18, 19, 20]);
        calls.push(call("7", "2026-11-18", 1200, 900));
        calls.push(call("7", "2026-11-19", 300, 5));
        let chosen = plan(calls, "s");
        let why: Vec<&str> = chosen.iter().map(|(_, why)| why.as_str()).collect();
        for mark in ["时长最长", "时长最短", "周一首通", "周五末通", "最长间隔之后的一通"] {
            assert!(why.contains(&mark), "{chosen:?}");
        }
        let of = |mark: &str| chosen.iter().find(|(_, w)| w == mark).map(|(id, _)| id.as_str()).unwrap();
        assert_eq!(of("时长最长"), "7-2026-11-18-1200");
        assert_eq!(of("周一首通"), "7-2026-11-16-0480");
        assert_eq!(of("周五末通"), "7-2026-11-20-0750");
        // The long gap of the 18th ends at a call that is taken already, so the next longest counts.
        assert_eq!(of("最长间隔之后的一通"), "7-2026-11-19-0480");
    }

    /// The second half of November 2026 begins on a Monday and ends on one; that of August begins on a Sunday.
    #[test]
    fn a_week_that_the_month_cuts_has_no_holidays() {
        let november: Vec<u32> = (16..=30).filter(|d| !matches!(d, 21 | 22 | 28 | 29)).collect();
        let august: Vec<u32> = (16..=31).collect();
        for seed in 0..40 {
            for (month, on) in [("2026-11", &november), ("2026-08", &august)] {
                let chosen = plan(days(month, on), &seed.to_string());
                let of = |mark: &str| chosen.iter().find(|(_, w)| w == mark).map(|(id, _)| weekday(&id[2..12]));
                assert_eq!(
                    (of("周一首通"), of("周五末通")),
                    (Some(Some(1)), Some(Some(5))),
                    "{month} {seed}: {chosen:?}"
                );
            }
        }
    }

    #[test]
    fn the_last_day_before_a_free_friday_stands_for_it() {
        // Friday the 20th is a holiday, Saturday is worked.
        let chosen = plan(days("2026-11", &[17, 18, 19, 21]), "s");
        let of = |mark: &str| chosen.iter().find(|(_, w)| w.contains(mark)).map(|(id, _)| id.clone()).unwrap();
        assert_eq!(of("周五无通话"), "7-2026-11-19-0750");
        // The first call of the 17th is the shortest of all, and in the plan already.
        assert_eq!(of("周一无通话"), "7-2026-11-17-0540");
    }

    #[test]
    fn ties_go_to_the_earlier_call_then_to_the_id() {
        let mut calls = days("2026-11", &[16, 17, 18, 19, 20]);
        for (minute, name) in [(1000, "b"), (1000, "a"), (900, "c")] {
            calls.push(FrameCall { call_id: format!("7-{name}"), ..call("7", "2026-11-18", minute, 900) });
        }
        let longest = |calls: Vec<FrameCall>| {
            plan(calls, "s").into_iter().find(|(_, why)| why == "时长最长").map(|(id, _)| id).unwrap()
        };
        assert_eq!(longest(calls.clone()), "7-c", "the earlier one");
        calls.retain(|c| c.call_id != "7-c");
        assert_eq!(longest(calls), "7-a", "the smaller id");
    }

    #[test]
    fn holidays_few_calls_and_few_days_are_met() {
        let chosen = plan(days("2026-11", &[18, 19]), "s");
        assert!(chosen.iter().any(|(_, why)| why.contains("周一无通话")), "{chosen:?}");
        assert_eq!(plan(days("2026-11", &[3])[..4].to_vec(), "s").len(), 4);
        let one_day = plan(days("2026-11", &[3]), "s");
        assert_eq!(one_day.len(), 5, "{one_day:?}");
    }

    #[test]
    fn the_same_seed_draws_the_same() {
        let calls = || days("2026-11", &[2, 3, 4, 5, 6, 9, 10, 11, 12, 13]);
        assert_eq!(plan(calls(), "a"), plan(calls(), "a"));
        assert!((0..20).any(|i| plan(calls(), &i.to_string()) != plan(calls(), "a")));
    }
}
