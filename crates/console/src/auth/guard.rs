//! Forms that change something.

use std::collections::BTreeMap;

use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::{HeaderMap, Method};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use axum::{Form, RequestExt};

use crate::app::Shared;
use crate::auth::Person;
use crate::page_error::PageError;

/// Longest remark or reason.
const REMARK_CHARS: usize = 2000;

/// The fields of a form that came from our own page, and who sent it.
#[derive(Debug)]
pub(crate) struct Guarded {
    pub(crate) person: Person,
    fields: BTreeMap<String, String>,
    /// A script asks, and wants a word instead of a page.
    pub(crate) by_script: bool,
}

impl Guarded {
    /// A field; empty where it is not there.
    pub(crate) fn text(&self, name: &str) -> &str {
        self.fields.get(name).map_or("", |v| v.trim())
    }

    /// What somebody wrote: remarks and reasons, all of one greatest length.
    pub(crate) fn remark(&self, name: &str) -> String {
        self.text(name).chars().take(REMARK_CHARS).collect()
    }

    /// A number.
    pub(crate) fn number(&self, name: &str) -> Option<i64> {
        self.text(name).parse().ok()
    }

    /// All fields.
    pub(crate) fn fields(&self) -> &BTreeMap<String, String> {
        &self.fields
    }
}

impl FromRequest<Shared> for Guarded {
    type Rejection = PageError;

    async fn from_request(request: Request, app: &Shared) -> Result<Self, PageError> {
        let (mut parts, body) = request.into_parts();
        let person = Person::from_request_parts(&mut parts, app).await?;
        let by_script = parts.headers.get("x-requested-with").is_some_and(|v| v == "callsift");
        let request = Request::from_parts(parts, body);
        let Form(fields) = request
            .extract::<Form<BTreeMap<String, String>>, _>()
            .await
            .map_err(|e| PageError::Bad(format!("表单无法读取 · the form cannot be read: {e}")))?;
        if fields.get("csrf").is_some_and(|sent| equal(sent, &person.session.csrf)) {
            Ok(Self { person, fields, by_script })
        } else {
            Err(PageError::Forged)
        }
    }
}

/// Compares in a time that does not tell where two texts differ.
fn equal(a: &str, b: &str) -> bool {
    a.len() == b.len() && a.bytes().zip(b.bytes()).fold(0, |d, (x, y)| d | (x ^ y)) == 0
}

/// Refuses whatever changes something and does not come from this origin.
pub(crate) async fn same_origin(request: Request, next: Next) -> Response {
    let safe = matches!(*request.method(), Method::GET | Method::HEAD);
    if safe || is_own(request.headers(), request.uri().authority().map(axum::http::uri::Authority::as_str)) {
        next.run(request).await
    } else {
        PageError::Forged.into_response()
    }
}

/// What browsers say of themselves: `Sec-Fetch-Site`, else `Origin` against `Host`. Programs that say neither are no
/// browsers that somebody lures; they still need the CSRF token.
/// HTTP/2 names the host in the address (`authority`) and not in a header.
fn is_own(headers: &HeaderMap, authority: Option<&str>) -> bool {
    let get = |name: &str| headers.get(name).and_then(|v| v.to_str().ok());
    if let Some(site) = get("sec-fetch-site") {
        return site == "same-origin" || site == "none";
    }
    let Some(origin) = get("origin") else { return true };
    let host = origin.split_once("://").map(|(_, host)| host);
    host.is_some() && host == authority.or(get("host"))
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderMap;

    use super::is_own;

    #[test]
    fn other_origins_are_told_by_what_browsers_say() {
        let own = |pairs: &[(&'static str, &'static str)]| {
            let mut headers = HeaderMap::new();
            for (name, value) in pairs {
                headers.insert(*name, value.parse().unwrap());
            }
            is_own(&headers, None)
        };
        assert!(own(&[("sec-fetch-site", "same-origin")]));
        assert!(!own(&[("sec-fetch-site", "cross-site")]) && !own(&[("sec-fetch-site", "same-site")]));
        assert!(own(&[("origin", "http://127.0.0.1:8017"), ("host", "127.0.0.1:8017")]));
        assert!(!own(&[("origin", "http://evil.example"), ("host", "127.0.0.1:8017")]));
        assert!(!own(&[("origin", "null"), ("host", "127.0.0.1:8017")]));
        let mut headers = HeaderMap::new();
        headers.insert("origin", "https://qa.example".parse().unwrap());
        assert!(is_own(&headers, Some("qa.example")) && !is_own(&headers, Some("other.example")));
    }
}
