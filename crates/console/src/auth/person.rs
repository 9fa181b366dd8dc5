//! The person behind a request.

use axum::extract::FromRequestParts;
use axum::http::HeaderMap;
use axum::http::header::{ACCEPT, COOKIE as COOKIE_HEADER};
use axum::http::request::Parts;
use callsift_reviews::{Db, Role, Session, User};

use crate::addresses::Addresses;
use crate::app::{Shared, now_us};
use crate::catalog::unread;
use crate::lang::Lang;
use crate::page_error::PageError;
use crate::pages::url;

/// Name of the session's cookie.
pub(crate) const COOKIE: &str = "callsift";

/// Name of the cookie of a browser that somebody logged in with before.
pub(crate) const DEVICE: &str = "callsift_device";

/// Somebody who is logged in, and the language of the pages.
#[derive(Debug, Clone)]
pub(crate) struct Person {
    pub(crate) session: Session,
    pub(crate) lang: Lang,
    /// What waits for the person, as the navigation tells.
    pub(crate) waiting: Waiting,
    pub(crate) addresses: Addresses,
    /// Parts of the lake that cannot be read, for pages to say so.
    pub(crate) unread: Vec<String>,
}

/// Numbers beside entries of the navigation.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Waiting {
    /// Appeals to be decided, for leads.
    appeals: i64,
    /// Results to be signed, for agents.
    unsigned: i64,
    /// Summaries to be approved, for managers; returned ones, for leads.
    summaries: i64,
    /// Faults that nobody acknowledged: of the own team for team leads, of all for leads.
    raised: i64,
    /// Examples to be signed, for agents.
    lessons: i64,
}

impl Waiting {
    fn read(db: &Db, user: &User) -> Result<Self, PageError> {
        let count = |sql: &str, of: &str| -> rusqlite::Result<i64> {
            db.connection().prepare_cached(sql)?.query_row([of], |r| r.get(0))
        };
        let mut out = Self::default();
        let team = user.unit.as_deref().filter(|_| user.role == Role::TeamLead);
        if team.is_some() || matches!(user.role, Role::Lead | Role::Admin) {
            out.raised = db.raised_open(team)?.0;
        }
        let waiting = match user.role {
            Role::Manager => "submitted",
            Role::Lead | Role::Admin => "returned",
            _ => "",
        };
        if !waiting.is_empty() {
            out.summaries = count("SELECT count(*) FROM current_summaries WHERE step = ?1", waiting)?;
        }
        if matches!(user.role, Role::Lead | Role::Admin) {
            let open = "SELECT count(*) FROM appeals a WHERE ?1 = ?1 AND NOT EXISTS
                          (SELECT 1 FROM decisions d WHERE d.appeal_id = a.id)";
            out.appeals = count(open, "")?;
        }
        if let Some(agent) = user.agent_id.as_deref().filter(|id| user.role == Role::Agent && !id.is_empty()) {
            let unsigned =
                "SELECT count(*) FROM cat.calls c CROSS JOIN current_forms f ON f.call_id = c.call_id AND f.slot = 0
                            WHERE c.agent_id = ?1 AND c.date >= (SELECT date(max(date), '-60 days') FROM cat.calls)
                              AND NOT EXISTS (SELECT 1 FROM receipts r WHERE r.form_id = f.id)";
            let parts = "SELECT count(*) FROM summary_agents a WHERE a.agent_id = ?1 AND NOT EXISTS
                           (SELECT 1 FROM summary_receipts r WHERE r.step_id = a.step_id AND r.agent_id = a.agent_id)";
            let lessons = "SELECT count(*) FROM lesson_agents h WHERE h.agent_id = ?1
                AND NOT EXISTS (SELECT 1 FROM lesson_receipts r WHERE r.lesson_id = h.lesson_id AND r.agent_id = h.agent_id)
                AND NOT EXISTS (SELECT 1 FROM lesson_ends e WHERE e.lesson_id = h.lesson_id)";
            out.lessons = count(lessons, agent)?;
            out.unsigned = count(unsigned, agent)? + count(parts, agent)?;
        }
        Ok(out)
    }

    /// The number beside an entry; nothing where there is none.
    pub(crate) fn at(self, address: &str) -> Option<i64> {
        let n = match address {
            "/appeals" => self.appeals,
            "/mine" => self.unsigned,
            "/summaries" => self.summaries,
            "/raised" => self.raised,
            "/library" => self.lessons,
            _ => 0,
        };
        (n > 0).then_some(n)
    }
}

