//! Pictures of numbers, made on the server: intervals, bars, lines. Colours are attributes, since the pages allow no inline styles.

use std::fmt::Write;

use maud::{Markup, html};

/// Blue of the machine, red of what people confirmed, green of what is good enough, grey of what is only a guide.
pub(crate) const MACHINE: &str = "#2f6f9f";
pub(crate) const CONFIRMED: &str = "#b3361f";
pub(crate) const GOOD: &str = "#1c6b3c";
pub(crate) const GUIDE: &str = "#aab6c3";

/// Width of pictures inside a table.
const WIDTH: f64 = 180.0;

/// The least round number that is not below: 1, 2 or 5 times a power of ten.
pub(crate) fn ceiling(most: f64) -> f64 {
    if !most.is_finite() || most <= 0.0 {
        return 1.0;
    }
    let power = 10_f64.powf(most.log10().floor());
    // A hair of tolerance: 0.2 is not above 2 * 0.1 because of its last binary digit.
    [1.0, 2.0, 5.0, 10.0].into_iter().map(|m| m * power).find(|c| *c >= most * (1.0 - 1e-9)).unwrap_or(most)
}

/// Where a value lies between 0 and `most` on a line of this length; never beside it.
pub(crate) fn scale(value: f64, most: f64, length: f64) -> f64 {
    if most > 0.0 && value.is_finite() { (value / most).clamp(0.0, 1.0) * length } else { 0.0 }
}

/// A share with its interval: a dot and whiskers, between 0 and `most`. `guide` is a line to compare with.
pub(crate) fn whiskers(at: f64, low: f64, high: f64, most: f64, colour: &str, guide: Option<f64>) -> Markup {
    let x = |v: f64| format!("{:.1}", 4.0 + scale(v, most, WIDTH - 8.0));
    html! {
        svg.whiskers viewBox=(format!("0 0 {WIDTH} 18")) width=(WIDTH) height="18" aria-hidden="true" {
            line x1="4" x2=(WIDTH - 4.0) y1="9" y2="9" stroke="#e3e8ee" {}
            @if let Some(guide) = guide { line x1=(x(guide)) x2=(x(guide)) y1="1" y2="17" stroke=(GUIDE) stroke-dasharray="2 2" {} }
            line x1=(x(low)) x2=(x(high)) y1="9" y2="9" stroke=(colour) stroke-width="2" {}
            @for end in [low, high] { line x1=(x(end)) x2=(x(end)) y1="5" y2="13" stroke=(colour) stroke-width="2" {} }
            circle cx=(x(at)) cy="9" r="3.5" fill=(colour) {}
        }
    }
}

/// Bars under each other, as long as their values, between 0 and `most`.
pub(crate) fn bars(values: &[(f64, &str)], most: f64) -> Markup {
    let height = values.len() * 9;
    html! {
        svg.bars viewBox=(format!("0 0 {WIDTH} {height}")) width=(WIDTH) height=(height) aria-hidden="true" {
            @for (i, (value, colour)) in values.iter().enumerate() {
                rect x="0" y=(i * 9) width=(format!("{:.1}", scale(*value, most, WIDTH))) height="7" fill=(colour) {}
            }
        }
    }
}

/// A point of a line: a share, of how many calls, and the address that it leads to.
pub(crate) struct Point {
    pub(crate) share: f64,
    pub(crate) part: usize,
    pub(crate) of: usize,
    pub(crate) address: String,
}

/// A line of a chart: title, colour, and its points; `None` where there is none.
pub(crate) struct Series {
    pub(crate) title: String,
    pub(crate) colour: &'static str,
    pub(crate) points: Vec<Option<Point>>,
}

const LEFT: f64 = 44.0;
const RIGHT: f64 = 12.0;
const BOTTOM: f64 = 24.0;
const TOP: f64 = 26.0;

