//! Distribution of problems, pass rates, units.

use callsift_sampling::estimate::ANY_RULE;
use maud::{Markup, html};

use crate::app::App;
use crate::figures::period::Period;
use crate::figures::rows::{RuleSum, Sum};
use crate::figures::sums::Figures;
use crate::lang::Lang;
use crate::pages::chart::{self, CONFIRMED, GOOD, MACHINE, bars};
use crate::pages::parts::{Share, calls_url, is_violation, led, linked, percent, said, title};
use crate::pages::{points, url};

/// From this pass rate on an item is good enough (C6).
const PASS: f64 = 0.8;

pub(super) fn distribution(app: &App, l: Lang, f: &Figures, p: &Period) -> Markup {
    let mut rules: Vec<(&str, RuleSum)> =
        f.rows().by_rule(|_| true).into_iter().filter(|(_, s)| s.hit + s.confirmed > 0).collect();
    rules.sort_by_key(|(rule, s)| (-s.hit, -s.confirmed, *rule));
    let most = rules.iter().map(|(_, s)| s.hit.max(s.confirmed)).max().unwrap_or(0) as f64;
    html! {
        p.legend { span.key-machine { "■ " (l.t("系统命中", "system")) } " " span.key-people { "■ " (l.t("人工属实", "confirmed")) } }
        @if rules.is_empty() { p.empty { (l.t("没有命中。", "No hits.")) } }
        table.plain { @for (rule, s) in &rules { tr {
            td { a href=(format!("/rules/{}", url(rule))) { (title(app, rule)) } @if !is_violation(app, f, rule) { small { (l.t("不扣分", "no points")) } } }
            td { (bars(&[(s.hit as f64, MACHINE), (s.confirmed as f64, CONFIRMED)], most)) }
            td.num { (linked(s.hit, p, &[("rule", rule), ("state", "understood")])) " / " (linked(s.confirmed, p, &[("confirmed", rule), ("state", "all")])) }
        } } }
    }
}

/// Calls behind the rate of a rule that chance chose.
fn by_chance(f: &Figures, rule: &str) -> usize {
    f.by_chance(|r| r.rule_id == rule)
}

/// Pass rate of a rule: from people where they say anything about all calls, else the machine's.
fn pass(f: &Figures, rule: &str, sum: &RuleSum) -> Option<Share> {
    let people = f.rates.get(rule).and_then(|r| Share::of_rate(&r.powered, by_chance(f, rule)));
    let share = people.or_else(|| Share::machine(sum.hit, sum.judged))?;
    // What was confirmed is a violation, also where chance did not draw it.
    Some(share.at_least(sum.confirmed, f.rows().total().calls).rest())
}

pub(super) fn pass_rates(app: &App, l: Lang, f: &Figures, p: &Period) -> Markup {
    let mut sums = f.rows().by_rule(|_| true);
    let free: Vec<(&str, RuleSum)> = sums.extract_if(.., |rule, _| !is_violation(app, f, rule)).collect();
    let mut rows: Vec<_> = sums.iter().filter_map(|(rule, s)| Some((*rule, *s, pass(f, rule, s)?))).collect();
    rows.sort_by(|a, b| a.2.at.total_cmp(&b.2.at).then(a.0.cmp(b.0)));
    let low = rows.iter().filter(|r| r.2.at < PASS).count();
    // Items without any trouble are many, and nobody looks at them first.
    let (quiet, rows): (Vec<_>, Vec<_>) =
        rows.into_iter().partition(|(_, s, share)| s.hit + s.confirmed == 0 && share.at > 0.995);
    html! {
        p { b { (low) } (l.t(" 项低于 80%", " items under 80 %")) }
        details { summary { (l.t("如何计算", "How it is made")) } p.note { (l.t("合格率 = 1 − 违规率，低于 80% 标红。「人工复核」由随机抽听推断到全部通话，附 95% 区间，n 为人工判断的通话数；「系统命中率」一栏只是未命中的占比，未经人工核实，n 为系统能判断的通话数。规则不适用的通话算合格；不扣分的规则不算违规，另列在下面。n 里有随机抽到的，也有按风险挑出或自己打开来听的（推断时按各自被抽到的概率加权，没有抽样的只代表自己），随机抽到几通另外注明。",
            "Pass rate = 1 − violation rate; red under 80 %. \"people\": estimated for all calls from those drawn by chance, n calls judged; \"machine\": the share without a hit, checked by nobody, n calls that the machine could judge. Calls that a rule does not apply to pass; rules without points make no violation and stand below. Some of n were drawn by chance, others were chosen by risk or by a person (each weighs by how likely it was to be heard; where nothing was drawn it stands for itself); those drawn by chance are told apart.")) } }
        (pass_table(app, l, f, p, &rows))
        @if !quiet.is_empty() { details { summary { (l.t("没有命中也没有属实的项目 ", "items without hits ")) (quiet.len()) } (pass_table(app, l, f, p, &quiet)) } }
        @if !free.is_empty() { details { summary { (l.t("不扣分的规则（不算违规，没有合格率） ", "rules without points (no violations, so no pass rate) ")) (free.len()) } (free_table(app, l, p, &free)) } }
    }
}

