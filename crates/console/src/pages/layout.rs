//! What all pages share: head, navigation, language.

use callsift_reviews::Role;
use maud::{DOCTYPE, Markup, html};

use crate::auth::Person;
use crate::lang::{Lang, role};

/// A page for somebody who is logged in. `here` is the address of the entry of the navigation that it belongs to.
pub(crate) fn page(person: &Person, title: &str, here: &str, body: &Markup) -> Markup {
    let lang = person.lang;
    document(
        lang,
        title,
        &html! {
            a.skip href="#main" { (lang.t("跳到正文", "Skip to content")) }
            header.top {
                a.brand href="/" { "听检" span { " callsift" } }
                nav {
                    @for (address, name) in entries(person) {
                        a href=(address) aria-current=[(address == here).then_some("page")] { (name)
                            @if let Some(n) = person.waiting.at(address) { span.badge { (n) } } }
                    }
                }
                @if person.is_staff() || person.team().is_some() {
                    form.find action="/search" method="get" role="search" {
                        input type="search" name="q" data-find placeholder=(lang.t("编号、客户、坐席、说过的话", "call, customer, agent, words"))
                            aria-label=(lang.t("查找：通话编号、客户、坐席、说过的话（按 /）", "find a call, customer, agent or words (press /)"));
                    }
                }
                div.who data-person=(person.user().id) {
                    a href="/account" aria-current=[(here == "/account").then_some("page")] title=(lang.t("账户", "account")) { (who(person)) }
                    form action="/language" method="post" {
                        (csrf(person))
                        button.link type="submit" name="lang" value=(lang.t("en", "zh")) { (lang.t("English", "中文")) }
                    }
                    form action="/logout" method="post" {
                        (csrf(person))
                        button.link type="submit" { (lang.t("退出", "log out")) }
                    }
                }
            }
            (without(person))
            div #main tabindex="-1" { (body) }
        },
    )
}

/// That calls are missing from whatever the page shows or counts, also on paper.
fn without(person: &Person) -> Markup {
    const NAMED: usize = 3;
    let (l, parts) = (person.lang, &person.unread);
    html! { @if !parts.is_empty() { p.problem role="status" {
        (l.t("数据湖有 ", "Parts of the lake that cannot be read: ")) (parts.len()) (l.t(" 份数据读不出（", " ("))
        @for (i, part) in parts.iter().take(NAMED).enumerate() { @if i > 0 { (l.t("，", ", ")) } "dt=" (part) }
        @if parts.len() > NAMED { (l.t(" 等", ", …")) }
        (l.t("），下面不含其中的通话。", "). What follows is without their calls. "))
        @if person.is_staff() { a href="/dashboard#odd" { (l.t("怎么补救", "what to do")) } }
    } } }
}

fn entries(person: &Person) -> Vec<(&'static str, &'static str)> {
    let l = person.lang;
    let mut out = Vec::new();
    match person.role() {
        Role::Agent => {
            out.push(("/mine", l.t("我的质检", "my calls")));
            out.push(("/library", l.t("培训库", "library")));
        }
        Role::TeamLead => {
            out.push(("/team", l.t("我的班组", "my team")));
            out.push(("/raised", l.t("当日差错", "faults")));
            out.push(("/summaries", l.t("分析表", "summaries")));
        }
        _ => {
            out.push(("/queue", l.t("复核队列", "queue")));
            if person.reviews() {
                out.push(("/tasks", l.t("我的任务", "my tasks")));
            }
            if person.leads() {
                out.push(("/draws", l.t("抽样", "sampling")));
            }
            out.push(("/dashboard", l.t("看板", "figures")));
            out.push(("/summaries", l.t("分析表", "summaries")));
            out.push(("/agents", l.t("坐席", "agents")));
            out.push(("/reviewers", l.t("质检员", "reviewers")));
            out.push(("/rules", l.t("规则", "rules")));
            out.push(("/raised", l.t("当日差错", "faults")));
            out.push(("/library", l.t("培训库", "library")));
        }
    }
    if person.role() != Role::TeamLead {
        out.push(("/appeals", l.t("申诉", "appeals")));
    }
    if person.role() == Role::Admin {
        out.push(("/users", l.t("用户", "users")));
        out.push(("/audit", l.t("日志", "log")));
    }
    out
}

/// The name of the person, and the role where the name does not say it.
fn who(person: &Person) -> String {
    let (name, role) = (person.user().display.as_str(), role(person.lang, person.role()));
    if name == role { name.to_owned() } else { format!("{name} · {role}") }
}

/// A page without navigation: login, errors.
pub(crate) fn bare(title: &str, body: &Markup) -> Markup {
    document(Lang::Zh, title, body)
}

fn document(lang: Lang, title: &str, body: &Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang=(lang.code()) {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (title) " · 听检" }
                link rel="stylesheet" href="/static/app.css";
                link rel="icon" href="/static/icon.svg" type="image/svg+xml";
                script src="/static/drafts.js" defer {}
                script src="/static/app.js" defer {}
            }
            body { (body) }
        }
    }
}

/// The hidden field that every form carries.
pub(crate) fn csrf(person: &Person) -> Markup {
    html! { input type="hidden" name="csrf" value=(person.session.csrf); }
}
