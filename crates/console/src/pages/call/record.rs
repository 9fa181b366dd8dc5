//! 电话监控记录表 of one call: on paper and as a spreadsheet, the rules' items beside the centre's own.

use axum::extract::State;
use axum::response::Response;
use callsift_reviews::Form;
use maud::{Markup, html};

use crate::addresses::CallId;
use crate::app::{App, Shared, now_us};
use crate::auth::Person;
use crate::lang::Lang;
use crate::page_error::PageError;
use crate::pages::call::Shown;
use crate::pages::call::form::items_of;
use crate::pages::downloads::{self, Kind};
use crate::pages::layout;
use crate::pages::parts::{call_name, title, visible};
use crate::pages::{clock, from_to, points, when};
use crate::spreadsheet::Cell;
use crate::workbook::{self, Sheet};

/// A line of the record: the item, the most that it takes off, what was taken off, and why.
struct Line {
    title: String,
    most: f64,
    off: f64,
    ground: String,
}

/// All that the paper holds.
struct Record {
    facts: Vec<(&'static str, String)>,
    /// Items of the rules that took points off, and how many others took none.
    machine: Vec<Line>,
    others: usize,
    own: Vec<Line>,
    /// Version of the own items.
    version: String,
    score: f64,
    strengths: String,
    weaknesses: String,
    by: String,
    at: String,
    signed: String,
}

impl Record {
    /// Of a call with a form that was submitted.
    fn of(app: &App, person: &Person, shown: &Shown) -> Result<Self, PageError> {
        let l = person.lang;
        let form = shown.form.as_ref().ok_or_else(|| {
            PageError::Bad("这通电话还没有提交记录表 · no form of this call was submitted yet".to_owned())
        })?;
        let items = items_of(&form.items);
        let rules = app.rules.rules();
        let known = |id: &str| rules.iter().find(|r| r.id.value == id);
        let machine: Vec<Line> = items
            .iter()
            .filter(|(id, _)| shown.own.as_ref().is_none_or(|own| own.find(id).is_none()))
            .map(|(id, off)| Line {
                title: title(app, id).to_owned(),
                most: known(id).map_or(*off, |r| r.points.value.max(*off)),
                off: *off,
                ground: ground(l, shown, id),
            })
            .collect();
        let own = shown.own.iter().flat_map(|own| &own.items).map(|item| Line {
            title: item.title(l).to_owned(),
            most: item.points,
            off: items.get(&item.key()).copied().unwrap_or(0.0),
            ground: item.note.clone(),
        });
        Ok(Self {
            facts: facts(app, person, shown),
            others: rules.iter().filter(|r| !items.contains_key(&r.id.value)).count(),
            own: own.collect(),
            version: shown.own.as_ref().map_or_else(String::new, |own| own.version.clone()),
            machine,
            score: form.score,
            strengths: visible(person, &form.strengths),
            weaknesses: visible(person, &form.weaknesses),
            by: form.by.clone(),
            at: when(app, form.at_us),
            signed: signed(app, l, shown, form),
        })
    }
}

fn facts(app: &App, person: &Person, shown: &Shown) -> Vec<(&'static str, String)> {
    let (l, c) = (person.lang, &shown.call);
    let times = c.started_us.map(|at| from_to(app, at, at + c.duration_ms * 1000));
    let (start, end) = times.as_deref().and_then(|t| t.split_once('–')).unwrap_or_default();
    vec![
        (l.t("录音编号", "recording"), call_name(person, &c.call_id)),
        (l.t("坐席", "agent"), format!("{} {}", c.agent_name, c.agent_id)),
        (l.t("班组", "team"), c.unit.clone()),
        (l.t("日期", "day"), c.date.clone()),
        (l.t("开始时间", "start"), start.to_owned()),
        (l.t("结束时间", "end"), end.to_owned()),
        (l.t("时长", "length"), clock(c.duration_ms)),
        (l.t("客户", "customer"), c.customer_id.as_deref().map_or_else(String::new, |id| visible(person, id))),
    ]
}

/// What points off rest on.
fn ground(l: Lang, shown: &Shown, rule: &str) -> String {
    let confirmed = shown.verdicts.iter().any(|v| v.rule_id == rule && v.verdict.as_str() == "confirmed");
    let machine = shown.findings.iter().any(|f| f.rule_id == rule && f.verdict == "hit");
    let words = match (confirmed, machine) {
        (true, true) => l.t("系统命中，人工属实", "found by the system, confirmed"),
        (true, false) => l.t("人工补记", "marked by hand"),
        (false, _) => l.t("复核员直接扣分", "taken off by the reviewer"),
    };
    words.to_owned()
}

fn signed(app: &App, l: Lang, shown: &Shown, form: &Form) -> String {
    match shown.receipt.as_ref().filter(|r| r.form_id == form.id) {
        Some(r) => format!("{} {}", r.by, when(app, r.at_us)),
        None => l.t("未签收", "not signed").to_owned(),
    }
}

pub(super) async fn print(State(app): State<Shared>, person: Person, CallId(id): CallId) -> Result<Markup, PageError> {
    let (reader, shared) = (person.clone(), app.clone());
    let shown = app.run(move |db| Shown::load(&shared, db, &reader, &id)).await?;
    let record = Record::of(&app, &person, &shown)?;
    Ok(page(&person, &shown, &record))
}

fn page(person: &Person, shown: &Shown, r: &Record) -> Markup {
    let (l, address) = (person.lang, person.call_url(&shown.call.call_id));
    let heading = l.t("电话监控记录表", "Listening Record");
    layout::page(
        person,
        heading,
        "",
        &html! {
            main.report.record {
                div.bar { h1 { (heading) " " small { (call_name(person, &shown.call.call_id)) } }
                    span.screen { a href=(format!("{address}/record.xlsx")) download { "XLSX" } " "
                        button type="button" data-do="print" { (l.t("打印", "print")) } " " a href=(address) { (l.t("回到通话", "back to the call")) } } }
                dl.facts { @for (name, value) in &r.facts { div { dt { (name) } dd { (value) } } } }
                (lines(l, l.t("规则项目", "Items of the rules"), &r.machine))
                p.note { (l.t("其余 ", "")) (r.others) (l.t(" 项未扣分。", " other items took nothing off.")) }
                @if !r.own.is_empty() { (lines(l, &format!("{} {}", l.t("本中心项目", "The centre's own items"), r.version), &r.own)) }
                p.score { b { (l.t("监控得分 ", "Listening score ")) (points(r.score)) } }
                h3 { (l.t("优点", "Strengths")) } p { (r.strengths) }
                h3 { (l.t("不足", "Weaknesses")) } p { (r.weaknesses) }
                p.signed.paper { span { (l.t("复核员：", "reviewed by: ")) (r.by) " " (r.at) } span { (l.t("坐席签收：", "signed by the agent: ")) (r.signed) } }
            }
        },
    )
}

fn lines(l: Lang, name: &str, lines: &[Line]) -> Markup {
    html! {
        div.wide { table {
            caption { (name) }
            thead { tr { th scope="col" { (l.t("项目", "item")) } th.num scope="col" { (l.t("分值", "points")) } th.num scope="col" { (l.t("扣分", "off")) } th scope="col" { (l.t("依据", "ground")) } } }
            tbody {
                @if lines.is_empty() { tr { td colspan="4" { (l.t("没有扣分。", "Nothing was taken off.")) } } }
                @for line in lines { tr { td { (line.title) } td.num { (points(line.most)) } td.num { (points(line.off)) } td { (line.ground) } } }
            }
        } }
    }
}

pub(super) async fn xlsx(State(app): State<Shared>, person: Person, CallId(id): CallId) -> Result<Response, PageError> {
    let (reader, shared) = (person.clone(), app.clone());
    let (bytes, name) = app
        .run(move |db| {
            let shown = Shown::load(&shared, db, &reader, &id)?;
            let record = Record::of(&shared, &reader, &shown)?;
            db.log(now_us(), &reader.user().name, "record", Some(&id), "")?;
            Ok((workbook::write(&[book(reader.lang, &record)])?, call_name(&reader, &id)))
        })
        .await?;
    Ok(downloads::file(Kind::Xlsx, &name, bytes))
}

fn text(text: impl Into<String>) -> Cell<'static> {
    Cell::Text(text.into().into())
}

