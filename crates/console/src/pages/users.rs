//! People who may log in; for the administrator.

use axum::Router;
use axum::extract::{Path, State};
use axum::routing::{get, post};
use callsift_reviews::{NewUser, Role, User};
use maud::{Markup, html};

use crate::app::{Shared, now_us};
use crate::auth::{Guarded, Person};
use crate::lang::role;
use crate::page_error::PageError;
use crate::pages::layout::{csrf, page};
use crate::pages::url;

pub(super) fn routes() -> Router<Shared> {
    Router::new()
        .route("/users", get(show).post(add))
        .route("/users/{id}/password", post(reset))
        .route("/users/{id}/disabled", post(disable))
}

/// Longest name.
const NAME_CHARS: usize = 64;

/// A password that is shown once, and whose it is.
type Fresh = Option<(String, String)>;

async fn show(State(app): State<Shared>, person: Person) -> Result<Markup, PageError> {
    person.must_be(Role::Admin)?;
    listed(&app, &person, None).await
}

async fn listed(app: &Shared, person: &Person, fresh: Fresh) -> Result<Markup, PageError> {
    let users = app.run(|db| Ok(db.users()?)).await?;
    Ok(view(person, &users, fresh.as_ref()))
}

async fn add(State(app): State<Shared>, sent: Guarded) -> Result<Markup, PageError> {
    sent.person.must_be(Role::Admin)?;
    let new = new_user(&sent)?;
    if new.may_see_numbers && !sent.person.sees_numbers() {
        return Err(PageError::Bad(
            "自己没有看号码的权限，不能给别人 · whoever may not see numbers cannot give the right".to_owned(),
        ));
    }
    let who = sent.person.user().name.clone();
    let _turn = app.turns.password().await?;
    let fresh = app
        .run(move |db| {
            let secret = db.enrol(&new, now_us())?;
            db.log(now_us(), &who, "user_add", None, &format!("{} {}", new.name, new.role.as_str()))?;
            Ok(Some((new.name, secret)))
        })
        .await?;
    listed(&app, &sent.person, fresh).await
}

fn new_user(sent: &Guarded) -> Result<NewUser, PageError> {
    let bad = |text: &str| PageError::Bad(text.to_owned());
    let text = |field: &str| sent.text(field).chars().take(NAME_CHARS).collect::<String>();
    let name = text("name");
    if name.is_empty() || name.chars().any(|c| c.is_control() || c.is_whitespace()) {
        return Err(bad("登录名不能为空或含空格 · a login name without spaces is needed"));
    }
    let role = Role::parse(sent.text("role")).ok_or_else(|| bad("请选择角色 · choose a role"))?;
    let agent_id = Some(text("agent_id")).filter(|id| role == Role::Agent && !id.is_empty());
    if role == Role::Agent && agent_id.is_none() {
        return Err(bad("坐席需要工号 · an agent needs an agent number"));
    }
    let unit = Some(text("unit")).filter(|unit| role == Role::TeamLead && !unit.is_empty());
    if role == Role::TeamLead && unit.is_none() {
        return Err(bad("班长需要班组 · a team lead needs a team"));
    }
    let display = Some(text("display")).filter(|d| !d.is_empty()).unwrap_or_else(|| name.clone());
    Ok(NewUser { name, display, role, agent_id, unit, may_see_numbers: sent.text("numbers") == "1" })
}

/// The person with an id.
fn find(db: &callsift_reviews::Db, id: i64) -> Result<User, PageError> {
    db.users()?.into_iter().find(|u| u.id == id).ok_or(PageError::NotFound)
}

async fn reset(State(app): State<Shared>, Path(id): Path<i64>, sent: Guarded) -> Result<Markup, PageError> {
    sent.person.must_be(Role::Admin)?;
    not_oneself(&sent, id)?;
    let who = sent.person.user().name.clone();
    let sees_numbers = sent.person.sees_numbers();
    let _turn = app.turns.password().await?;
    let fresh = app
        .run(move |db| {
            let user = find(db, id)?;
            if user.may_see_numbers && !sees_numbers {
                // The new password is shown to the administrator, who could log in with it.
                return Err(PageError::Bad(
                    "自己没有看号码的权限，不能重置有此权限的账户 · whoever may not see numbers cannot reset a password that opens them"
                        .to_owned(),
                ));
            }
            let secret = db.renew_password(id)?;
            db.log(now_us(), &who, "user_password", None, &user.name)?;
            Ok(Some((user.name, secret)))
        })
        .await?;
    listed(&app, &sent.person, fresh).await
}

