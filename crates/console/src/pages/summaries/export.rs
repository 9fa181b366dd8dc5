//! The paper of a team as a spreadsheet: what the page shows, numbers masked as there.

use std::collections::BTreeMap;

use axum::extract::{Query, State};
use axum::response::Response;
use callsift_reviews::Step;

use crate::app::Shared;
use crate::auth::Person;
use crate::page_error::PageError;
use crate::pages::downloads::{self, Kind};
use crate::pages::parts::{call_name, percent, period_name, range};
use crate::pages::summaries::content::{Content, Part, Problem};
use crate::pages::summaries::list::named;
use crate::pages::summaries::one::{asked, remarks};
use crate::pages::summaries::{read, unwritten};
use crate::spreadsheet::{self, Cell};
use crate::workbook::{self, Sheet};

type Row = Vec<Cell<'static>>;

pub(super) async fn csv(
    State(app): State<Shared>,
    person: Person,
    Query(query): Query<BTreeMap<String, String>>,
) -> Result<Response, PageError> {
    export(app, person, &query, Kind::Csv).await
}

pub(super) async fn xlsx(
    State(app): State<Shared>,
    person: Person,
    Query(query): Query<BTreeMap<String, String>>,
) -> Result<Response, PageError> {
    export(app, person, &query, Kind::Xlsx).await
}

async fn export(
    app: Shared,
    person: Person,
    query: &BTreeMap<String, String>,
    kind: Kind,
) -> Result<Response, PageError> {
    let (unit, period) = asked(query);
    let shared = app.clone();
    let (bytes, name) = app
        .run(move |db| {
            let paper = read(&shared, db, &person, &unit, &period)?;
            let approved = paper.last.as_ref().filter(|s| s.step == Step::Approved);
            let signed: BTreeMap<String, i64> =
                approved.map_or_else(|| Ok(Vec::new()), |s| db.summary_receipts(s.id))?.into_iter().collect();
            let rows = agents(&shared, &person, &paper.content, &signed);
            let bytes = match kind {
                Kind::Csv => {
                    let mut out = Vec::new();
                    spreadsheet::write(&mut out, &rows).map_err(|e| unwritten(&e))?;
                    out
                }
                Kind::Xlsx => {
                    let steps = db.summary_history(&unit, &period)?;
                    let about = about(&shared, &person, &paper.content, &steps);
                    let l = person.lang;
                    let sheets = [
                        Sheet {
                            name: l.t("监听分析表", "Summary"),
                            head: about,
                            rows,
                            widths: &[14, 8, 8, 10, 10, 10, 12, 8, 36, 48, 14],
                        },
                        Sheet {
                            name: l.t("通话", "Calls"),
                            head: Vec::new(),
                            rows: calls(&person, &paper.content),
                            widths: &[14, 12, 28, 8, 10],
                        },
                    ];
                    workbook::write(&sheets)?
                }
            };
            let about = format!("{} {}", paper.content.unit, paper.content.period);
            db.log(crate::app::now_us(), &person.user().name, "summary_export", None, &about)?;
            Ok((bytes, format!("{}-{}", paper.content.period, paper.content.unit)))
        })
        .await?;
    Ok(downloads::file(kind, &name, bytes))
}

fn text(text: impl Into<String>) -> Cell<'static> {
    Cell::Text(text.into().into())
}

fn number(n: impl std::fmt::Display) -> Cell<'static> {
    Cell::Number(n.to_string())
}

fn score(score: Option<f64>) -> Cell<'static> {
    score.map_or_else(|| text(""), |s| Cell::Number(crate::pages::points(s)))
}

fn words(problems: &[Problem]) -> Cell<'static> {
    text(problems.iter().map(|p| format!("{} {}", p.title, p.calls)).collect::<Vec<_>>().join("；"))
}