fn book(l: Lang, r: &Record) -> Sheet<'static> {
    let mut head = vec![vec![text(l.t("电话监控记录表", "Listening record"))]];
    head.extend(r.facts.iter().map(|(name, value)| vec![text(*name), text(value.clone())]));
    head.push(vec![text(l.t("监控得分", "listening score")), Cell::Number(points(r.score))]);
    head.push(vec![text(l.t("优点", "strengths")), text(r.strengths.clone())]);
    head.push(vec![text(l.t("不足", "weaknesses")), text(r.weaknesses.clone())]);
    head.push(vec![text(l.t("复核员", "reviewed by")), text(format!("{} {}", r.by, r.at))]);
    head.push(vec![text(l.t("坐席签收", "signed by the agent")), text(r.signed.clone())]);
    let names =
        [l.t("项目", "item"), l.t("分值", "points"), l.t("扣分", "off"), l.t("依据", "ground"), l.t("来源", "source")];
    let line = |line: &Line, source: String| {
        vec![
            text(line.title.clone()),
            Cell::Number(points(line.most)),
            Cell::Number(points(line.off)),
            text(line.ground.clone()),
            text(source),
        ]
    };
    let mut rows = vec![Vec::from(names.map(text))];
    rows.extend(r.machine.iter().map(|x| line(x, l.t("规则", "rule").to_owned())));
    rows.extend(r.own.iter().map(|x| line(x, format!("{} {}", l.t("本中心", "own"), r.version))));
    Sheet { name: l.t("监控记录", "Record"), head, rows, widths: &[24, 22, 8, 36, 16] }
}
