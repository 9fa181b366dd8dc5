//! The ranking of agents. Nobody gets a rank: few calls say little, and the table says how little.

use callsift_sampling::estimate::{ANY_RULE, AgentRate, Shrunk};
use maud::{Markup, html};

use crate::app::App;
use crate::auth::Person;
use crate::figures::period::Period;
use crate::figures::rows::Sum;
use crate::figures::sums::Figures;
use crate::lang::Lang;
use crate::pages::agents::funnel::funnel;
use crate::pages::chart::{self, CONFIRMED};
use crate::pages::layout;
use crate::pages::parts::{Share, chooser, linked, percent, proven, undrawn};
use crate::pages::url;

/// An agent in a unit.
struct Line<'a> {
    agent: &'a str,
    unit: &'a str,
    sum: Sum,
    rate: Option<&'a AgentRate>,
    /// Calls behind the rate that chance chose.
    by_chance: usize,
}

impl Line<'_> {
    /// Rate drawn toward the unit where people heard calls of it, else nothing.
    fn shrunk(&self) -> Option<Share> {
        let rate = self.rate?;
        let Shrunk { estimate, interval, .. } = rate.shrunk;
        let (n, by_chance) = (rate.n, self.by_chance);
        Some(Share {
            at: estimate?,
            low: interval.low,
            high: interval.high,
            n,
            by_chance,
            human: true,
            of_frame: false,
        })
    }

    fn machine(&self) -> Option<Share> {
        Share::machine(self.sum.flagged, self.sum.calls)
    }

    fn share(&self) -> Option<Share> {
        self.shrunk().or_else(|| self.machine())
    }
}

fn lines(f: &Figures) -> Vec<Line<'_>> {
    let sums = f.rows().sums(|at| Some((at.unit.clone(), at.agent.clone())));
    let rates = f.any.as_ref().map_or(&[][..], |a| a.agents.as_slice());
    let by_chance = f.any_by_chance();
    let mut out = Vec::new();
    for unit in f.units() {
        for agent in f.agents(unit) {
            let sum = sums.get(&(unit.to_owned(), agent.to_owned())).copied().unwrap_or_default();
            let rate = rates.iter().find(|r| r.unit == unit && r.agent_id == agent);
            let by_chance = by_chance.get(&(unit, agent)).copied().unwrap_or(0);
            out.push(Line { agent, unit, sum, rate, by_chance });
        }
    }
    // By unit and number: an order by the rate would be the ranking that the page says it does not give.
    out
}

pub(super) fn page(app: &App, person: &Person, p: &Period, f: &Figures) -> Markup {
    let l = person.lang;
    let lines = lines(f);
    let most = chart::ceiling(lines.iter().filter_map(Line::share).map(|s| s.high).fold(0.0, f64::max)).min(1.0);
    layout::page(
        person,
        l.t("坐席", "Agents"),
        "/agents",
        &html! {
            main {
                div.bar { h1 { (l.t("坐席", "Agents")) " " small { (lines.len()) } } }
                (chooser(l, "/agents", p, true))
                (proven(app, l))
                (undrawn(l, "/agents", f))
                section.chart { h2 { (l.t("坐席漏斗图", "Funnel of agents")) } (funnel(l, f, p)) }
                details { summary { (l.t("如何计算", "How it is made")) } p.note { (l.t("违规率：至少有一项扣分违规的通话占比及其 95% 区间。有随机抽听并整通复核的通话时由人工判断推断，本人抽听少的向班组水平靠拢（收缩估计）；没有抽听时只是系统命中率（灰色，未经人工核实）。按班组和工号排列，不排名次：几通电话说明不了高低。",
                    "Violation rate: share of calls with any violation that takes points off, with its 95 % interval. From people's judgements where calls drawn by chance were heard as a whole, drawn toward the unit where few of the agent's own were (shrunk estimate); else the system's hit rate (grey), checked by nobody. In order of unit and number: no rank is given, since a few calls say little.")) } }
                @if lines.is_empty() { p.empty { (l.t("这段时间没有通话。", "No calls in this period.")) } } @else { (table(l, p, f, &lines, most)) }
            }
        },
    )
}

fn table(l: Lang, p: &Period, f: &Figures, lines: &[Line<'_>], most: f64) -> Markup {
    html! {
        div.wide { table {
            caption.unseen { (l.t("坐席", "Agents")) }
            thead { tr {
                th scope="col" { (l.t("坐席", "agent")) } th scope="col" { (l.t("班组", "unit")) } th.num scope="col" { (l.t("通话", "calls")) } th.num scope="col" { (l.t("系统命中", "flagged")) }
                th.num scope="col" { (l.t("已复核", "reviewed")) } th.num scope="col" { (l.t("属实", "confirmed")) } th.num scope="col" { (l.t("仅按本人抽听", "own calls alone")) }
                th scope="col" { (l.t("违规率（95% 区间）；灰色为系统命中率", "violation rate (95 %); grey: system hit rate")) } th scope="col" { (l.t("与班组其他人相比", "against the rest of the unit")) }
            } }
            tbody { @for line in lines {
                @let own = [("agent", line.agent), ("unit", line.unit)];
                @let with = |state| [own[0], own[1], ("state", state)];
                tr {
                    td { @if line.agent.is_empty() { (l.t("（无工号）", "(no number)")) } @else {
                        a href=(format!("/agents/{}?from={}&to={}", url(line.agent), p.from, p.to)) { (f.name(line.agent)) } @if f.name(line.agent) != line.agent { small { (line.agent) } } } }
                    td { (line.unit) }
                    td.num { (linked(line.sum.calls, p, &with("understood"))) }
                    td.num { (linked(line.sum.flagged, p, &with("flagged"))) }
                    td.num { (linked(line.sum.heard, p, &with("done"))) }
                    td.num { (linked(line.sum.confirmed, p, &with("confirmed"))) }
                    td.num { (line.rate.and_then(|r| r.own).map_or_else(|| "–".to_owned(), percent)) }
                    td { @if let Some(share) = line.share() { (share.show(l, &share.behind(p, ANY_RULE, &own), most, CONFIRMED, None)) } @else { "–" } }
                    td { (compared(l, line.rate)) }
                }
            } }
        } }
    }
}

fn compared(l: Lang, rate: Option<&AgentRate>) -> Markup {
    let Some((rate, d)) = rate.and_then(|r| Some((r, r.difference?))) else {
        return html! { span.soft { (l.t("抽听不足，无法比较", "too few were heard")) } };
    };
    let points = |x: f64| format!("{:+.0}", x * 100.0);
    html! {
        @if !rate.distinguishable { span.soft { (l.t("与班组无显著差异", "not distinguishable from the unit")) } }
        @else if d.low > 0.0 { b.problem { (l.t("高于班组", "above the unit")) } }
        @else { b.good { (l.t("低于班组", "below the unit")) } }
        small { (points(d.low)) " … " (points(d.high)) (l.t(" 个百分点", " points")) }
    }
}
