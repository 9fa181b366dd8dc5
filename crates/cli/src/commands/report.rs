//! `callsift report`: what a lake says, for a QA lead.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::path::Path;

use anyhow::{Context, Result};
use callsift_core::failure::{reason_zh, sentence_zh};
use callsift_core::visible_line;
use callsift_store::day_commits;
use callsift_store::lines::{CallLine, FindingLine, call_lines, finding_lines};
use serde::Serialize;

use crate::args::{Lang, ReportArgs};
use crate::exit::Exit;
use crate::lake;
use crate::output::{self, clock, emit, emit_value, table};

/// Prints the report.
pub fn run(args: &ReportArgs) -> Result<Exit> {
    let (_, days) = lake::with_calls(&args.lake, &args.days)?;
    let report = Report::read(&args.lake, &days)?;
    if args.json {
        emit_value(&report)?;
    } else {
        emit(&report.text(&args.lake, args.top, args.lang)?);
    }
    Ok(Exit::Done)
}

/// What is reported of some days.
#[derive(Debug, Serialize)]
pub struct Report {
    days: BTreeSet<String>,
    /// Parts that cannot be read: the figures are without them.
    unread: Vec<String>,
    /// Days that another command was changing: calls and findings may be of two sets of rules.
    changing: Vec<String>,
    /// Ids that stand twice, with both parts; they count as two calls.
    duplicates: Vec<(String, String, String)>,
    calls: usize,
    inspected: usize,
    silent: usize,
    failed: usize,
    rules: Vec<RuleLine>,
    /// Calls with hits, those with the lowest scores first.
    listen_first: Vec<Worst>,
    failures: Vec<Failure>,
}

/// How often a rule gave which verdict.
#[derive(Debug, Serialize)]
struct RuleLine {
    rule_id: String,
    title: String,
    hit: usize,
    clear: usize,
    cannot_tell: usize,
    not_applicable: usize,
}

/// A call with hits.
#[derive(Debug, Serialize)]
struct Worst {
    call_id: String,
    score: Option<f64>,
    agent_id: String,
    duration_ms: Option<i64>,
    hits: Vec<Hit>,
}

#[derive(Debug, Serialize)]
struct Hit {
    rule_id: String,
    title: String,
    points: f64,
    start_ms: i64,
    reason: String,
}

/// A call that could not be inspected.
#[derive(Debug, Serialize)]
struct Failure {
    call_id: String,
    stage: String,
    reason: String,
}

impl Report {
    /// Reads calls and findings of these days.
    pub fn read(lake: &Path, days: &BTreeSet<String>) -> Result<Self> {
        let before = day_commits(lake)?;
        let (calls, findings) = (call_lines(lake, Some(days))?, finding_lines(lake, Some(days))?);
        let after = day_commits(lake)?;
        let changing = after.iter().filter(|day| days.contains(&day.dt) && (day.writing || !before.contains(day)));
        let changing = changing.map(|day| day.dt.clone()).collect();
        let unread = calls.unread.iter().chain(&findings.unread).map(ToString::to_string).collect();
        let (calls, findings) = (calls.rows, findings.rows);
        let count = |status: &str| calls.iter().filter(|c| c.status == status).count();
        let failed = calls.iter().filter(|c| c.status == "failed").map(|c| Failure {
            call_id: c.call_id.clone(),
            stage: c.fail_stage.clone(),
            reason: c.fail_reason.clone(),
        });
        Ok(Self {
            days: days.clone(),
            unread,
            changing,
            duplicates: duplicates(&calls),
            calls: calls.len(),
            inspected: count("ok"),
            silent: count("empty"),
            failed: count("failed"),
            failures: failed.collect(),
            rules: rules(&findings),
            listen_first: worst(&calls, &findings),
        })
    }

