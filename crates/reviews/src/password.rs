//! Passwords: argon2id (RFC 9106), random ones for new users, and tokens.

use argon2::password_hash::phc::PasswordHash;
use argon2::{Argon2, PasswordHasher, PasswordVerifier};
use sha2::{Digest, Sha256};

use crate::error::{Invalid, ReviewsError};

/// Shortest password that is taken.
pub const MIN_CHARS: usize = 10;

/// Hashes a password with argon2id at the crate's defaults (19 MiB, 2 passes: OWASP's first choice), with a random salt.
///
/// # Errors
/// The password is too short, or the system gives no random bytes.
pub fn hash(password: &str) -> Result<String, ReviewsError> {
    if password.chars().count() < MIN_CHARS {
        return Err(Invalid::PasswordShort { min: MIN_CHARS }.into());
    }
    let hash = Argon2::default().hash_password(password.as_bytes());
    hash.map(|h| h.to_string()).map_err(|e| ReviewsError::Secret(e.to_string()))
}

/// A hash that no password has.
const NOBODY: &str = "$argon2id$v=19$m=19456,t=2,p=1$bm9ib2R5IGF0IGFsbA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// Whether a password belongs to a hash. A broken hash belongs to none. Without a hash, because nobody has that name, the
/// answer is no after the same time, so that names cannot be guessed by the clock.
pub fn matches(password: &str, hash: Option<&str>) -> bool {
    PasswordHash::new(hash.unwrap_or(NOBODY))
        .is_ok_and(|h| Argon2::default().verify_password(password.as_bytes(), &h).is_ok())
}

/// 32 random bytes in hex: for sessions and CSRF tokens.
///
/// # Errors
/// The system gives no random bytes.
pub fn random_token() -> Result<String, ReviewsError> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(|e| ReviewsError::Secret(e.to_string()))?;
    Ok(callsift_core::hex(&bytes))
}

/// A random password that is easily typed: sixteen letters and digits without those that look alike.
///
/// # Errors
/// The system gives no random bytes.
pub fn random_password() -> Result<String, ReviewsError> {
    // 32 signs, so that the lowest five bits of a random byte are a fair choice.
    const SIGNS: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(|e| ReviewsError::Secret(e.to_string()))?;
    Ok(bytes.iter().map(|b| char::from(SIGNS[usize::from(b & 31)])).collect())
}

/// SHA-256 of a token in hex: what is kept of it.
pub fn token_hash(token: &str) -> String {
    callsift_core::hex(&Sha256::digest(token.as_bytes()))
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_password_belongs_to_its_own_hash_only() {
        let password = super::random_password().unwrap();
        let hash = super::hash(&password).unwrap();
        assert!(hash.starts_with("$argon2id$"));
        assert!(super::matches(&password, Some(&hash)));
        assert!(!super::matches("something else", Some(&hash)) && !super::matches(&password, Some("broken")));
        assert!(super::hash("short").is_err());
    }

    #[test]
    fn nobody_takes_as_long_as_somebody() {
        let nobody = argon2::password_hash::phc::PasswordHash::new(super::NOBODY).unwrap();
        let somebody = super::hash("a good password").unwrap();
        let somebody = argon2::password_hash::phc::PasswordHash::new(&somebody).unwrap();
        assert_eq!((nobody.algorithm, nobody.params), (somebody.algorithm, somebody.params));
        assert!(!super::matches("a good password", None));
    }
}
