//! People who may log in.

use rusqlite::{OptionalExtension, Row, params};

use crate::db::Db;
use crate::error::{Invalid, ReviewsError};
use crate::password;

/// What a person may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// 坐席: sees the own calls and appeals.
    Agent,
    /// 班长: sees the own team's calls, as they were handed in.
    TeamLead,
    /// 质检员: hears calls and judges.
    Reviewer,
    /// 主管: sees everything of the centre, decides appeals.
    Lead,
    /// 经理: sees what a lead sees, and approves summaries; judges no calls.
    Manager,
    /// 管理员: a lead who also keeps users.
    Admin,
}

impl Role {
    /// All roles.
    pub const ALL: [Self; 6] = [Self::Agent, Self::TeamLead, Self::Reviewer, Self::Lead, Self::Manager, Self::Admin];

    /// Name in the database and on the command line.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Agent => "agent",
            Self::TeamLead => "team_lead",
            Self::Reviewer => "reviewer",
            Self::Lead => "lead",
            Self::Manager => "manager",
            Self::Admin => "admin",
        }
    }

    /// Hears and judges calls: reviewers, leads and admins.
    pub fn reviews(self) -> bool {
        matches!(self, Self::Reviewer | Self::Lead | Self::Admin)
    }

    /// Reads the name back.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|r| r.as_str() == name)
    }
}

/// A person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// Id.
    pub id: i64,
    /// Login name.
    pub name: String,
    /// Name as shown.
    pub display: String,
    /// What the person may do.
    pub role: Role,
    /// Agent's number (工号), for agents.
    pub agent_id: Option<String>,
    /// Team, for team leads.
    pub unit: Option<String>,
    /// Sees phone, identity and card numbers unmasked.
    pub may_see_numbers: bool,
    /// May not log in any more.
    pub disabled: bool,
}

/// A person to be added.
#[derive(Debug, Clone)]
pub struct NewUser {
    /// Login name.
    pub name: String,
    /// Name as shown.
    pub display: String,
    /// What the person may do.
    pub role: Role,
    /// Agent's number, for agents.
    pub agent_id: Option<String>,
    /// Team, for team leads.
    pub unit: Option<String>,
    /// Sees phone, identity and card numbers unmasked.
    pub may_see_numbers: bool,
}

pub(crate) const COLUMNS: &str = "u.id, u.name, u.display, u.role, u.agent_id, u.may_see_numbers, u.disabled, u.unit";

pub(crate) fn from_row(row: &Row<'_>) -> rusqlite::Result<User> {
    let role: String = row.get(3)?;
    Ok(User {
        id: row.get(0)?,
        name: row.get(1)?,
        display: row.get(2)?,
        // The table's CHECK lets no other role in; the least right is the safe reading.
        role: Role::parse(&role).unwrap_or(Role::Agent),
        agent_id: row.get(4)?,
        may_see_numbers: row.get(5)?,
        disabled: row.get(6)?,
        unit: row.get(7)?,
    })
}

impl Db {
    /// Adds a person with the hash of a password ([`crate::password::hash`]).
    ///
    /// # Errors
    /// The name is taken, or an agent has no number.
    pub fn add_user(&mut self, user: &NewUser, password_hash: &str, now_us: i64) -> Result<i64, ReviewsError> {
        if user.name.trim().is_empty() {
            return Err(Invalid::NameMissing.into());
        }
        if user.role == Role::Agent && user.agent_id.is_none() {
            return Err(Invalid::AgentNumber(user.name.clone()).into());
        }
        if user.role == Role::TeamLead && user.unit.as_deref().is_none_or(str::is_empty) {
            return Err(Invalid::Unit(user.name.clone()).into());
        }
        if self.user_by_name(&user.name)?.is_some() {
            return Err(Invalid::NameTaken(user.name.clone()).into());
        }
        self.conn.execute(
            "INSERT INTO users (name, display, role, agent_id, password, may_see_numbers, created_us, unit)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
            params![
                user.name,
                user.display,
                user.role.as_str(),
                user.agent_id,
                password_hash,
                user.may_see_numbers,
                now_us,
                user.unit
            ],
        )?;
        Ok(self.conn.last_insert_rowid())
    }

    /// Adds a person with a password made at random, and gives it: it is kept nowhere.
    ///
    /// # Errors
    /// As [`Db::add_user`]; the system gives no random bytes.
    pub fn enrol(&mut self, user: &NewUser, now_us: i64) -> Result<String, ReviewsError> {
        let secret = password::random_password()?;
        self.add_user(user, &password::hash(&secret)?, now_us)?;
        Ok(secret)
    }

    /// Gives a person a new password made at random, and ends the open sessions.
    ///
    /// # Errors
    /// There is no such person; the system gives no random bytes.
    pub fn renew_password(&mut self, user_id: i64) -> Result<String, ReviewsError> {
        let secret = password::random_password()?;
        self.set_password(user_id, &password::hash(&secret)?)?;
        Ok(secret)
    }

    /// Everybody, by id.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn users(&self) -> Result<Vec<User>, ReviewsError> {
        let mut statement = self.conn.prepare_cached(&format!("SELECT {COLUMNS} FROM users u ORDER BY u.id"))?;
        let rows = statement.query_map([], from_row)?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    /// The person with this login name, and the hash of the password.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn user_by_name(&self, name: &str) -> Result<Option<(User, String)>, ReviewsError> {
        let sql = format!("SELECT {COLUMNS}, u.password FROM users u WHERE u.name = ?1");
        let found = self.conn.query_row(&sql, [name], |r| Ok((from_row(r)?, r.get(8)?))).optional()?;
        Ok(found)
    }

    /// Sets a new password and ends all sessions of the person.
    ///
    /// # Errors
    /// There is no such person.
    pub fn set_password(&mut self, user_id: i64, password_hash: &str) -> Result<(), ReviewsError> {
        self.alone(|conn| {
            let n = conn.execute("UPDATE users SET password = ?2 WHERE id = ?1", params![user_id, password_hash])?;
            conn.execute("DELETE FROM sessions WHERE user_id = ?1", [user_id])?;
            if n == 1 { Ok(()) } else { Err(ReviewsError::Missing("user")) }
        })
    }

    /// Lets a person in again, or not any more; ends all sessions in the latter case.
    ///
    /// # Errors
    /// There is no such person.
    pub fn set_disabled(&mut self, user_id: i64, disabled: bool) -> Result<(), ReviewsError> {
        self.alone(|conn| {
            let n = conn.execute("UPDATE users SET disabled = ?2 WHERE id = ?1", params![user_id, disabled])?;
            if disabled {
                conn.execute("DELETE FROM sessions WHERE user_id = ?1", [user_id])?;
            }
            if n == 1 { Ok(()) } else { Err(ReviewsError::Missing("user")) }
        })
    }
}
