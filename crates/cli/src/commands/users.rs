//! `callsift users`: who may log in to the console.

use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result};
use callsift_reviews::{Db, NewUser, Role, password};

use crate::args::{DataArgs, RoleName, UsersArgs, UsersCommand};
use crate::exit::Exit;
use crate::output::{emit, table};

/// Adds, lists and changes people.
pub fn run(args: &UsersArgs) -> Result<Exit> {
    let mut db = open(&args.data)?;
    match &args.command {
        UsersCommand::Add { name, role, display, agent_id, numbers } => {
            let display = display.as_deref().unwrap_or(name);
            let person = Person { name, display, role: role_of(*role), agent_id: agent_id.clone(), numbers: *numbers };
            let password = add(&mut db, person)?;
            emit(&format!("{name}  {password}\n"));
        }
        UsersCommand::List => emit(&list(&db)?),
        UsersCommand::Password { name } => {
            let password = password::random_password()?;
            db.set_password(id_of(&db, name)?, &password::hash(&password)?)?;
            emit(&format!("{name}  {password}\n"));
        }
        UsersCommand::Disable { name } => db.set_disabled(id_of(&db, name)?, true)?,
        UsersCommand::Enable { name } => db.set_disabled(id_of(&db, name)?, false)?,
    }
    Ok(Exit::Done)
}

/// Opens the reviews database of a lake.
pub fn open(data: &DataArgs) -> Result<Db> {
    let folder = data.folder();
    std::fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    Ok(Db::open(&folder.join("reviews.db"))?)
}

/// Now, in microseconds since the Unix epoch.
pub fn now_us() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_micros() as i64)
}

/// A person to be added.
pub struct Person<'a> {
    pub name: &'a str,
    pub display: &'a str,
    pub role: Role,
    pub agent_id: Option<String>,
    pub numbers: bool,
}

/// Adds a person and gives the random password.
pub fn add(db: &mut Db, person: Person<'_>) -> Result<String> {
    let password = password::random_password()?;
    let Person { name, display, role, agent_id, numbers } = person;
    let (name, display) = (name.to_owned(), display.to_owned());
    let user = NewUser { name, display, role, agent_id, may_see_numbers: numbers };
    db.add_user(&user, &password::hash(&password)?, now_us())?;
    Ok(password)
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