    /// The report as text, with so many calls to listen to.
    pub fn text(&self, lake: &Path, top: usize, lang: Lang) -> Result<String> {
        let mut out = String::new();
        self.odd_section(&mut out);
        if self.calls == 0 {
            let _ = writeln!(out, "{}{}", lake.display(), lang.of(" 中没有通话", " holds no calls"));
            return Ok(out);
        }
        let Self { calls, inspected, silent, failed, .. } = self;
        let _ = match lang {
            Lang::Zh => {
                writeln!(out, "\n质检结果：共 {calls} 通，已质检 {inspected} 通，无人声 {silent} 通，失败 {failed} 通")
            }
            Lang::En => {
                writeln!(out, "\n{calls} calls: {inspected} inspected, {silent} without speech, {failed} failed")
            }
        };
        self.rules_section(&mut out, lang);
        self.listen_section(&mut out, top, lang);
        self.failed_section(&mut out, lang);
        let shown = lake.canonicalize().with_context(|| format!("cannot read the lake: {}", lake.display()))?;
        let query = format!(
            "duckdb -c \"SELECT rule_id, count(DISTINCT call_id) AS calls FROM read_parquet('{}/findings/*/*.parquet') \
             WHERE verdict = 'hit' GROUP BY 1 ORDER BY 2 DESC\"",
            shown.display()
        );
        let _ = match lang {
            Lang::Zh => writeln!(out, "\n数据在 {}（calls、turns、findings）。查询示例：\n  {query}", shown.display()),
            Lang::En => writeln!(out, "\nData: {} (calls, turns, findings). A query:\n  {query}", shown.display()),
        };
        Ok(out)
    }

    fn odd_section(&self, out: &mut String) {
        for error in &self.unread {
            let _ = writeln!(out, "{}", output::unread(error));
        }
        if !self.changing.is_empty() {
            let days = self.changing.join("，");
            let what = "正在改写，通话和结果可能不是同一套规则的：稍后再看，或先用 callsift snapshot 取一份";
            let _ = writeln!(out, "注意：dt={days} {what}");
        }
        for (id, first, part) in &self.duplicates {
            let id = visible_line(id);
            let _ = writeln!(out, "注意：通话 {id} 重复出现（duplicate）：{first} 和 {part}，下面按两通计");
        }
    }

    fn rules_section(&self, out: &mut String, lang: Lang) {
        // Titles are Chinese: the English report goes by the ids.
        let names = lang.of(&["规则", "编号"][..], &["RULE"]);
        let verdicts =
            lang.of(["命中", "未犯", "无法判定", "不适用"], ["HIT", "CLEAR", "CANNOT TELL", "NOT APPLICABLE"]);
        let mut rows = vec![names.iter().chain(&verdicts).map(|&cell| cell.to_owned()).collect::<Vec<_>>()];
        rows.extend(self.rules.iter().map(|r| {
            let counts = [r.hit, r.clear, r.cannot_tell, r.not_applicable].map(|n| n.to_string());
            let title = lang.of(Some(r.title.clone()), None);
            title.into_iter().chain([r.rule_id.clone()]).chain(counts).collect()
        }));
        let _ = write!(out, "\n{}\n{}", lang.of("各规则", "Rules"), table(&rows));
    }

    fn listen_section(&self, out: &mut String, top: usize, lang: Lang) {
        let worst = &self.listen_first;
        let _ = match lang {
            Lang::Zh => writeln!(out, "\n建议先听（得分从低到高，共 {} 通有问题）", worst.len()),
            Lang::En => writeln!(out, "\nHear first (lowest scores first; {} calls with findings)", worst.len()),
        };
        for call in worst.iter().take(top) {
            let score = call.score.map_or_else(|| "—".to_owned(), |s| format!("{s:.0}"));
            let agent = if call.agent_id.is_empty() { "—" } else { &call.agent_id };
            let length = call.duration_ms.map_or_else(|| "—".to_owned(), clock);
            let (id, agent) = (visible_line(&call.call_id), visible_line(agent));
            let [scored, by, lasting] = lang.of(["得分", "工号", "时长"], ["score", "agent", "length"]);
            let _ = writeln!(out, "  {id}  {scored} {score}  {by} {agent}  {lasting} {length}");
            for f in &call.hits {
                let _ = writeln!(out, "      {}  {}", clock(f.start_ms), f.sentence(lang));
            }
        }
        let more = worst.len().saturating_sub(top);
        let _ = match (more, lang) {
            (0, _) => Ok(()),
            (_, Lang::Zh) => writeln!(out, "  …… 另有 {more} 通"),
            (_, Lang::En) => writeln!(out, "  … and {more} more"),
        };
    }

