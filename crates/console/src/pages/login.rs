//! Logging in and out, and the language.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use axum::extract::{ConnectInfo, Query, State};
use axum::http::HeaderMap;
use axum::http::header::SET_COOKIE;
use axum::response::{AppendHeaders, IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use axum::{Form, Router};
use callsift_reviews::{Token, password};
use maud::{Markup, html};

use crate::app::{App, Shared, now_us};
use crate::auth::{COOKIE, DEVICE, Guarded, cookie};
use crate::page_error::PageError;
use crate::pages::layout;

pub(super) fn routes() -> Router<Shared> {
    Router::new()
        .route("/login", get(show).post(enter))
        .route("/logout", post(leave))
        .route("/language", post(language))
}

/// Where pages begin.
const PLACES: [&str; 19] = [
    "",
    "queue",
    "tasks",
    "calls",
    "mine",
    "appeals",
    "agents",
    "dashboard",
    "reviewers",
    "rules",
    "users",
    "audit",
    "search",
    "account",
    "team",
    "library",
    "draws",
    "raised",
    "summaries",
];

/// Only pages of this console, in the characters that addresses consist of: browsers pass over tabs and line ends, and take
/// `/\t/host` for another host.
fn next(asked: Option<&String>) -> String {
    let own = |a: &&String| {
        let place = a.strip_prefix('/').and_then(|rest| rest.split(['/', '?', '#']).next());
        // Of the empty place, only the first page itself.
        place.is_some_and(|p| PLACES.contains(&p) && (!p.is_empty() || a.len() == 1))
            && a.bytes().all(|b| b.is_ascii_graphic() && b != b'\\')
    };
    asked.filter(own).cloned().unwrap_or_else(|| "/".to_owned())
}

async fn show(Query(query): Query<BTreeMap<String, String>>) -> Markup {
    form(&next(query.get("next")), "", "")
}

fn form(next: &str, name: &str, problem: &str) -> Markup {
    layout::bare(
        "登录",
        &html! {
            main.narrow {
                h1 { "听检 · 质检台" }
                @if !problem.is_empty() { p.problem role="alert" { (problem) } }
                form.stack action="/login" method="post" {
                    input type="hidden" name="next" value=(next);
                    label { "用户名 · name" input name="name" value=(name) autocomplete="username" required autofocus; }
                    label { "密码 · password"
                        input name="password" type="password" autocomplete="current-password" required; }
                    button type="submit" { "登录 · log in" }
                }
            }
        },
    )
}

async fn enter(
    State(app): State<Shared>,
    ConnectInfo(from): ConnectInfo<SocketAddr>,
    headers: HeaderMap,
    Form(fields): Form<BTreeMap<String, String>>,
) -> Result<Response, PageError> {
    let text = |field: &str| fields.get(field).cloned().unwrap_or_default();
    let (name, typed, next) = (text("name"), text("password"), next(fields.get("next")));
    let (device, owner) = (cookie(&headers, DEVICE), name.clone());
    let device = app
        .run(move |db| {
            let known = device.filter(|token| db.is_device_of(token, &owner, now_us()).unwrap_or(false));
            Ok(known.map(|token| password::token_hash(&token)))
        })
        .await?;
    app.limiter.begin(&name, from.ip(), device.as_deref()).map_err(PageError::Slow)?;
    let _turn = app.turns.password().await?;
    let (wanted, known) = (name.clone(), device.is_some());
    let token = app.run(move |db| {
        let found = db.user_by_name(&wanted)?;
        let right = password::matches(&typed, found.as_ref().map(|(_, hash)| hash.as_str()));
        let user = found.filter(|(user, _)| right && !user.disabled).map(|(user, _)| user);
        let action = if user.is_some() { "login" } else { "login_failed" };
        db.log(now_us(), &wanted.chars().take(64).collect::<String>(), action, None, &from.ip().to_string())?;
        let open = |user: callsift_reviews::User| {
            let device = (!known).then(|| db.remember_device(user.id, now_us())).transpose()?;
            Ok((db.open_session(user.id, now_us())?, device))
        };
        user.map(open).transpose()
    });
    let token = token.await?;
    if token.is_some() {
        app.limiter.succeeded(&name, from.ip(), device.as_deref());
    }
    Ok(match token {
        Some((token, device)) => {
            let session = std::iter::once((SET_COOKIE, session_cookie(&app, &token)));
            let device = device.map(|token| (SET_COOKIE, device_cookie(&app, &token)));
            (AppendHeaders(session.chain(device)), Redirect::to(&next)).into_response()
        }
        None => form(&next, &name, "用户名或密码不对 · wrong name or password").into_response(),
    })
}

fn session_cookie(app: &App, token: &Token) -> String {
    format!("{COOKIE}={}; Path=/; HttpOnly; SameSite=Lax{}", token.0, secure(app))
}

/// Behind a proxy (`--insecure`) browsers speak TLS with the proxy.
fn secure(app: &App) -> &'static str {
    if app.options.tls.is_some() || app.options.insecure { "; Secure" } else { "" }
}

/// Tells this browser from strangers who try the same name; half a year.
fn device_cookie(app: &App, token: &Token) -> String {
    format!("{DEVICE}={}; Path=/login; HttpOnly; SameSite=Lax; Max-Age=15552000{}", token.0, secure(app))
}

async fn leave(State(app): State<Shared>, headers: HeaderMap, guarded: Guarded) -> Result<Response, PageError> {
    let token = cookie(&headers, COOKIE).unwrap_or_default();
    let name = guarded.person.user().name.clone();
    app.run(move |db| {
        db.close_session(&token)?;
        Ok(db.log(now_us(), &name, "logout", None, "")?)
    })
    .await?;
    let gone = format!("{COOKIE}=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0");
    Ok((AppendHeaders([(SET_COOKIE, gone)]), Redirect::to("/login")).into_response())
}

async fn language(headers: HeaderMap, guarded: Guarded) -> Response {
    let lang = if guarded.text("lang") == "en" { "en" } else { "zh" };
    let back = headers.get("referer").and_then(|v| v.to_str().ok()).and_then(|r| r.split_once("://"));
    let back = back.and_then(|(_, rest)| rest.find('/').map(|at| rest[at..].to_owned()));
    let set = format!("lang={lang}; Path=/; SameSite=Lax; Max-Age=31536000");
    (AppendHeaders([(SET_COOKIE, set)]), Redirect::to(&next(back.as_ref()))).into_response()
}

#[cfg(test)]
mod tests {
    use super::next;

    #[test]
    fn one_is_only_sent_on_within_the_console() {
        let to = |s: &str| next(Some(&s.to_owned()));
        for own in ["/calls/c1?x=2", "/", "/queue", "/calls/~0a1b", "/raised#r1", "/summaries/one?unit=%E4%B8%80"] {
            assert_eq!(to(own), own);
        }
        for other in [
            "//evil.example",
            "https://evil.example",
            "/\\evil.example",
            "javascript:alert(1)",
            "",
            "/\t/evil.example",
            "/\r\nset-cookie:a=b",
            "/queue\n",
            "/static/app.js",
            "/none",
            "/?x",
            "/calls/一",
            "/calls/a\\b",
        ] {
            assert_eq!(to(other), "/", "{other}");
        }
    }
}
