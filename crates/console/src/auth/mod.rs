//! Who asks, and whether the question came from our own page.
//!
//! A session is a random token in a cookie that scripts cannot read (`HttpOnly`, `SameSite=Lax`). Whatever changes something
//! is a POST that must come from this origin and carry the session's CSRF token: [`Guarded`] is the only way to read a form.

mod guard;
mod limit;
mod person;

pub(crate) use guard::{Guarded, same_origin};
pub(crate) use limit::Limiter;
#[cfg(test)]
pub(crate) use person::Waiting;
pub(crate) use person::{COOKIE, DEVICE, Person, cookie};