impl Person {
    pub(crate) fn user(&self) -> &User {
        &self.session.user
    }

    pub(crate) fn role(&self) -> Role {
        self.session.user.role
    }

    /// Reviewer, lead, manager or admin: reads all calls.
    pub(crate) fn is_staff(&self) -> bool {
        self.role() >= Role::Reviewer
    }

    /// Hears and judges calls. Managers read what staff reads and judge nothing.
    pub(crate) fn reviews(&self) -> bool {
        self.role().reviews()
    }

    /// Decides appeals, hands out calls, submits summaries: lead or admin.
    pub(crate) fn leads(&self) -> bool {
        matches!(self.role(), Role::Lead | Role::Admin)
    }

    /// The team of a team lead, who sees nothing of others.
    pub(crate) fn team(&self) -> Option<&str> {
        let unit = self.user().unit.as_deref().filter(|unit| !unit.is_empty());
        unit.filter(|_| self.role() == Role::TeamLead)
    }

    /// The number of an agent, who sees nothing of others.
    pub(crate) fn agent(&self) -> Option<&str> {
        let id = self.user().agent_id.as_deref().filter(|id| !id.is_empty());
        id.filter(|_| self.role() == Role::Agent)
    }

    /// Lead, manager or admin: knows of everybody.
    pub(crate) fn is_lead(&self) -> bool {
        self.role() >= Role::Lead
    }

    /// The name under which the person does blind duplicates; nothing for those who never do.
    pub(crate) fn blind_name(&self) -> String {
        if self.role() == Role::Reviewer { self.user().name.clone() } else { String::new() }
    }

    /// That the person has at least this role.
    pub(crate) fn must_be(&self, role: Role) -> Result<(), PageError> {
        if self.role() >= role { Ok(()) } else { Err(PageError::NotFound) }
    }

    /// That the person hears and judges calls.
    pub(crate) fn must_review(&self) -> Result<(), PageError> {
        if self.reviews() { Ok(()) } else { Err(PageError::NotFound) }
    }

    /// That the person leads.
    pub(crate) fn must_lead(&self) -> Result<(), PageError> {
        if self.leads() { Ok(()) } else { Err(PageError::NotFound) }
    }

    /// Names the call in addresses, forms and scripts, which show no number even to those who may see it.
    pub(crate) fn handle(&self, call_id: &str) -> String {
        self.addresses.handle(call_id)
    }

    /// Address of a call's page.
    pub(crate) fn call_url(&self, call_id: &str) -> String {
        format!("/calls/{}", url(&self.handle(call_id)))
    }

    /// Numbers stand unmasked for this person.
    pub(crate) fn sees_numbers(&self) -> bool {
        self.session.user.may_see_numbers
    }
}

impl FromRequestParts<Shared> for Person {
    type Rejection = PageError;

    async fn from_request_parts(parts: &mut Parts, app: &Shared) -> Result<Self, PageError> {
        let lang = if cookie(&parts.headers, "lang").as_deref() == Some("en") { Lang::En } else { Lang::Zh };
        let asked = parts.uri.path_and_query().map_or_else(|| "/".to_owned(), ToString::to_string);
        let Some(token) = cookie(&parts.headers, COOKIE) else { return Err(PageError::Login(asked)) };
        // Only pages have a navigation.
        let paged = parts.headers.get(ACCEPT).is_some_and(|v| v.as_bytes().starts_with(b"text/html"));
        let addresses = app.addresses.clone();
        let found = app.run(move |db| {
            let Some(session) = db.session(&token, now_us())? else { return Ok(None) };
            let waiting = if paged { Waiting::read(db, &session.user)? } else { Waiting::default() };
            let unread = if paged { unread(db.connection())? } else { Vec::new() };
            Ok(Some(Self { session, lang, waiting, addresses, unread }))
        });
        found.await?.ok_or(PageError::Login(asked))
    }
}

/// A cookie of the request.
pub(crate) fn cookie(headers: &HeaderMap, name: &str) -> Option<String> {
    let all = headers.get_all(COOKIE_HEADER).iter().filter_map(|v| v.to_str().ok());
    let mut pairs = all.flat_map(|v| v.split(';')).filter_map(|p| p.trim().split_once('='));
    pairs.find(|(key, _)| *key == name).map(|(_, value)| value.to_owned())
}