/// What stands above the table: the team, its sums, and who did what.
fn about(app: &Shared, person: &Person, c: &Content, steps: &[callsift_reviews::SummaryStep]) -> Vec<Row> {
    let l = person.lang;
    let title =
        format!("{} {} {}", l.t("监听分析表", "Listening summary"), named(l, &c.unit), period_name(l, &c.period));
    let mut out = vec![
        vec![text(title)],
        vec![text(l.t("日期", "days")), text(format!("{} – {}", c.from, c.to))],
        vec![text(l.t("通话", "calls")), number(c.sums.calls)],
        vec![text(l.t("监听", "heard")), number(c.sums.heard)],
        vec![text(l.t("平均监听得分", "mean score")), score(c.sums.score)],
        vec![text(l.t("有属实问题的通话", "calls with confirmed problems")), number(c.sums.confirmed)],
        vec![text(l.t("申诉", "appeals")), number(c.appeals), text(l.t("成立", "granted")), number(c.granted)],
        vec![text(l.t("主要问题", "main problems")), words(&c.sums.problems)],
    ];
    if let Some(r) = &c.rate {
        let rate = format!("{} ({}) n={}", percent(r.at), range(r.low, r.high), r.n);
        out.push(vec![text(l.t("推断违规率", "estimated violation rate")), text(rate)]);
    }
    for s in steps {
        let what = match s.step {
            Step::Submitted => l.t("提交", "submitted"),
            Step::Approved => l.t("审批通过", "approved"),
            Step::Returned => l.t("退回", "returned"),
        };
        let remark = crate::pages::parts::visible(person, &s.remark);
        out.push(vec![text(what), text(s.by.clone()), text(crate::pages::when(app, s.at_us)), text(remark)]);
    }
    out
}

/// A row for each agent, below its headings.
fn agents(app: &Shared, person: &Person, c: &Content, signed: &BTreeMap<String, i64>) -> Vec<Row> {
    let l = person.lang;
    let mut heads = vec![
        l.t("坐席", "agent"),
        l.t("工号", "number"),
        l.t("通话", "calls"),
        l.t("监听", "heard"),
        l.t("平均得分", "mean score"),
    ];
    if c.is_month() {
        heads.extend([
            l.t("上半月", "first half"),
            l.t("下半月", "second half"),
            l.t("计入月度（×70%）", "counts 70 %"),
        ]);
    }
    heads.extend([
        l.t("属实", "confirmed"),
        l.t("主要问题", "main problems"),
        l.t("评语", "remarks"),
        l.t("签收", "signed"),
    ]);
    let row = |part: &Part| {
        let mut row = vec![
            text(part.name.clone()),
            text(part.agent.clone()),
            number(part.sums.calls),
            number(part.sums.heard),
            score(part.sums.score),
        ];
        if c.is_month() {
            let [first, second] = part.halves.unwrap_or_default();
            row.extend([score(first.0), score(second.0), score(part.month)]);
        }
        let at = signed.get(&part.agent).map_or_else(String::new, |at| crate::pages::when(app, *at));
        row.extend([
            number(part.sums.confirmed),
            words(&part.sums.problems),
            text(remarks(person, &part.remarks)),
            text(at),
        ]);
        row
    };
    std::iter::once(heads.into_iter().map(text).collect()).chain(c.agents.iter().map(row)).collect()
}

/// A row for each submitted call; leads' knowledge only where a reviewer might hear one of them blindly.
fn calls(person: &Person, c: &Content) -> Vec<Row> {
    let l = person.lang;
    let heads = [
        l.t("坐席", "agent"),
        l.t("日期", "date"),
        l.t("通话", "call"),
        l.t("得分", "score"),
        l.t("计入月度", "counts"),
    ];
    let listed = person.is_lead() || person.team().is_some();
    let parts = c.agents.iter().filter(|_| listed);
    let row = |part: &Part, h: &super::content::Heard| {
        vec![
            text(part.name.clone()),
            text(h.date.clone()),
            text(call_name(person, &h.call_id)),
            score(Some(h.score)),
            text(if h.planned { l.t("是", "yes") } else { "" }),
        ]
    };
    let rows = parts.flat_map(|part| part.calls.iter().map(move |h| row(part, h)));
    std::iter::once(heads.into_iter().map(text).collect()).chain(rows).collect()
}
