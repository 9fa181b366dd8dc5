//! `callsift users`: who may log in to the console.

use anyhow::{Context, Result};
use callsift_console::now_us;
use callsift_reviews::{Db, NewUser, Role};

use crate::args::{RoleName, UsersArgs, UsersCommand};
use crate::exit::Exit;
use crate::load;
use crate::output::{emit, table};

/// Adds, lists and changes people.
pub fn run(args: &UsersArgs) -> Result<Exit> {
    load::lake(&args.data.lake)?;
    let mut db = Db::open_whole(&args.data.folder())?;
    match &args.command {
        UsersCommand::Add { name, role, display, agent_id, numbers } => {
            let display = display.clone().unwrap_or_else(|| name.clone());
            let (role, agent_id) = (role_of(*role), agent_id.clone());
            let user = NewUser { name: name.clone(), display, role, agent_id, may_see_numbers: *numbers };
            let password = db.enrol(&user, now_us())?;
            emit(&format!("{name}  {password}\n"));
        }
        UsersCommand::List => emit(&list(&db)?),
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
        RoleName::Reviewer => Role::Reviewer,
        RoleName::Lead => Role::Lead,
        RoleName::Admin => Role::Admin,
    }
}

fn id_of(db: &Db, name: &str) -> Result<i64> {
    let (user, _) = db.user_by_name(name)?.with_context(|| format!("there is nobody named {name}"))?;
    Ok(user.id)
}

fn list(db: &Db) -> Result<String> {
    let mut rows = vec![["用户名", "姓名", "角色", "工号", "可见号码", "状态"].map(str::to_owned).to_vec()];
    for user in db.users()? {
        let numbers = if user.may_see_numbers { "是" } else { "" };
        let state = if user.disabled { "停用" } else { "" };
        let agent = user.agent_id.unwrap_or_default();
        let cells = [&user.name, &user.display, user.role.as_str(), &agent, numbers, state];
        rows.push(cells.map(str::to_owned).to_vec());
    }
    Ok(table(&rows))
}
