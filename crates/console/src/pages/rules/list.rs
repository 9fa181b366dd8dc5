//! All rules with what is known of them.

use std::collections::BTreeMap;

use axum::extract::{Query, State};
use callsift_reviews::Role;
use callsift_rules::Rule;
use maud::{Markup, html};

use crate::app::{App, Shared};
use crate::auth::Person;
use crate::catalog::severity_rank;
use crate::figures::evidence::Evidence;
use crate::figures::period::Period;
use crate::figures::rows::RuleSum;
use crate::figures::sums::Figures;
use crate::lang::{Lang, category, severity};
use crate::page_error::PageError;
use crate::pages::chart::MACHINE;
use crate::pages::parts::{Behind, Share, chooser, evidence_url, evident, linked, said};
use crate::pages::{layout, points, url};

pub(super) async fn show(
    State(app): State<Shared>,
    person: Person,
    Query(query): Query<BTreeMap<String, String>>,
) -> Result<Markup, PageError> {
    person.must_be(Role::Reviewer)?;
    let shared = app.clone();
    let (period, figures) = app.run(move |db| Ok(shared.figures.asked(db.connection(), &query)?)).await?;
    Ok(page(&app, &person, &period, &figures))
}

fn page(app: &App, person: &Person, p: &Period, f: &Figures) -> Markup {
    let l = person.lang;
    let sums = f.rows().by_rule(|_| true);
    layout::page(
        person,
        l.t("规则", "rules"),
        "/rules",
        &html! {
            main {
                div.bar { h1 { (l.t("规则", "rules")) " " small { (app.rules.rules().len()) } } }
                (chooser(l, "/rules", p, false))
                div.wide { table {
                    thead { tr { th scope="col" { (l.t("规则", "rule")) } th scope="col" { (l.t("类别", "category")) } th scope="col" { (l.t("程度", "severity")) } th.num scope="col" { (l.t("扣分", "points")) } th scope="col" { (l.t("依据", "row")) }
                        th.num scope="col" { (l.t("命中", "hits")) } th.num scope="col" { (l.t("人工已判", "judged")) } th scope="col" { (l.t("准确率（95% 区间）", "precision (95 %)")) } th scope="col" { (l.t("漏检", "misses")) } th.num scope="col" { (l.t("用例", "tests")) } } }
                    tbody { @for rule in app.rules.rules() { (line(l, p, f, rule, sums.get(rule.id.value.as_str()).copied().unwrap_or_default())) } }
                } }
            }
        },
    )
}

fn line(l: Lang, p: &Period, f: &Figures, rule: &Rule, sum: RuleSum) -> Markup {
    let id = rule.id.value.as_str();
    let name = rule.severity.as_str();
    html! {
        tr {
            td.text { a href=(format!("/rules/{}", url(id))) { (rule.title) } small { (id) } }
            td { (category(l, &rule.category)) }
            td { span.sev data-rank=(severity_rank(name)) { (severity(l, name)) } }
            td.num { (points(rule.points.value)) } td { (rule.requirement) }
            td.num { (linked(sum.hit, p, &[("rule", id), ("state", "understood")])) } td.num { (linked(sum.said, p, &[("evidence", &said(id)), ("state", "all")])) }
            td { (precision(l, f, p, id)) } td { (misses(l, f, p, id)) } td.num { (rule.tests.len()) }
        }
    }
}

/// Share of the rule's hits that are violations.
pub(super) fn precision(l: Lang, f: &Figures, p: &Period, rule: &str) -> Markup {
    let hits = Evidence::Judged { rule: rule.to_owned(), machine: Some(true), by_chance: false };
    let behind = || Behind { all: evidence_url(p, &hits, &[]), by_chance: evidence_url(p, &hits.chance_of(), &[]) };
    let by_chance = || f.by_chance(|r| r.rule_id == rule && r.machine == Some(true));
    let accuracy = f.accuracy.get(rule).filter(|a| a.precision.n > 0);
    html! { @match accuracy {
        None => span.soft { (l.t("没有可推断的人工判断", "no judgement to go by")) },
        Some(a) => @match Share::of_rate(&a.precision, by_chance()) {
            // How right a rule is holds for calls to come: an interval of no width would promise too much.
            Some(share) => (share.habit().show(l, &behind(), 1.0, MACHINE, None)),
            // Verdicts on calls that no draw picked say nothing about the others.
            None => span.soft { "n=" (evident(a.precision.n, p, &hits, &[])) (l.t("，非随机抽听，不能推断", ", not drawn by chance")) },
        },
    } }
}

/// How much the rule misses at most, and how many calls that it found clear were heard for that.
pub(super) fn misses(l: Lang, f: &Figures, p: &Period, rule: &str) -> Markup {
    let clear = Evidence::Judged { rule: rule.to_owned(), machine: Some(false), by_chance: false };
    let accuracy = f.accuracy.get(rule);
    let heard = accuracy.map_or(0, |a| a.missed_among_clear.n);
    let known = accuracy.filter(|a| a.misses_fewer_than < 1.0);
    html! {
        @match known {
            Some(a) if a.missed_among_clear.estimate.is_some_and(|e| e < 1e-12) && heard > 0 => {
                (l.t("抽听 ", "of ")) (evident(heard, p, &clear, &[])) (l.t(" 通未发现漏检", " heard none was missed"))
                small { (l.t(" 漏检率 < ", " misses < ")) (format!("{:.1}%", (a.misses_fewer_than * 1000.0).ceil() / 10.0)) } },
            Some(a) => { "< " (format!("{:.1}%", (a.misses_fewer_than * 1000.0).ceil() / 10.0)) " " small { (l.t("95% 把握", "95 % sure")) } },
            None => span.soft { (l.t("未知", "unknown")) },
        }
        @let none = known.is_some_and(|a| a.missed_among_clear.estimate.is_some_and(|e| e < 1e-12));
        @if heard > 0 && !none { small { (l.t(" 抽听未命中通话 n=", " calls without a hit heard: n=")) (evident(heard, p, &clear, &[])) } }
    }
}
