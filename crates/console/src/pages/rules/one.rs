//! One rule: what it is, its tests run now, how far it can be trusted, false hits, and trying it.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::{Path, Query, State};
use callsift_reviews::Role;
use callsift_rules::{CaseResult, EvalOptions, run_tests_of};
use maud::{Markup, html};

use crate::app::{App, Shared};
use crate::auth::{Guarded, Person};
use crate::catalog::severity_rank;
use crate::figures::period::Period;
use crate::figures::sums::Figures;
use crate::lang::{self, category, match_kind, severity, verdict};
use crate::page_error::PageError;
use crate::pages::layout::{self, csrf};
use crate::pages::parts::{chooser, linked, percent, range, said};
use crate::pages::rules::false_hits::FalseHits;
use crate::pages::rules::trial::{MOST_CHARS, Tried, Typed, attempt as judge, matched};
use crate::pages::rules::{facts, list};
use crate::pages::{clock, url};

struct Shown {
    id: String,
    period: Period,
    figures: Arc<Figures>,
    cases: Vec<CaseResult>,
    false_hits: FalseHits,
    tried: Option<(Typed, Option<Tried>)>,
}

pub(super) async fn show(
    State(app): State<Shared>,
    person: Person,
    Path(id): Path<String>,
    Query(query): Query<BTreeMap<String, String>>,
) -> Result<Markup, PageError> {
    answer(app, person, id, query, None).await
}

/// The page with the answer to what was typed. Nothing is kept of it.
pub(super) async fn attempt(
    State(app): State<Shared>,
    Path(id): Path<String>,
    sent: Guarded,
) -> Result<Markup, PageError> {
    let text = |name: &str| sent.text(name).to_owned();
    let typed = Typed { text: text("text"), direction: text("direction"), order: text("order") };
    let query = sent.fields().clone();
    answer(app, sent.person, id, query, Some(typed)).await
}

async fn answer(
    app: Shared,
    person: Person,
    id: String,
    query: BTreeMap<String, String>,
    typed: Option<Typed>,
) -> Result<Markup, PageError> {
    person.must_be(Role::Reviewer)?;
    let (shared, reader, lang) = (app.clone(), person.blind_name(), person.lang);
    let shown = app
        .run(move |db| {
            let rule = shared.rules.get(&id).map_err(|_| PageError::NotFound)?;
            let conn = db.connection();
            let (period, figures) = shared.figures.asked(conn, &query)?;
            let cases = run_tests_of(&shared.rules, rule, &EvalOptions::default());
            let false_hits = FalseHits::read(conn, &period, &id, &reader)?;
            let tried = typed.map(|t| {
                let model = shared.options.labeller.as_deref();
                judge(&shared.rules, rule, &t, &shared.options.eval, model, lang).map(|tried| (t, tried))
            });
            Ok(Shown { id, period, figures, cases, false_hits, tried: tried.transpose()? })
        })
        .await?;
    page(&app, &person, &shown)
}

fn page(app: &App, person: &Person, shown: &Shown) -> Result<Markup, PageError> {
    let l = person.lang;
    let rule = app.rules.get(&shown.id).map_err(|_| PageError::NotFound)?;
    let name = rule.severity.as_str();
    Ok(layout::page(
        person,
        &rule.title,
        "/rules",
        &html! {
            main {
                div.bar { h1 { (rule.title) " " small { (shown.id) " · " (category(l, &rule.category)) } } span.sev data-rank=(severity_rank(name)) { (severity(l, name)) } }
                div.halves {
                    div {
                        section.card { h2 { (l.t("说明", "about")) } (facts::facts(l, rule)) }
                        section.card { h2 { (l.t("用例", "tests")) } (tests(person, &shown.cases)) }
                    }
                    div {
                        section.card { h2 { (l.t("到目前为止", "so far")) } (trust(person, shown)) }
                        section.card { h2 { (l.t("误报样例", "sample false hits")) } (shown.false_hits.show(person, &shown.period, &shown.id)) }
                    }
                }
                @if let Some(file) = app.rules.file(&shown.id) {
                    // What is checked, to the letter; the summary above is only what it means.
                    details.card { summary { (l.t("规则文件 ", "rule file ")) code { (file.path.display()) } } pre { (file.text) } }
                }
                section.card #try { h2 { (l.t("试一试", "try it")) } (trial(person, shown, app.options.labeller.is_none() && facts::needs_model(rule))) }
            }
        },
    ))
}

