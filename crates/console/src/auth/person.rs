//! The person behind a request.

use axum::extract::FromRequestParts;
use axum::http::HeaderMap;
use axum::http::header::{ACCEPT, COOKIE as COOKIE_HEADER};
use axum::http::request::Parts;
use callsift_reviews::{Db, Role, Session, User};

use crate::app::{Shared, now_us};
use crate::lang::Lang;
use crate::page_error::PageError;

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
}

/// Numbers beside entries of the navigation.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Waiting {
    /// Appeals to be decided, for leads.
    appeals: i64,
    /// Results to be signed, for agents.
    unsigned: i64,
}

impl Waiting {
    fn read(db: &Db, user: &User) -> rusqlite::Result<Self> {
        let count = |sql: &str, of: &str| db.connection().prepare_cached(sql)?.query_row([of], |r| r.get(0));
        let mut out = Self::default();
        if user.role >= Role::Lead {
            let open = "SELECT count(*) FROM appeals a WHERE ?1 = ?1 AND NOT EXISTS
                          (SELECT 1 FROM decisions d WHERE d.appeal_id = a.id)";
            out.appeals = count(open, "")?;
        }
        if let Some(agent) = user.agent_id.as_deref().filter(|id| user.role == Role::Agent && !id.is_empty()) {
            let unsigned =
                "SELECT count(*) FROM cat.calls c CROSS JOIN current_forms f ON f.call_id = c.call_id AND f.slot = 0
                            WHERE c.agent_id = ?1 AND c.date >= (SELECT date(max(date), '-60 days') FROM cat.calls)
                              AND NOT EXISTS (SELECT 1 FROM receipts r WHERE r.form_id = f.id)";
            out.unsigned = count(unsigned, agent)?;
        }
        Ok(out)
    }

    /// The number beside an entry; nothing where there is none.
    pub(crate) fn at(self, address: &str) -> Option<i64> {
        let n = match address {
            "/appeals" => self.appeals,
            "/mine" => self.unsigned,
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

    /// Reviewer, lead or admin.
    pub(crate) fn is_staff(&self) -> bool {
        self.role() >= Role::Reviewer
    }

    /// Lead or admin.
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
        let found = app.run(move |db| {
            let Some(session) = db.session(&token, now_us())? else { return Ok(None) };
            let waiting = if paged { Waiting::read(db, &session.user)? } else { Waiting::default() };
            Ok(Some(Self { session, lang, waiting }))
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
