//! One's own account: a new password.

use std::net::{IpAddr, Ipv4Addr};

use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use callsift_reviews::password;
use maud::{Markup, html};

use crate::app::{Shared, now_us};
use crate::auth::{Guarded, Person};
use crate::page_error::PageError;
use crate::pages::layout::{csrf, page};

/// Guesses from a session count by the person alone, from wherever.
const HERE: IpAddr = IpAddr::V4(Ipv4Addr::UNSPECIFIED);

pub(super) fn routes() -> Router<Shared> {
    Router::new().route("/account", get(show).post(change))
}

async fn show(person: Person) -> Markup {
    account(&person, "")
}

fn account(person: &Person, problem: &str) -> Markup {
    let l = person.lang;
    page(
        person,
        l.t("账户", "account"),
        "/account",
        &html! {
            main.narrow {
                h1 { (l.t("修改密码", "new password")) }
                @if !problem.is_empty() { p.problem role="alert" { (problem) } }
                form.stack action="/account" method="post" {
                    (csrf(person))
                    label { (l.t("现在的密码", "present password"))
                        input name="old" type="password" autocomplete="current-password" required; }
                    label { (l.t("新密码（至少 10 个字符）", "new password (10 characters or more)"))
                        input name="new" type="password" autocomplete="new-password" minlength="10" required; }
                    button type="submit" { (l.t("修改并重新登录", "change, and log in again")) }
                }
            }
        },
    )
}

async fn change(State(app): State<Shared>, guarded: Guarded) -> Result<Response, PageError> {
    let (old, new) = (guarded.text("old").to_owned(), guarded.text("new").to_owned());
    let user = guarded.person.user().clone();
    let name = user.name.clone();
    app.own_limiter.begin(&name, HERE, None).map_err(PageError::Slow)?;
    let _turn = app.turns.password().await?;
    let right = app
        .run(move |db| {
            let known = db.user_by_name(&user.name)?;
            if !known.is_some_and(|(_, hash)| password::matches(&old, Some(&hash))) {
                return Ok(false);
            }
            db.set_password(user.id, &password::hash(&new)?)?;
            db.log(now_us(), &user.name, "password", None, "")?;
            Ok(true)
        })
        .await?;
    if right {
        app.own_limiter.succeeded(&name, HERE, None);
    }
    Ok(if right {
        Redirect::to("/login").into_response()
    } else {
        let problem = guarded.person.lang.t("现在的密码不对", "the present password is wrong");
        account(&guarded.person, problem).into_response()
    })
}