fn tests(person: &Person, cases: &[CaseResult]) -> Markup {
    let l = person.lang;
    let passed = cases.iter().filter(|c| c.passed()).count();
    html! {
        p { b.pass[passed == cases.len()].fail[passed < cases.len()] { (passed) " / " (cases.len()) } (l.t(" 通过（刚刚运行）", " passed, run just now")) }
        table.plain { @for c in cases { tr {
            td { @if c.passed() { span.pass { "✓" } } @else { span.fail { "✗" } } } td { (c.case) }
            td { (verdict(l, c.found.as_str())) @if !c.passed() { span.fail { (l.t("，应为 ", ", expected ")) (verdict(l, c.expected.as_str())) } small { (lang::engine(l, &c.reason)) } } }
        } } }
    }
}

fn trust(person: &Person, shown: &Shown) -> Markup {
    let (l, f, p, id) = (person.lang, &shown.figures, &shown.period, shown.id.as_str());
    let sum = f.rows().by_rule(|_| true).get(id).copied().unwrap_or_default();
    let accuracy = f.accuracy.get(id);
    html! {
        (chooser(l, &format!("/rules/{}", url(id)), p, false))
        dl.facts {
            dt { (l.t("命中通话", "calls with a hit")) } dd { (linked(sum.hit, p, &[("rule", id), ("state", "understood")])) (l.t("，可判断 ", " of ")) (linked(sum.judged, p, &[("checked", id), ("state", "understood")])) }
            dt { (l.t("属实通话", "calls confirmed")) } dd { (linked(sum.confirmed, p, &[("confirmed", id), ("state", "all")])) (l.t("，人工已判 ", ", judged ")) (linked(sum.said, p, &[("evidence", &said(id)), ("state", "all")])) }
            dt { (l.t("准确率", "precision")) } dd { (list::precision(l, f, p, id)) }
            dt { (l.t("召回率", "recall")) } dd { @match accuracy.and_then(|a| a.recall.estimate.map(|e| (e, a.recall.interval))) {
                Some((at, limits)) => { (percent(at)) (l.brackets(&range(limits.low, limits.high))) }, None => (l.t("尚不能推断", "cannot be estimated yet")), } }
            dt { (l.t("漏检", "misses")) } dd { (list::misses(l, f, p, id)) }
        }
    }
}

fn trial(person: &Person, shown: &Shown, needs_model: bool) -> Markup {
    let l = person.lang;
    let typed = shown.tried.as_ref().map(|t| t.0.clone()).unwrap_or_default();
    html! {
        @if needs_model { p.problem { (l.t("这条规则用到文本模型的标签，这里没有模型：与标签有关的条件按没有标签计算。", "This rule uses labels of a text model, and there is no model here: conditions on labels see none.")) } }
        form.stack action=(format!("/rules/{}#try", url(&shown.id))) method="post" {
            (csrf(person))
            input type="hidden" name="from" value=(shown.period.from); input type="hidden" name="to" value=(shown.period.to);
            label { (l.t("对话，每行一句，「坐席：」或「客户：」开头", "the call, one turn a line, beginning with agent: or customer:"))
                textarea name="text" rows="6" maxlength=(MOST_CHARS) required placeholder=(l.t("坐席：您好，这里是订货中心\n客户：我要订货", "agent: …\ncustomer: …")) { (typed.text) } }
            div.pair {
                label { (l.t("方向", "direction")) select name="direction" { @for (value, zh, en) in [("inbound", "呼入", "inbound"), ("outbound", "呼出", "outbound"), ("", "未知", "unknown")] {
                    option value=(value) selected[value == typed.direction && shown.tried.is_some()] { (l.t(zh, en)) } } } }
                label { (l.t("订单（可不填）", "order (optional)")) input name="order" value=(typed.order) placeholder="item=2 box;…" size="28" maxlength="500"; }
                button.primary type="submit" { (l.t("判断", "judge")) }
            }
        }
        @if let Some((_, tried)) = &shown.tried { (outcome(person, tried.as_ref())) }
    }
}

fn outcome(person: &Person, tried: Option<&Tried>) -> Markup {
    let l = person.lang;
    let Some(t) = tried else {
        return html! { p.problem { (l.t("没有可判断的话。", "There is nothing to judge.")) } };
    };
    let name = t.finding.verdict.as_str();
    html! {
        p { b.fail[name == "hit"].pass[name == "clear"] { (verdict(l, name)) } " · " (lang::engine(l, &t.finding.reason)) " " small { (t.turns) (l.t(" 句", " turns")) } }
        @if !t.finding.evidence.is_empty() {
            ul { @for e in &t.finding.evidence { li { (clock(e.span.start_ms)) " “" (lang::evidence(l, &e.text)) "” " small { (match_kind(l, e.kind.as_str())) } } } }
        }
        h3 { (l.t("命中了什么", "What matched")) }
        pre.steps { (matched(&t.steps)) }
        details { summary { (l.t("全部步骤 ", "all steps ")) (t.steps.lines().count()) } pre.steps { (t.steps) } }
    }
}
