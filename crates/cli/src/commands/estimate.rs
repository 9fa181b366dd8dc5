//! `callsift estimate`: what the reviewed calls say about all calls.

use std::collections::BTreeSet;

use anyhow::{Result, bail};
use callsift_console::figures::{Judgements, gain, judged, odd_things, open, pairs, ratings};
use callsift_sampling::agreement::{Agreement, Rating, alpha, kappa};
use callsift_sampling::estimate::{Gain, Interval, Judged, PoweredRate, Rate, RuleAccuracy, RuleRates, groups, rules};
use serde::Serialize;

use crate::args::EstimateArgs;
use crate::exit::Exit;
use crate::lake;
use crate::output::{emit, emit_value, note, table};
use crate::rule_folder::no_rule;

/// All figures.
#[derive(Serialize)]
struct Estimates {
    rules: Vec<RuleAccuracy>,
    /// Any violation of any rule, by centre, unit and agent.
    violations: Option<RuleRates>,
    /// The same for each rule.
    by_rule: Vec<RuleRates>,
    /// What choosing calls by risk saved; nothing where chance chose none.
    listening: Option<Gain>,
    /// How often two reviewers of one call agree, in all calls that were ever heard twice.
    agreement: TwoReviewers,
}

/// Agreement of reviewers on blind duplicates.
#[derive(Serialize)]
struct TwoReviewers {
    /// Krippendorff's alpha over all.
    alpha: Agreement,
    /// Cohen's kappa of every two who heard the same calls, by login name.
    kappa: Vec<(String, String, Agreement)>,
}

/// Seed of the intervals' resampling: the same reviews give the same interval.
const SEED: &str = "callsift reviewers";

fn agreement(ratings: &[Rating]) -> TwoReviewers {
    let two = |(a, b): (String, String)| {
        let measured = kappa(ratings, &a, &b, SEED);
        (a, b, measured)
    };
    TwoReviewers { alpha: alpha(ratings, SEED), kappa: pairs(ratings).into_iter().map(two).collect() }
}

/// Estimates and prints.
pub fn run(args: &EstimateArgs) -> Result<Exit> {
    let (asked, _) = lake::with_calls(&args.data.lake, &args.days)?;
    let db = open(&args.data.lake, &args.data.folder(), &args.unit_field, args.proven_listening, |_, _| {})?;
    for odd in odd_things(db.connection())? {
        note(&format!("注意：{odd}"));
    }
    let (from, to) = asked.pair();
    let days = (from.unwrap_or("0000-01-01"), to.unwrap_or("9999-12-31"));
    let said = judged(db.connection(), days.0, days.1)?;
    if said.rows.is_empty() {
        bail!("the lake {} has no judged calls from {} to {}", args.data.lake.display(), days.0, days.1);
    }
    let all: usize = said.rows.iter().map(|r| r.calls).sum();
    let heard: usize = said.rows.iter().filter(|r| r.human.is_some()).map(|r| r.calls).sum();
    let mut estimates = Estimates {
        rules: rules(&said.rows),
        violations: groups(&said.any).into_iter().next(),
        // Only JSON has them all: there are as many as rules times agents.
        by_rule: if args.json { groups(&said.rows) } else { Vec::new() },
        listening: gain(db.connection(), days.0, days.1)?,
        agreement: agreement(&ratings(db.connection())?),
    };
    if args.json {
        emit_value(&estimates)?;
        return Ok(Exit::Done);
    }
    if let Some(rule) = &args.rule {
        estimates.violations = Some(of_rule(&said, rule)?);
    }
    emit(&format!("人工判断 {heard} 项（通话 × 规则），共 {all} 项\n"));
    if heard == 0 {
        emit("还没有可用的复核：先在质检台复核并提交监控记录表。\n");
        return Ok(Exit::Some);
    }
    emit(&text(&estimates, args.rule.as_deref()));
    Ok(Exit::Done)
}

/// The rates of one rule; the mend names the rules that there are.
fn of_rule(said: &Judgements, rule: &str) -> Result<RuleRates> {
    let rows: Vec<Judged> = said.rows.iter().filter(|r| r.rule_id == rule).cloned().collect();
    groups(&rows).into_iter().next().ok_or_else(|| {
        let names: BTreeSet<&str> = said.rows.iter().map(|r| r.rule_id.as_str()).collect();
        no_rule(rule, names)
    })
}

