//! `callsift users`: who may log in to the console.

use anyhow::{Result, bail};
use callsift_console::now_us;
use callsift_reviews::{Db, NewUser, Role, User, backups};
use serde::Serialize;

use crate::args::{RoleName, UsersArgs, UsersCommand};
use crate::exit::Exit;
use crate::lake;
use crate::nearest::did_you_mean;
use crate::output::{emit, emit_value, table};

/// Adds, lists and changes people.
pub fn run(args: &UsersArgs) -> Result<Exit> {
    let data = args.data.given("users");
    lake::check(&data.lake)?;
    let is_new = !data.folder().join(Db::FILE).is_file() && backups(&data.folder()).is_empty();
    if is_new && !matches!(args.command, UsersCommand::Add { .. }) {
        bail!(
            "there are no users yet in {}; add one with `callsift users add NAME --role ROLE`",
            data.folder().display()
        );
    }
    let mut db = Db::open_whole(&data.folder())?;
    match &args.command {
        UsersCommand::Add { name, role, display, agent_id, unit, numbers } => {
            let display = display.clone().unwrap_or_else(|| name.clone());
            let (role, agent_id, unit) = (role_of(*role), agent_id.clone(), unit.clone());
            let unit = unit.filter(|_| role == Role::TeamLead);
            let user = NewUser { name: name.clone(), display, role, agent_id, unit, may_see_numbers: *numbers };
            let password = db.enrol(&user, now_us())?;
            emit(&format!("{name}  {password}\n"));
        }
        UsersCommand::List { json: true } => emit_value(&rows(&db)?)?,
        UsersCommand::List { json: false } => emit(&list(&db)?),
        UsersCommand::Password { name } => {
            let password = db.renew_password(id_of(&db, name)?)?;
            emit(&format!("{name}  {password}\n"));
        }
        UsersCommand::Disable { name } => db.set_disabled(id_of(&db, name)?, true)?,
        UsersCommand::Enable { name } => db.set_disabled(id_of(&db, name)?, false)?,
    }
    Ok(Exit::Done)
}

fn role_of(role: RoleName) -> Role {
    match role {
        RoleName::Agent => Role::Agent,
        RoleName::TeamLead => Role::TeamLead,
        RoleName::Reviewer => Role::Reviewer,
        RoleName::Lead => Role::Lead,
        RoleName::Manager => Role::Manager,
        RoleName::Admin => Role::Admin,
    }
}

fn id_of(db: &Db, name: &str) -> Result<i64> {
    if let Some((user, _)) = db.user_by_name(name)? {
        return Ok(user.id);
    }
    let users = db.users()?;
    let near = did_you_mean(name, users.iter().map(|user| user.name.as_str()));
    bail!("no user is called `{name}`{near}\n`callsift users list` shows all")
}

fn list(db: &Db) -> Result<String> {
    let mut rows = vec![["用户名", "姓名", "角色", "工号", "班组", "可见号码", "状态"].map(str::to_owned).to_vec()];
    for UserLine { name, display, role, agent_id, unit, may_see_numbers, disabled } in self::rows(db)? {
        let numbers = if may_see_numbers { "是" } else { "" };
        let state = if disabled { "停用" } else { "" };
        let (agent, unit) = (agent_id.unwrap_or_default(), unit.unwrap_or_default());
        rows.push([&name, &display, role, &agent, &unit, numbers, state].map(str::to_owned).to_vec());
    }
    Ok(table(&rows))
}

/// A user as listed.
#[derive(Serialize)]
struct UserLine {
    name: String,
    display: String,
    role: &'static str,
    agent_id: Option<String>,
    unit: Option<String>,
    may_see_numbers: bool,
    disabled: bool,
}

fn rows(db: &Db) -> Result<Vec<UserLine>> {
    let line = |user: User| UserLine {
        name: user.name,
        display: user.display,
        role: user.role.as_str(),
        agent_id: user.agent_id,
        unit: user.unit,
        may_see_numbers: user.may_see_numbers,
        disabled: user.disabled,
    };
    Ok(db.users()?.into_iter().map(line).collect())
}