/// Shares by day. Days without a value interrupt the line.
pub(crate) fn lines(days: &[String], series: &[Series], width: f64) -> Markup {
    let height = 200.0;
    let values = series.iter().flat_map(|s| s.points.iter().flatten().map(|p| p.share));
    // Where all is zero there is nothing to magnify.
    let most = values.fold(0.0, f64::max);
    let most = if most > 0.0 { ceiling(most.max(0.02)).min(1.0) } else { 1.0 };
    let step = (width - LEFT - RIGHT) / days.len().saturating_sub(1).max(1) as f64;
    let x = |i: usize| LEFT + i as f64 * step;
    let y = |v: f64| height - BOTTOM - scale(v, most, height - BOTTOM - TOP);
    // So many labels as have room.
    let every = (days.len() / 8).max(1);
    html! {
        svg viewBox=(format!("0 0 {width} {height}")) role="img" font-size="11" fill="#5a6675" {
            @for part in 0..=5u32 {
                @let v = most * f64::from(part) / 5.0;
                line x1=(LEFT) x2=(width - RIGHT) y1=(y(v)) y2=(y(v)) stroke="#e3e8ee" {}
                text x=(LEFT - 6.0) y=(y(v) + 4.0) text-anchor="end" { (format!("{:.*}%", usize::from(most < 0.1), v * 100.0)) }
            }
            @for (i, day) in days.iter().enumerate().step_by(every) {
                text x=(x(i)) y=(height - 6.0) text-anchor=(if i > 0 && i + 1 == days.len() { "end" } else { "middle" }) { (day.get(5..).unwrap_or(day)) }
            }
            @for (n, s) in series.iter().enumerate() {
                circle cx=(LEFT + 6.0 + n as f64 * 190.0) cy="10" r="4" fill=(s.colour) {}
                text x=(LEFT + 15.0 + n as f64 * 190.0) y="14" { (s.title) }
                path d=(path(&s.points, x, y)) fill="none" stroke=(s.colour) stroke-width="2" {}
                @for (i, point) in s.points.iter().enumerate() {
                    @if let Some(Point { share, part, of, address }) = point {
                        a href=(address) { circle cx=(x(i)) cy=(y(*share)) r="4" fill=(s.colour) {
                            title { (days.get(i).map_or("", String::as_str)) " " (s.title) " " (format!("{:.1}%", share * 100.0)) " (" (part) "/" (of) ")" } } }
                    }
                }
            }
        }
    }
}

fn path(points: &[Option<Point>], x: impl Fn(usize) -> f64, y: impl Fn(f64) -> f64) -> String {
    let (mut d, mut pen_up) = (String::new(), true);
    for (i, point) in points.iter().enumerate() {
        let Some(Point { share: v, .. }) = point else {
            pen_up = true;
            continue;
        };
        // Writing to a text cannot fail.
        let _ = write!(d, "{}{:.1} {:.1}", if pen_up { "M" } else { "L" }, x(i), y(*v));
        pen_up = false;
    }
    d
}

#[cfg(test)]
mod tests {
    use super::{Point, Series, ceiling, lines, path, scale, whiskers};

    #[test]
    fn axes_end_at_round_numbers() {
        for (most, wanted) in [(0.2, 0.2), (0.21, 0.5), (0.013, 0.02), (7.0, 10.0), (100.0, 100.0)] {
            assert!((ceiling(most) - wanted).abs() < 1e-9, "{most}: {}", ceiling(most));
        }
        for nonsense in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            assert!((ceiling(nonsense) - 1.0).abs() < 1e-9);
        }
    }

    #[test]
    fn nothing_is_drawn_beside_the_line() {
        let at = |v, most| scale(v, most, 100.0);
        assert_eq!((at(0.5, 1.0), at(2.0, 1.0), at(-1.0, 1.0)), (50.0, 100.0, 0.0));
        assert_eq!((at(f64::NAN, 1.0), at(1.0, 0.0)), (0.0, 0.0));
        let svg = whiskers(f64::NAN, 0.0, 9.0, 1.0, "red", Some(0.8)).into_string();
        assert!(!svg.contains("NaN") && svg.contains("x2=\"176.0\""), "{svg}");
    }

    #[test]
    fn days_without_calls_interrupt_the_line() {
        let some = |share: f64| Some(Point { share, part: 0, of: 0, address: String::from("/queue") });
        let points = vec![some(0.0), some(0.1), None, some(0.2)];
        assert_eq!(path(&points, |i| i as f64, |v| v * 10.0), "M0.0 0.0L1.0 1.0M3.0 2.0");
        let empty = lines(&[], &[Series { title: "<b>".into(), colour: "red", points: Vec::new() }], 700.0);
        assert!(empty.into_string().contains("&lt;b&gt;"));
    }
}
