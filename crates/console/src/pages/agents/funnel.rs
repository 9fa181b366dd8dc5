//! Agents as a funnel: how often something was confirmed in how many listened calls, and how far chance alone may take it. Nobody
//! is ranked; who lies outside the funnel is worth a look.

use std::fmt::Write;

use maud::{Markup, html};

use crate::figures::evidence::Evidence;
use crate::figures::limits::{FUNNEL, limits};
use crate::figures::period::Period;
use crate::figures::rows::Listened;
use crate::figures::sums::Figures;
use crate::lang::Lang;
use crate::pages::chart::{CONFIRMED, GUIDE, MACHINE, scale};
use crate::pages::parts::{linked, percent};
use crate::pages::url;

/// Agents that a funnel needs.
const AGENTS: usize = 5;
const WIDTH: f64 = 640.0;
const HEIGHT: f64 = 230.0;
const LEFT: f64 = 44.0;
const BOTTOM: f64 = 34.0;

pub(super) fn funnel(l: Lang, f: &Figures, p: &Period) -> Markup {
    let agents = f.rows().listened(|at| (!at.agent.is_empty()).then(|| at.agent.clone()));
    let agents: Vec<(&String, &Listened)> = agents.iter().filter(|(_, a)| a.heard > 0).collect();
    let (heard, confirmed) = agents.iter().fold((0, 0), |sum, (_, a)| (sum.0 + a.heard, sum.1 + a.confirmed));
    if agents.len() < AGENTS {
        return html! { p.empty { (l.t("至少 5 名坐席有抽听并已提交的通话，才能画漏斗图。", "A funnel needs five agents with submitted calls that a plan or chance chose.")) } };
    }
    let mean = confirmed as f64 / heard as f64;
    let widest = agents.iter().map(|(_, a)| a.heard).max().unwrap_or(1);
    let share = |a: &Listened| a.confirmed as f64 / a.heard as f64;
    let out = |a: &Listened| {
        let (low, high) = limits(a.heard, mean, FUNNEL[1]);
        share(a) < low - 1e-9 || share(a) > high + 1e-9
    };
    let across = |n: f64| LEFT + scale(n, widest as f64 * 1.05, WIDTH - LEFT - 12.0);
    let up = |v: f64| HEIGHT - BOTTOM - scale(v, 1.0, HEIGHT - BOTTOM - 12.0);
    let outside = agents.iter().filter(|(_, a)| out(a)).count();
    html! {
        p.note { (l.t("抽听 ", "listened: ")) (linked(heard as i64, p, &[("evidence", &Evidence::Planned.to_string()), ("state", "all")])) (l.t(" 通，平均 ", " calls, mean ")) (percent(mean))
            (l.t("。点是坐席：横轴抽听通数，纵轴有属实问题的占比；线内（95%、99.8%）的高低不能与偶然区分。", ". A dot is an agent: calls listened to, and the share with a confirmed problem. Inside the lines (95 %, 99.8 %) high and low cannot be told from chance. "))
            @if outside == 0 { (l.t("没有人在外线之外。", "Nobody lies outside.")) } @else { b.problem { (outside) (l.t(" 人在外线之外", " lie outside")) } } }
        svg viewBox=(format!("0 0 {WIDTH} {HEIGHT}")) role="img" aria-label=(l.t("坐席漏斗图", "funnel of agents")) font-size="11" fill="#5a6675" {
            @for part in [0.0, 0.25, 0.5, 0.75, 1.0] {
                line x1=(LEFT) x2=(WIDTH - 12.0) y1=(up(part)) y2=(up(part)) stroke="#eef2f6" {} text x=(LEFT - 6.0) y=(up(part) + 4.0) text-anchor="end" { (percent(part)) } }
            @for (beyond, dash) in FUNNEL.iter().zip(["4 3", "none"]) {
                @for side in 0..2 { path d=(edge(widest, mean, *beyond, side, across, up)) fill="none" stroke=(GUIDE) stroke-dasharray=(dash) {} } }
            line x1=(LEFT) x2=(WIDTH - 12.0) y1=(up(mean)) y2=(up(mean)) stroke=(GUIDE) {}
            @for (agent, a) in &agents { a href=(format!("/agents/{}?from={}&to={}", url(agent), p.from, p.to)) {
                circle cx=(format!("{:.1}", across(a.heard as f64))) cy=(format!("{:.1}", up(share(a)))) r="4.5" fill=(if out(a) { CONFIRMED } else { MACHINE }) fill-opacity=".75" {
                    title { (f.name(agent)) " " (a.confirmed) "/" (a.heard) " " (percent(share(a))) } }
                @if out(a) { text x=(across(a.heard as f64) + 7.0) y=(up(share(a)) + 4.0) fill=(CONFIRMED) { (f.name(agent)) } } } }
            text x=(WIDTH - 12.0) y=(HEIGHT - 8.0) text-anchor="end" { (l.t("抽听通数 → ", "calls listened to → ")) (widest) }
        }
    }
}

/// One side of the funnel.
fn edge(
    widest: usize,
    mean: f64,
    beyond: f64,
    side: usize,
    across: impl Fn(f64) -> f64,
    up: impl Fn(f64) -> f64,
) -> String {
    let step = (widest / 60).max(1);
    let mut d = String::new();
    for n in (1..=widest.max(2)).step_by(step) {
        let (low, high) = limits(n, mean, beyond);
        let at = if side == 0 { low } else { high };
        // Writing to a text cannot fail.
        let _ = write!(d, "{}{:.1} {:.1}", if d.is_empty() { "M" } else { "L" }, across(n as f64), up(at));
    }
    d
}
