//! Who confirms hits more or less often than the others would have; for leads.

use std::collections::BTreeMap;

use callsift_core::stats::wilson;
use callsift_sampling::estimate::Interval;
use callsift_sampling::leniency::{Leaning, Leniency};
use maud::{Markup, html};

use crate::figures::evidence::Evidence;
use crate::figures::leaning::{Which, Word, items};
use crate::figures::period::Period;
use crate::lang::Lang;
use crate::pages::parts::{led, led_items, percent, range};
use crate::pages::points;
use crate::pages::reviewers::evidence_address;

pub(super) fn table(
    l: Lang,
    p: &Period,
    names: &BTreeMap<String, String>,
    words: &[Word],
    people: &[Leniency],
) -> Markup {
    html! {
        p.note { (l.t("系统命中的项目判为属实的比例；同一规则在一通电话里只算一次，按本人最后所说计，存疑和申诉改判不计。各人拿到的规则不同，所以与“假如每条规则都按其他人的属实率来判”\
              应有的数目相比：比值大于 1 是比别人更常判属实（偏严），小于 1 是更少（偏宽）。比值的区间已按人数校正，不含 1 才算有差异。前提是同一规则各人听到的通话难易相当。",
            "Share of the machine's hits that were confirmed: a rule counts once in a call, by the person's own last word, without doubts and decisions of appeals. \
             Since each person is given other rules, it is compared with what would have been confirmed at the others' rate of every rule: above 1 is stricter, below 1 more lenient. \
             Intervals of the ratio are corrected for the number of people; only where they exclude 1 there is a difference. It takes for granted that calls of one rule are equally hard for all.")) }
        @if people.is_empty() { p.empty { (l.t("还没有人判断过系统的命中。", "Nobody judged a hit.")) } } @else { div.wide { table {
            thead { tr { th scope="col" { (l.t("质检员", "reviewer")) } th.num scope="col" { (l.t("通话", "calls")) } th.num scope="col" { (l.t("属实 / 判断", "confirmed / judged")) }
                th scope="col" { (l.t("属实率（95% 区间）", "share (95 %)")) } th scope="col" { (l.t("实际 / 应有", "observed / expected")) } th scope="col" { (l.t("与他人相比", "beside the others")) } } }
            tbody { @for x in people { tr {
                td { (names.get(&x.reviewer).unwrap_or(&x.reviewer)) }
                @let to = |which| verdicts_of(p, &x.reviewer, which);
                td.num { (led(items(words, &x.reviewer, Which::Judged).len(), &to(Which::Judged))) }
                td.num { (led_items(x.confirmed, &to(Which::Confirmed))) " / " (led_items(x.judged, &to(Which::Judged))) }
                td { @let (low, high) = wilson(x.confirmed, x.judged); (percent(x.confirmed as f64 / x.judged.max(1) as f64)) (l.brackets(&range(low, high))) }
                td { (ratio(l, x, &to(Which::Compared))) }
                td { (leaning(l, x.leaning)) }
            } } }
        } } }
    }
}

fn verdicts_of(p: &Period, by: &str, which: Which) -> String {
    evidence_address(&Evidence::Verdicts { by: by.to_owned(), days: p.clone(), which })
}

/// What is expected of the judgements that can be compared, and these themselves, lead to the same calls.
fn ratio(l: Lang, x: &Leniency, compared: &str) -> Markup {
    html! {
        @match x.ratio.zip(x.interval) {
            Some((ratio, interval)) => { (format!("{ratio:.2}")) (l.brackets(&limits(interval)))
                small { a href=(compared) { (l.t("应有 ", "expected ")) (points(x.expected)) }
                    (l.t("，可比 ", ", to compare ")) (led_items(x.compared, compared)) } }
            None => "–",
        }
    }
}

/// Without a limit on the side where there is none.
fn limits(i: Interval) -> String {
    match (i.low > 0.0, i.high.is_finite()) {
        (_, true) => format!("{:.2}–{:.2}", i.low, i.high),
        (true, false) => format!("≥ {:.2}", i.low),
        (false, false) => "–".to_owned(),
    }
}

fn leaning(l: Lang, leaning: Leaning) -> Markup {
    html! {
        @match leaning {
            Leaning::TooFew => span.soft { (l.t("判断太少，无法比较", "too few to compare")) },
            Leaning::Alike => (l.t("与他人无显著差异", "not different from the others")),
            Leaning::Lenient => b { (l.t("偏宽", "more lenient")) },
            Leaning::Strict => b { (l.t("偏严", "stricter")) },
        }
    }
}

#[cfg(test)]
mod tests {
    use callsift_sampling::estimate::Interval;

    use super::limits;

    #[test]
    fn a_side_without_a_limit_has_none() {
        let of = |low, high| limits(Interval { low, high });
        assert_eq!([of(0.0, 1.0), of(1.04, f64::INFINITY), of(0.0, f64::INFINITY)], ["0.00–1.00", "≥ 1.04", "–"]);
    }
}
