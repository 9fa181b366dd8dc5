//! Guessing passwords is made slow: by account and by address.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

/// Failures that are free.
const FREE: u32 = 5;
/// Then so long a wait, doubled with each failure, in seconds.
const FIRST_WAIT_S: i64 = 5;
/// Up to a quarter of an hour.
const LONGEST_WAIT_S: i64 = 900;
/// Names that are remembered at most; the oldest go first.
const MOST: usize = 10_000;

/// Counts failures.
#[derive(Default)]
pub(crate) struct Limiter {
    failures: Mutex<HashMap<String, (u32, i64)>>,
}

impl Limiter {
    /// Seconds to wait before the next attempt for this name from this address; 0 for none.
    pub(crate) fn wait_s(&self, name: &str, from: IpAddr, now_us: i64) -> u64 {
        let failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        let left = |key: &String| {
            let (n, at_us) = failures.get(key).copied().unwrap_or((0, 0));
            (wait_for(n) - (now_us - at_us) / 1_000_000).max(0)
        };
        keys(name, from).iter().map(left).max().unwrap_or(0) as u64
    }

    /// Notes how an attempt went.
    pub(crate) fn note(&self, name: &str, from: IpAddr, ok: bool, now_us: i64) {
        let mut failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        for key in keys(name, from) {
            if ok {
                failures.remove(&key);
            } else {
                let entry = failures.entry(key).or_insert((0, now_us));
                *entry = (entry.0.saturating_add(1), now_us);
            }
        }
        if failures.len() > MOST {
            let before = now_us - LONGEST_WAIT_S * 1_000_000;
            failures.retain(|_, (_, at)| *at > before);
        }
    }
}

fn keys(name: &str, from: IpAddr) -> [String; 2] {
    // A name that is typed may be of any length.
    [format!("name {}", name.chars().take(64).collect::<String>()), format!("address {from}")]
}

fn wait_for(failures: u32) -> i64 {
    if failures < FREE { 0 } else { (FIRST_WAIT_S << (failures - FREE).min(16)).min(LONGEST_WAIT_S) }
}

#[cfg(test)]
mod tests {
    use super::Limiter;

    #[test]
    fn guessing_becomes_slow_and_success_forgives() {
        let limiter = Limiter::default();
        let (here, there) = ("127.0.0.1".parse().unwrap(), "127.0.0.2".parse().unwrap());
        for _ in 0..5 {
            assert_eq!(limiter.wait_s("li", here, 0), 0);
            limiter.note("li", here, false, 0);
        }
        assert_eq!(limiter.wait_s("li", there, 0), 5, "the account, from anywhere");
        assert_eq!(limiter.wait_s("wang", here, 0), 5, "the address, for any account");
        assert_eq!(limiter.wait_s("wang", there, 0), 0);
        assert_eq!(limiter.wait_s("li", here, 6_000_000), 0);
        limiter.note("li", here, false, 6_000_000);
        assert_eq!(limiter.wait_s("li", here, 6_000_000), 10);
        limiter.note("li", here, true, 20_000_000);
        assert_eq!(limiter.wait_s("li", here, 20_000_000), 0);
    }
}
