//! `callsift eval`: rules measured on labelled calls, masking on labelled lines, recognition on spoken references.

mod speech;
mod spoken;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use callsift_core::stats::wilson;
use callsift_pipeline::{Engine, RuleMeasure, measure};
use callsift_text::{MarkMeasure, MarkScore, MaskMeasure};

use crate::args::EvalArgs;
use crate::exit::Exit;
use crate::output::{emit, emit_json, table};
use crate::rule_folder::no_rule;
use crate::{input, load, rule_folder};

/// Measures and prints one row per rule.
pub fn run(args: &EvalArgs) -> Result<Exit> {
    let given = [&args.numbers, &args.punctuation, &args.speech, &args.spoken, &args.hypotheses];
    for path in args.labelled.iter().chain(given.into_iter().flatten()) {
        input::file("", Some(path))?;
    }
    if let Some(file) = &args.numbers {
        return numbers(file, args.wrong, args.json);
    }
    if let Some(file) = &args.punctuation {
        return punctuation(file, args.json);
    }
    if let Some(references) = &args.speech {
        return speech::run(references, args);
    }
    if let Some(folder) = &args.spoken {
        return spoken::run(folder, args);
    }
    let engine = load::engine(load::config(&args.config)?, rule_folder::load(&args.rules)?, false)?;
    let measures = measured(&engine, &args.labelled, args)?;
    if args.json {
        emit_json(&format!("{}\n", serde_json::to_string_pretty(&measures)?));
        return Ok(Exit::Done);
    }
    emit(&text(&measures));
    wrong(&measures, args.wrong);
    Ok(Exit::Done)
}

/// Rules measured on the calls of some files, those that were asked for.
fn measured(engine: &Engine, files: &[PathBuf], args: &EvalArgs) -> Result<BTreeMap<String, RuleMeasure>> {
    let mut measures: BTreeMap<String, RuleMeasure> = BTreeMap::new();
    for file in files {
        for (rule, one) in measure(engine, file)? {
            let all = measures.entry(rule).or_default();
            all.add(&one);
            all.wrong.extend(one.wrong);
        }
    }
    if let Some(rule) = &args.rule {
        if !measures.contains_key(rule) {
            return Err(no_rule(rule, measures.keys().map(String::as_str)));
        }
        measures.retain(|id, _| id == rule);
    }
    if measures.is_empty() {
        bail!("no label fits a rule in force; a line needs `\"expect\": {{\"rule-id\": \"hit\"}}`");
    }
    Ok(measures)
}

/// So many wrong verdicts of each rule, with call and reason.
fn wrong(measures: &BTreeMap<String, RuleMeasure>, most: usize) {
    for (rule, measure) in measures {
        for (call, label, found, reason) in measure.wrong.iter().take(most) {
            emit(&format!("{rule}  {call}：标注 {}，判为 {}  {reason}\n", label.as_str(), found.as_str()));
        }
    }
}

/// How well customers' numbers are hidden.
fn numbers(file: &Path, wrong: usize, json: bool) -> Result<Exit> {
    let lines = std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
    let m = MaskMeasure::of(&lines);
    let (found, labelled) = (m.hidden + m.needless, m.hidden + m.readable);
    if json {
        emit(&format!(
            "{{\"lines\": {}, \"hidden\": {}, \"readable\": {}, \"needless\": {}}}\n",
            m.lines, m.hidden, m.readable, m.needless
        ));
        return Ok(Exit::Done);
    }
    let percent = |(low, high): (f64, f64)| format!("{:.1}–{:.1}", low * 100.0, high * 100.0);
    let row = |name: &str, right: usize, all: usize| {
        let exact = format!("{:.1}", right as f64 / all.max(1) as f64 * 100.0);
        vec![name.to_owned(), right.to_string(), all.to_string(), exact, percent(wilson(right, all))]
    };
    let rows = [
        ["", "对", "共", "%", "95% 区间"].map(str::to_owned).to_vec(),
        row("查全（该遮的遮住了）", m.hidden, labelled),
        row("查准（遮住的是该遮的）", m.hidden, found),
    ];
    emit(&format!("{}{} 行。区间为 Wilson 95 %；只对这份标注集成立。\n", table(&rows), m.lines));
    for (line, shown) in m.wrong.iter().take(wrong) {
        emit(&format!("{line}\n  显示为 {shown}\n"));
    }
    Ok(Exit::Done)
}

/// How well punctuation is put into text that has none.
fn punctuation(file: &Path, json: bool) -> Result<Exit> {
    let lines = std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
    let m = MarkMeasure::of(&lines);
    if json {
        emit_json(&format!("{}\n", serde_json::to_string_pretty(&m)?));
        return Ok(Exit::Done);
    }
    let share = |right: usize, all: usize| {
        let (low, high) = wilson(right, all);
        let exact = right as f64 / all.max(1) as f64 * 100.0;
        format!("{exact:.1}（{:.1}–{:.1}）", low * 100.0, high * 100.0)
    };
    let row = |name: &str, s: MarkScore| {
        let f1 = format!("{:.1}", s.f1() * 100.0);
        vec![name.to_owned(), s.wanted.to_string(), share(s.right, s.put), share(s.right, s.wanted), f1]
    };
    let mut rows = vec![["", "应有", "查准 %", "查全 %", "F1"].map(str::to_owned).to_vec()];
    for ((name, all), inner) in ["逗号", "句号", "问号"].iter().zip(m.marks).zip(m.inner) {
        rows.push(row(name, all));
        rows.push(row(&format!("{name}（句末以外）"), inner));
    }
    let note = "括号内为 Wilson 95 % 区间。顿号、分号、冒号算逗号，感叹号算句号；不知道停顿。只对这份文本成立。";
    emit(&format!("{}{} 行。{note}\n", table(&rows), m.lines));
    Ok(Exit::Done)
}

fn text(measures: &BTreeMap<String, RuleMeasure>) -> String {
    let header =
        ["规则", "标注", "应违规", "查准率", "95% 区间", "查全率", "95% 区间", "误判", "漏判", "无法判定", "结论一致"];
    let mut rows = vec![header.map(str::to_owned).to_vec()];
    let mut total = RuleMeasure::default();
    for (rule, m) in measures {
        rows.push(row(rule, m));
        total.add(m);
    }
    rows.push(row("合计", &total));
    let note = "区间为 Wilson 95 %；应违规而无法判定的算漏（查全率），另列于“无法判定”。数字只对这份标注集成立，不代表真实通话。\n";
    format!("{}{note}", table(&rows))
}

fn row(name: &str, m: &RuleMeasure) -> Vec<String> {
    let percent = |v: f64| format!("{:.1}", v * 100.0);
    let share = |s: Option<(f64, f64, f64)>| match s {
        Some((p, low, high)) => [percent(p), format!("{}–{}", percent(low), percent(high))],
        None => ["–".to_owned(), "–".to_owned()],
    };
    let hits = m.true_hits + m.missed + m.undecided_hits;
    let mut cells = vec![name.to_owned(), m.labelled.to_string(), hits.to_string()];
    cells.extend(share(m.precision()));
    cells.extend(share(m.recall()));
    let undecided = m.undecided_hits + m.undecided_others;
    cells.extend([m.false_hits, m.missed, undecided].map(|n| n.to_string()));
    cells.push(percent(m.agree as f64 / m.labelled.max(1) as f64));
    cells
}
