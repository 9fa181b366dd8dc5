//! A control chart: the share of listened calls with a confirmed problem, day by day, and how far chance alone may take it.

use maud::{Markup, html};

use crate::figures::evidence::Evidence;
use crate::figures::limits::{CONTROL, limits};
use crate::figures::period::Period;
use crate::figures::rows::Listened;
use crate::figures::sums::Figures;
use crate::lang::Lang;
use crate::pages::chart::{CONFIRMED, GUIDE, MACHINE, scale};
use crate::pages::parts::{evidence_url, linked, percent};

/// Days of listening that a chart needs.
const DAYS: usize = 5;
const WIDTH: f64 = 640.0;
const HEIGHT: f64 = 190.0;
const LEFT: f64 = 44.0;
const BOTTOM: f64 = 22.0;

/// A day on which somebody listened.
struct Point {
    day: String,
    share: f64,
    n: usize,
    low: f64,
    high: f64,
}

impl Point {
    fn is_out(&self) -> bool {
        self.share < self.low - 1e-9 || self.share > self.high + 1e-9
    }
}

/// Days with their limits around the mean of all of them.
fn points(days: impl Iterator<Item = (String, Listened)>) -> (f64, Vec<Point>) {
    let days: Vec<(String, Listened)> = days.filter(|(_, d)| d.heard > 0).collect();
    let (heard, confirmed) = days.iter().fold((0, 0), |sum, (_, d)| (sum.0 + d.heard, sum.1 + d.confirmed));
    let mean = confirmed as f64 / heard.max(1) as f64;
    let point = |(day, d): (String, Listened)| {
        let (low, high) = limits(d.heard, mean, CONTROL);
        Point { day, share: d.confirmed as f64 / d.heard as f64, n: d.heard, low, high }
    };
    (mean, days.into_iter().map(point).collect())
}

pub(super) fn chart(l: Lang, f: &Figures, p: &Period) -> Markup {
    let days = &f.listened_days;
    let n: usize = days.values().map(|d| d.heard).sum();
    let (mean, points) = points(days.clone().into_iter());
    if points.len() < DAYS {
        return html! { p.empty { (l.t("至少要有 5 天有抽听（监听计划或随机抽到）并已提交的通话，才能画控制图。", "A control chart needs five days with submitted calls that a plan or chance chose.")) } };
    }
    let out: Vec<&Point> = points.iter().filter(|x| x.is_out()).collect();
    let most = points.iter().map(|x| x.share.max(x.high)).fold(0.0, f64::max).clamp(0.05, 1.0);
    let across = |i: usize| LEFT + (i as f64 + 0.5) * (WIDTH - LEFT - 8.0) / points.len() as f64;
    let half = (WIDTH - LEFT - 8.0) / points.len() as f64 / 2.0;
    let up = |v: f64| HEIGHT - BOTTOM - scale(v, most, HEIGHT - BOTTOM - 12.0);
    let every = (points.len() / 8).max(1);
    html! {
        p.note { (l.t("抽听 ", "listened: ")) (linked(n as i64, p, &[("evidence", &Evidence::Planned.to_string()), ("state", "all")])) (l.t(" 通，中线 ", " calls, mean ")) (percent(mean))
            (l.t("；灰带是偶然波动的范围（99.7%，按当天通数）。", "; the grey band is what chance alone does (99.7 %, by the calls of the day). "))
            @if out.is_empty() { (l.t("没有一天超出。", "No day lies beyond.")) } @else { b.problem { (out.len()) (l.t(" 天超出：", " days beyond: ")) (out.iter().map(|x| x.day.as_str()).collect::<Vec<_>>().join(l.t("、", ", "))) } } }
        svg viewBox=(format!("0 0 {WIDTH} {HEIGHT}")) role="img" aria-label=(l.t("控制图", "control chart")) font-size="11" fill="#5a6675" {
            @for (i, point) in points.iter().enumerate() {
                rect x=(across(i) - half) width=(2.0 * half) y=(up(point.high)) height=((up(point.low) - up(point.high)).max(0.5)) fill="#e8edf3" {}
            }
            @for part in [0.0, 0.5, 1.0] { text x=(LEFT - 6.0) y=(up(most * part) + 4.0) text-anchor="end" { (percent(most * part)) } }
            line x1=(LEFT) x2=(WIDTH - 8.0) y1=(up(mean)) y2=(up(mean)) stroke=(GUIDE) stroke-dasharray="5 3" {}
            @for (i, point) in points.iter().enumerate() {
                @if i % every == 0 { text x=(across(i)) y=(HEIGHT - 6.0) text-anchor="middle" { (point.day.get(5..).unwrap_or(&point.day)) } }
                @let day = Period { from: point.day.clone(), to: point.day.clone() };
                a href=(evidence_url(&day, &Evidence::Planned, &[])) { circle cx=(across(i)) cy=(up(point.share)) r=(if point.is_out() { "5" } else { "4" }) fill=(if point.is_out() { CONFIRMED } else { MACHINE }) {
                    title { (point.day) " " (percent(point.share)) " " (point.n) (l.t(" 通", " calls")) } } }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::points;
    use crate::figures::rows::Listened;

    /// One call in five goes wrong every day, whether five or fifty are heard: nothing happened, and the chart says so. A day on
    /// which half went wrong stands out where enough were heard.
    #[test]
    fn effort_is_no_signal() {
        let day = |n: usize, heard, confirmed| (format!("2026-11-{n:02}"), Listened { heard, confirmed });
        let steady = (1..=20).map(|n| if n % 2 == 0 { day(n, 50, 10) } else { day(n, 5, 1) });
        let (mean, drawn) = points(steady.clone());
        assert!((mean - 0.2).abs() < 1e-9 && drawn.iter().all(|x| !x.is_out()));
        let (_, drawn) = points(steady.chain([day(21, 50, 30), day(22, 2, 2), day(23, 0, 0)]));
        let out: Vec<&str> = drawn.iter().filter(|x| x.is_out()).map(|x| x.day.as_str()).collect();
        assert_eq!(
            (out, drawn.len()),
            (vec!["2026-11-21"], 22),
            "two of two is no signal, a day without listening is none"
        );
    }
}
