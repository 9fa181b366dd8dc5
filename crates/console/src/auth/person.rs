//! The person behind a request.

use axum::extract::FromRequestParts;
use axum::http::HeaderMap;
use axum::http::header::COOKIE as COOKIE_HEADER;
use axum::http::request::Parts;
use callsift_reviews::{Role, Session, User};

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
        let session = app.run(move |db| Ok(db.session(&token, now_us())?)).await?;
        session.map(|session| Self { session, lang }).ok_or(PageError::Login(asked))
    }
}

/// A cookie of the request.
pub(crate) fn cookie(headers: &HeaderMap, name: &str) -> Option<String> {
    let all = headers.get_all(COOKIE_HEADER).iter().filter_map(|v| v.to_str().ok());
    let mut pairs = all.flat_map(|v| v.split(';')).filter_map(|p| p.trim().split_once('='));
    pairs.find(|(key, _)| *key == name).map(|(_, value)| value.to_owned())
}