fn pass_table(app: &App, l: Lang, f: &Figures, p: &Period, rows: &[(&str, RuleSum, Share)]) -> Markup {
    html! {
        @if rows.is_empty() { p.empty { (l.t("没有数据。", "No data.")) } } @else {
            div.wide { table {
                thead { tr { th scope="col" { (l.t("项目", "item")) } th scope="col" { (l.t("合格率（95% 区间，虚线 80%）", "pass rate (95 %, dashed: 80 %)")) } th scope="col" { (l.t("仅人工", "Human only")) }
                    th.num scope="col" { (l.t("系统命中", "system hits")) } th.num scope="col" { (l.t("属实", "confirmed")) } th.num scope="col" { (l.t("有判定", "judged")) } } }
                tbody { @for (rule, s, share) in rows { tr {
                    td.text { a href=(format!("/rules/{}", url(rule))) { (title(app, rule)) } @if share.at < PASS { " " span.sev data-rank="3" { (l.t("不合格", "under 80 %")) } } }
                    td { (share.show(l, &share.behind(p, rule, &[]), 1.0, if share.at < PASS { CONFIRMED } else { GOOD }, Some(PASS))) }
                    td { (people_alone(l, f, p, rule)) }
                    (counts(p, rule, s))
                } } }
            } }
        }
    }
}

/// What was found by rules without points: it tells of customers, or is too weak to accuse anybody.
fn free_table(app: &App, l: Lang, p: &Period, rules: &[(&str, RuleSum)]) -> Markup {
    html! {
        table {
            thead { tr { th scope="col" { (l.t("项目", "item")) } th.num scope="col" { (l.t("系统命中", "system hits")) } th.num scope="col" { (l.t("属实", "confirmed")) } th.num scope="col" { (l.t("有判定", "judged")) } } }
            tbody { @for (rule, s) in rules { tr {
                td.text { a href=(format!("/rules/{}", url(rule))) { (title(app, rule)) } }
                (counts(p, rule, s))
            } } }
        }
    }
}

/// Calls that the machine hit, that people confirmed, and that they judged.
fn counts(p: &Period, rule: &str, s: &RuleSum) -> Markup {
    html! {
        td.num { (linked(s.hit, p, &[("rule", rule), ("state", "understood")])) }
        td.num { (linked(s.confirmed, p, &[("confirmed", rule), ("state", "all")])) }
        td.num { (linked(s.said, p, &[("evidence", &said(rule)), ("state", "all")])) }
    }
}

/// The same from people's judgements without the machine's help, to see what the help is; they rest on the same calls.
fn people_alone(l: Lang, f: &Figures, p: &Period, rule: &str) -> Markup {
    let share = f.rates.get(rule).and_then(|r| Share::of_rate(&r.human, by_chance(f, rule))).map(Share::rest);
    html! { @match share {
        Some(s) => { (percent(s.at)) small { (s.words(l)) " · n=" (led(s.n, &s.calls(p, rule, &[]))) } },
        None => "–",
    } }
}

pub(super) fn units(l: Lang, f: &Figures, p: &Period) -> Markup {
    let sums = f.rows().sums(|at| Some(at.unit.clone()));
    let rate = |unit: &str, sum: &Sum| {
        let people = f.any.as_ref().and_then(|a| a.units.iter().find(|u| u.unit == unit));
        let by_chance = || f.by_chance(|r| r.rule_id == ANY_RULE && r.unit == unit);
        let people = people.and_then(|u| Share::of_rate(&u.rate.powered, by_chance()));
        people.or_else(|| Share::machine(sum.flagged, sum.calls))
    };
    // By name: an order by the rate would be a ranking.
    let rows: Vec<_> = sums.iter().map(|(unit, sum)| (unit, sum, rate(unit, sum))).collect();
    let most = chart::ceiling(rows.iter().filter_map(|r| r.2).map(|s| s.high).fold(0.0, f64::max)).min(1.0);
    html! {
        @if rows.is_empty() { p.empty { (l.t("没有数据。", "No data.")) } } @else { div.wide { table {
            thead { tr { th scope="col" { (l.t("班组", "unit")) } th.num scope="col" { (l.t("通话", "calls")) } th.num scope="col" { (l.t("系统命中", "flagged")) } th.num scope="col" { (l.t("已复核", "reviewed")) }
                th.num scope="col" { (l.t("属实", "confirmed")) } th scope="col" { (l.t("违规率（95% 区间）；灰色为系统命中率", "violation rate (95 %); grey: system hit rate")) } th.num scope="col" { (l.t("平均监听得分", "mean score")) } } }
            tbody { @for (unit, sum, share) in &rows {
                @let with = |state| [("unit", unit.as_str()), ("state", state)];
                @let (score, n) = f.rows().unit(unit).score(|_| true);
                tr {
                    td { @if unit.is_empty() { (l.t("（未分组）", "(no unit)")) } @else { (unit) } }
                    td.num { (linked(sum.calls, p, &with("understood"))) } td.num { (linked(sum.flagged, p, &with("flagged"))) }
                    td.num { (linked(sum.heard, p, &with("done"))) } td.num { (linked(sum.confirmed, p, &with("confirmed"))) }
                    td { @if let Some(share) = share { (share.show(l, &share.behind(p, ANY_RULE, &[("unit", unit)]), most, CONFIRMED, None)) } @else { "–" } }
                    td.num { (score.map_or_else(|| "–".to_owned(), points)) small { "n=" (led(n, &calls_url(p, &with("done")))) } }
                }
            } }
        } } }
        p { a href=(format!("/agents?from={}&to={}", p.from, p.to)) { (l.t("按坐席查看 ▸", "by agent ▸")) } }
    }
}