    fn failed_section(&self, out: &mut String, lang: Lang) {
        if self.failures.is_empty() {
            return;
        }
        let heading =
            lang.of("未能质检（未计分，请人工处理）", "Not inspected (no score; please look into these yourself)");
        let _ = writeln!(out, "\n{heading}");
        for Failure { call_id, stage, reason } in &self.failures {
            // The engineers' words beside those for QA staff, where they are others.
            let details = if reason_zh(reason).is_some() { format!("（{reason}）") } else { String::new() };
            let line = match lang {
                Lang::Zh => format!("{call_id}  {}{details}", sentence_zh(stage, reason)),
                Lang::En => format!("{call_id}  {stage}: {reason}"),
            };
            let _ = writeln!(out, "  {}", visible_line(&line));
        }
    }
}

impl Hit {
    fn sentence(&self, lang: Lang) -> String {
        let reason = visible_line(&self.reason);
        match lang {
            Lang::Zh => {
                let points = if self.points > 0.0 { format!("（−{}分）", self.points) } else { String::new() };
                format!("{}{points}：{reason}", self.title)
            }
            Lang::En => {
                let points = if self.points > 0.0 { format!(" (−{})", self.points) } else { String::new() };
                let reason = callsift_rules::english(&reason).unwrap_or_else(|| reason.into_owned());
                format!("{}{points}: {reason}", self.rule_id)
            }
        }
    }
}

fn duplicates(calls: &[CallLine]) -> Vec<(String, String, String)> {
    let mut parts: BTreeMap<&str, &str> = BTreeMap::new();
    let mut found = Vec::new();
    for call in calls {
        if let Some(first) = parts.insert(&call.call_id, &call.part) {
            found.push((call.call_id.clone(), first.to_owned(), call.part.to_string()));
        }
    }
    found
}

fn rules(findings: &[FindingLine]) -> Vec<RuleLine> {
    let mut counts: BTreeMap<(&str, &str), [usize; 4]> = BTreeMap::new();
    for f in findings.iter().filter(|f| f.hit_index == 0) {
        let row = counts.entry((&f.rule_id, &f.title)).or_default();
        let column = ["hit", "clear", "cannot_tell", "not_applicable"].iter().position(|v| *v == f.verdict);
        if let Some(cell) = column.and_then(|c| row.get_mut(c)) {
            *cell += 1;
        }
    }
    let line = |((id, title), [hit, clear, cannot_tell, not_applicable]): ((&str, &str), [usize; 4])| RuleLine {
        rule_id: id.to_owned(),
        title: title.to_owned(),
        hit,
        clear,
        cannot_tell,
        not_applicable,
    };
    counts.into_iter().map(line).collect()
}

fn worst(calls: &[CallLine], findings: &[FindingLine]) -> Vec<Worst> {
    let mut hits: BTreeMap<&str, Vec<Hit>> = BTreeMap::new();
    for f in findings.iter().filter(|f| f.verdict == "hit" && f.hit_index == 0) {
        hits.entry(&f.call_id).or_default().push(Hit {
            rule_id: f.rule_id.clone(),
            title: f.title.clone(),
            points: f.points,
            start_ms: f.start_ms,
            reason: f.reason.clone(),
        });
    }
    // A call that stands twice is listed once.
    let mut worst: Vec<Worst> = calls
        .iter()
        .filter_map(|c| {
            let hits = hits.remove(c.call_id.as_str())?;
            let (call_id, agent_id) = (c.call_id.clone(), c.agent_id.clone());
            Some(Worst { call_id, score: c.score, agent_id, duration_ms: c.duration_ms, hits })
        })
        .collect();
    let score = |c: &Worst| c.score.unwrap_or(100.0);
    worst.sort_by(|a, b| score(a).total_cmp(&score(b)).then(a.call_id.cmp(&b.call_id)));
    worst
}