fn text(e: &Estimates, rule: Option<&str>) -> String {
    let mut out = String::from("\n规则：准确率、漏检\n");
    let mut lines =
        vec![row(["规则", "判过的命中", "准确率", "95% 区间", "抽听未命中", "召回率", "95% 区间", "漏检不到"])];
    for r in e.rules.iter().filter(|r| r.precision.n + r.missed_among_clear.n > 0) {
        let misses =
            if r.misses_fewer_than < 1.0 { percent(r.misses_fewer_than) } else { "不足以说明".to_owned() };
        let (hits, clear) = (r.precision.n.to_string(), r.missed_among_clear.n.to_string());
        let [precision, recall] = [&r.precision, &r.recall].map(|rate| (share(rate), interval(&rate.interval)));
        lines.push(row([&r.rule_id, &hits, &precision.0, &precision.1, &clear, &recall.0, &recall.1, &misses]));
    }
    out += &table(&lines);
    let Some(v) = &e.violations else { return out };
    out += &rule.map_or_else(
        || "\n违规率：有任一扣分违规的通话（只算抽到整通听、也整通听过的）\n".to_owned(),
        |rule| format!("\n违规率：规则 {rule}\n"),
    );
    let mut lines = vec![row(["范围", "通话", "听过", "违规率", "95% 区间", "借机器修正", "95% 区间", "相当于多听"])];
    lines.push(rate_row("全中心", &v.centre));
    lines.extend(v.units.iter().map(|u| rate_row(if u.unit.is_empty() { "（未分班组）" } else { &u.unit }, &u.rate)));
    out += &table(&lines);
    out += "\n坐席：按班组收缩后的违规率\n";
    let mut lines = vec![row(["班组", "工号", "听过", "违规率", "收缩后", "95% 区间", ""])];
    for a in &v.agents {
        let mark = if a.distinguishable { "与班组其他人不同" } else { "与班组无显著差异" };
        let [shrunk, own] = [a.shrunk.estimate, a.own].map(|rate| rate.map_or_else(|| "–".to_owned(), percent));
        let n = a.n.to_string();
        lines.push(row([&a.unit, &a.agent_id, &n, &own, &shrunk, &interval(&a.shrunk.interval), mark]));
    }
    let listening = e.listening.as_ref().map_or_else(String::new, |g| format!("\n听音效率：{}。\n", g.sentence()));
    out + &table(&lines) + &agreed(&e.agreement) + &listening
}

/// Nothing where nobody heard a call that another one had heard.
fn agreed(two: &TwoReviewers) -> String {
    let line = |name: &str, a: &Agreement| {
        let measured = a.estimate.map(|e| format!("{e:.2}（{:.2} … {:.2}）", a.interval.low, a.interval.high));
        format!("{name}：{}，{} 通\n", measured.unwrap_or_else(|| "–".to_owned()), a.calls)
    };
    if two.alpha.calls == 0 {
        return String::new();
    }
    let kappa = two.kappa.iter().map(|(a, b, measured)| line(&format!("{a} 与 {b} 的 kappa"), measured));
    let alpha = line("全体的 alpha", &two.alpha);
    format!("\n质检员一致性（盲复核，95% 区间）\n{alpha}{}", kappa.collect::<String>())
}

fn rate_row(name: &str, r: &PoweredRate) -> Vec<String> {
    let gain = r.gain.map_or_else(|| "–".to_owned(), |g| format!("{g:.2} 倍"));
    let (calls, n) = (r.human.calls.to_string(), r.human.n.to_string());
    let [human, powered] = [&r.human, &r.powered].map(|rate| (share(rate), interval(&rate.interval)));
    row([name, &calls, &n, &human.0, &human.1, &powered.0, &powered.1, &gain])
}

fn row<const N: usize>(cells: [&str; N]) -> Vec<String> {
    cells.map(str::to_owned).to_vec()
}

fn percent(x: f64) -> String {
    // A sum of nothing may be -0.
    format!("{:.1}%", x.max(0.0) * 100.0)
}

fn share(r: &Rate) -> String {
    r.estimate.map_or_else(|| "–".to_owned(), percent)
}

fn interval(i: &Interval) -> String {
    format!("{}–{}", percent(i.low), percent(i.high))
}