async fn disable(State(app): State<Shared>, Path(id): Path<i64>, sent: Guarded) -> Result<Markup, PageError> {
    sent.person.must_be(Role::Admin)?;
    not_oneself(&sent, id)?;
    let (who, off) = (sent.person.user().name.clone(), sent.text("disabled") == "1");
    app.run(move |db| {
        let user = find(db, id)?;
        db.set_disabled(id, off)?;
        let action = if off { "user_disable" } else { "user_enable" };
        Ok(db.log(now_us(), &who, action, None, &user.name)?)
    })
    .await?;
    listed(&app, &sent.person, None).await
}

/// Administrators do not lock themselves out; the own password is changed under "account".
fn not_oneself(sent: &Guarded, id: i64) -> Result<(), PageError> {
    if sent.person.user().id == id {
        return Err(PageError::Bad("不能停用或重置自己的账户 · not one's own account".to_owned()));
    }
    Ok(())
}

fn view(person: &Person, users: &[User], fresh: Option<&(String, String)>) -> Markup {
    let l = person.lang;
    page(
        person,
        l.t("用户", "users"),
        "/users",
        &html! {
            main {
                div.bar { h1 { (l.t("用户", "users")) " " small { (users.len()) } } }
                @if let Some((name, secret)) = fresh {
                    p.card role="status" { (name) (l.t(" 的密码（只显示这一次）：", "'s password, shown this once: ")) span.secret { (secret) } }
                }
                (adder(person))
                div.wide { table {
                    caption.unseen { (l.t("用户", "Users")) }
                    thead { tr { th scope="col" { (l.t("登录名", "login")) } th scope="col" { (l.t("姓名", "name")) } th scope="col" { (l.t("角色", "role")) } th scope="col" { (l.t("工号", "agent number")) } th scope="col" { (l.t("班组", "team")) } th scope="col" { (l.t("看号码", "sees numbers")) } th scope="col" { (l.t("状态", "state")) } th scope="col" {} } }
                    tbody { @for user in users { (line(person, user)) } }
                } }
            }
        },
    )
}

fn line(person: &Person, u: &User) -> Markup {
    let l = person.lang;
    html! {
        tr {
            td { a href=(format!("/audit?who={}", url(&u.name))) { (u.name) } } td { (u.display) } td { (role(l, u.role)) } td { (u.agent_id.as_deref().unwrap_or("")) } td { (u.unit.as_deref().unwrap_or("")) }
            td { (if u.may_see_numbers { l.t("是", "yes") } else { "–" }) }
            td { @if u.disabled { span.problem { (l.t("停用", "disabled")) } } @else { span.good { (l.t("启用", "enabled")) } } }
            td { @if u.id != person.user().id {
                form action=(format!("/users/{}/password", u.id)) method="post" { (csrf(person)) button type="submit" { (l.t("重置密码", "new password")) } }
                form action=(format!("/users/{}/disabled", u.id)) method="post" { (csrf(person))
                    button type="submit" name="disabled" value=(if u.disabled { "0" } else { "1" }) { (if u.disabled { l.t("启用", "enable") } else { l.t("停用", "disable") }) } }
            } }
        }
    }
}

fn adder(person: &Person) -> Markup {
    let l = person.lang;
    html! {
        form.adder action="/users" method="post" {
            (csrf(person))
            label { (l.t("登录名", "login")) input name="name" required maxlength=(NAME_CHARS) autocomplete="off"; }
            label { (l.t("姓名", "name")) input name="display" maxlength=(NAME_CHARS); }
            label { (l.t("角色", "role")) select name="role" { @for r in [Role::Reviewer, Role::Lead, Role::Agent, Role::TeamLead, Role::Manager, Role::Admin] { option value=(r.as_str()) { (role(l, r)) } } } }
            label { (l.t("工号（坐席）", "agent number (agents)")) input name="agent_id" maxlength=(NAME_CHARS) size="10"; }
            label { (l.t("班组（班长）", "team (team leads)")) input name="unit" maxlength=(NAME_CHARS) size="10"; }
            @if person.sees_numbers() { label { (l.t("可看完整号码", "sees numbers unmasked")) input type="checkbox" name="numbers" value="1"; } }
            button type="submit" { (l.t("添加用户", "add")) }
        }
    }
}
