//! What listening gives to an agent's score of the month, and how it was made: every call that counts, and the sum.

use maud::{Markup, html};

use crate::auth::Person;
use crate::figures::monthly::{Half, LISTENING_SHARE, counted};
use crate::pages::parts::call_name;
use crate::pages::points;

/// Calls that are named; there are five for each half in a usual plan.
const NAMED: usize = 12;

pub(super) fn section(person: &Person, agent: &str, halves: &[Half; 2]) -> Markup {
    let l = person.lang;
    let [first, second] = halves;
    let total = counted(first.mean(), second.mean());
    let month = first.days.from.get(..7).unwrap_or_default();
    html! {
        section.card #month data-agent=(agent) {
            h2 { (month) " " (l.t("监听得分（计入月度服务质量）", "Listening score of the month")) " "
                output { (total.map_or_else(|| "–".to_owned(), points)) } small { (l.t(" / 满分 ", " of ")) (points(100.0 * LISTENING_SHARE)) } }
            div.wide { table.plain {
                tbody {
                    (half(person, l.t("上半月", "first half"), first)) (half(person, l.t("下半月", "second half"), second))
                    tr { th { (l.t("计入月度", "counts")) } td {
                        @match (first.mean(), second.mean(), total) {
                            (Some(a), Some(b), Some(total)) => { "(" (points(a)) " + " (points(b)) ") ÷ 2 × 70% = " b { (points(total)) } },
                            _ => (l.t("缺一个半月，暂不计算", "a half is missing: not computed yet")),
                        }
                    } }
                }
            } }
            details { summary { (l.t("如何计算", "How it is made")) }
                p.note { (l.t("只计监听计划和随机抽到、并且已提交的通话；按风险挑选的不计，否则谁被挑得多谁的分就低。上、下半月各取平均，再平均，乘 70%。申诉成立后得分随之更新。",
                    "Only submitted calls that a listening plan or chance chose count; those chosen for their risk do not, or whoever is looked at most would score lowest. Each half has its mean, and the mean of both counts 70 %. A granted appeal changes the score.")) } }
        }
    }
}

fn half(person: &Person, name: &str, half: &Half) -> Markup {
    let l = person.lang;
    let more = half.calls.len().saturating_sub(NAMED);
    html! {
        tr {
            th { (name) } td {
                @match half.mean() {
                    None => span.soft { (l.t("还没有计入的通话", "no call counts yet")) },
                    Some(mean) => {
                        @for (i, (call, score)) in half.calls.iter().take(NAMED).enumerate() {
                            @if i > 0 { " + " } a href=(person.call_url(call)) title=(call_name(person, call)) { (points(*score)) }
                        }
                        @if more > 0 { (l.t(" + 另 ", " + more: ")) (more) (l.t(" 通", "")) }
                        (l.t("，平均 ", "; mean ")) b { (points(mean)) } small { " " (half.calls.len()) (l.t(" 通", " calls")) }
                    }
                }
            }
        }
    }
}
