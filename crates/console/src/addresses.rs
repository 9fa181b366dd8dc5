//! How addresses of pages name calls. They stay in histories of browsers and logs of proxies, so that an id which holds
//! a customer's number is not in them: a keyed hash stands for it, which the catalogue leads back to the call.

use axum::extract::{FromRequestParts, Path};
use axum::http::request::Parts;
use callsift_reviews::Db;
use callsift_text::mask_id;
use rusqlite::{Connection, OptionalExtension, params};

use crate::app::Shared;
use crate::auth::Person;
use crate::error::ConsoleError;
use crate::notify::hmac;
use crate::page_error::PageError;

/// Begins what stands for an id.
const MARK: char = '~';
/// Digits of the hash.
const DIGITS: usize = 32;

/// The secret of this console's addresses.
#[derive(Clone)]
pub(crate) struct Addresses {
    key: String,
}

impl std::fmt::Debug for Addresses {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Addresses")
    }
}

impl Addresses {
    /// By this secret.
    pub(crate) fn new(key: String) -> Self {
        Self { key }
    }

    /// What names the call wherever a page is not read but followed: its id, unless that holds a number.
    pub(crate) fn handle(&self, call_id: &str) -> String {
        self.hidden(call_id).unwrap_or_else(|| call_id.to_owned())
    }

    fn hidden(&self, call_id: &str) -> Option<String> {
        if mask_id(call_id) == call_id {
            return None;
        }
        let hash = hmac(self.key.as_bytes(), call_id.as_bytes()).unwrap_or_default();
        Some(format!("{MARK}{}", hash.get(..DIGITS).unwrap_or_default()))
    }

    /// Enters into the catalogue what leads back to calls that are new there; to all, where the secret is another.
    ///
    /// # Errors
    /// The catalogue cannot be written.
    pub(crate) fn enter(&self, conn: &mut Connection) -> Result<(), ConsoleError> {
        let tx = conn.transaction()?;
        // The catalogue holds no secret.
        let print = hmac(self.key.as_bytes(), b"catalogue").unwrap_or_default();
        let known: Option<String> = tx.query_row("SELECT print FROM address_key", [], |r| r.get(0)).optional()?;
        if known.as_ref() != Some(&print) {
            tx.execute("DELETE FROM address_key", [])?;
            tx.execute("INSERT INTO address_key (print) VALUES (?1)", [&print])?;
            tx.execute("UPDATE calls SET address = NULL", [])?;
        }
        let new: Vec<(i64, String)> = tx
            .prepare("SELECT id, call_id FROM calls WHERE address IS NULL")?
            .query_map([], |r| Ok((r.get(0)?, r.get(1)?)))?
            .collect::<rusqlite::Result<_>>()?;
        for (id, call_id) in new {
            let address = self.hidden(&call_id).unwrap_or_default();
            tx.prepare_cached("UPDATE calls SET address = ?2 WHERE id = ?1")?.execute(params![id, address])?;
        }
        Ok(tx.commit()?)
    }
}

/// The id of the call that a handle names. An id that holds a number is one only for those who may see it: others could
/// try whether a customer called.
pub(crate) fn call_of(db: &Db, person: &Person, handle: &str) -> Result<Option<String>, PageError> {
    if handle.starts_with(MARK) {
        let sql = "SELECT call_id FROM cat.calls WHERE address = ?1";
        let found = db.connection().prepare_cached(sql)?.query_row([handle], |r| r.get(0)).optional()?;
        if found.is_some() {
            return Ok(found);
        }
    }
    let shown = person.sees_numbers() || mask_id(handle) == handle;
    Ok(shown.then(|| handle.to_owned()))
}

/// The id of the call that a page's address names.
#[derive(Debug)]
pub(crate) struct CallId(pub(crate) String);

impl FromRequestParts<Shared> for CallId {
    type Rejection = PageError;

    async fn from_request_parts(parts: &mut Parts, app: &Shared) -> Result<Self, PageError> {
        let Path(handle) = Path::<String>::from_request_parts(parts, app).await.map_err(|_| PageError::NotFound)?;
        if !handle.starts_with(MARK) && mask_id(&handle) == handle {
            return Ok(Self(handle));
        }
        let person = Person::from_request_parts(parts, app).await?;
        app.run(move |db| call_of(db, &person, &handle)?.map(Self).ok_or(PageError::NotFound)).await
    }
}

#[cfg(test)]
mod tests {
    use super::Addresses;

    #[test]
    fn ids_with_numbers_have_a_name_that_tells_nothing() {
        let (one, other) = (Addresses::new("one".to_owned()), Addresses::new("other".to_owned()));
        assert_eq!(one.handle("20261116-0042"), "20261116-0042");
        let id = "night/13912345678-a.wav";
        let handle = one.handle(id);
        assert!(handle.starts_with('~') && handle.len() == 33 && !handle.contains("139"), "{handle}");
        assert_eq!(handle, one.handle(id));
        assert_ne!(handle, one.handle("night/13912345679-a.wav"));
        assert_ne!(handle, other.handle(id), "nobody finds it by trying numbers");
    }
}
