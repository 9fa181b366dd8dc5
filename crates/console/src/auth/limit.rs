//! Guessing passwords is made slow: by account, and far more generously by address, since a whole centre may come from one.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

/// Attempts for one account that are free.
const FREE: u32 = 5;
/// Then so long a wait, doubled with each failure, in seconds.
const FIRST_WAIT_S: i64 = 5;
/// Up to a quarter of an hour.
const LONGEST_WAIT_S: i64 = 900;
/// Attempts from one address that are free, whatever the accounts.
const FREE_OF_ADDRESS: u32 = 100;
/// One of them is forgotten after so many seconds.
const FORGOTTEN_S: i64 = 10;
/// Names and addresses that are remembered at most; the oldest go first.
const MOST: usize = 10_000;

/// Attempts and the moment of the last, microseconds.
#[derive(Debug, Clone, Copy, Default)]
struct Count {
    attempts: u32,
    at_us: i64,
}

/// Counts attempts that did not succeed, and those that are still looked at.
#[derive(Default)]
pub(crate) struct Limiter {
    counts: Mutex<Counts>,
}

#[derive(Default)]
struct Counts {
    names: HashMap<String, Count>,
    addresses: HashMap<IpAddr, Count>,
}

impl Limiter {
    /// Counts an attempt before the password is looked at, so that guesses made at once count as much as guesses in a row.
    ///
    /// # Errors
    /// So many seconds are to pass first; then nothing is counted.
    pub(crate) fn begin(&self, name: &str, from: IpAddr, now_us: i64) -> Result<(), u64> {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let Counts { names, addresses } = &mut *counts;
        let of_name = names.get(&key(name)).copied().unwrap_or_default();
        let of_address = faded(addresses.get(&from).copied().unwrap_or_default(), now_us);
        let wait = of_name.wait_s(now_us).max(if of_address.attempts < FREE_OF_ADDRESS { 0 } else { FORGOTTEN_S });
        if wait > 0 {
            return Err(wait.unsigned_abs());
        }
        names.insert(key(name), of_name.and_one(now_us));
        addresses.insert(from, Count { attempts: of_address.attempts + 1, ..of_address });
        shrink(names, now_us);
        shrink(addresses, now_us);
        Ok(())
    }

    /// The attempt was right: what was counted for the account is forgiven, and of the address this one attempt alone.
    /// Whoever has an account of the own must not buy guesses at others' with it.
    pub(crate) fn succeeded(&self, name: &str, from: IpAddr) {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        counts.names.remove(&key(name));
        if let Some(count) = counts.addresses.get_mut(&from) {
            count.attempts = count.attempts.saturating_sub(1);
        }
    }
}

impl Count {
    fn and_one(self, now_us: i64) -> Self {
        Self { attempts: self.attempts.saturating_add(1), at_us: now_us }
    }

    /// Seconds until the account may be tried again.
    fn wait_s(self, now_us: i64) -> i64 {
        (wait_for(self.attempts) - (now_us - self.at_us) / 1_000_000).max(0)
    }
}

/// A name that is typed may be of any length.
fn key(name: &str) -> String {
    name.chars().take(64).collect()
}

/// The count of an address as time has left it. Its moment is that up to which attempts were forgotten.
fn faded(count: Count, now_us: i64) -> Count {
    let forgotten = (now_us - count.at_us).max(0) / (FORGOTTEN_S * 1_000_000);
    match u32::try_from(forgotten) {
        Ok(n) if n < count.attempts => {
            Count { attempts: count.attempts - n, at_us: count.at_us + forgotten * FORGOTTEN_S * 1_000_000 }
        }
        _ => Count { attempts: 0, at_us: now_us },
    }
}

fn shrink<K: Eq + std::hash::Hash>(counts: &mut HashMap<K, Count>, now_us: i64) {
    if counts.len() > MOST {
        counts.retain(|_, count| count.at_us > now_us - LONGEST_WAIT_S * 1_000_000);
    }
}

fn wait_for(failures: u32) -> i64 {
    if failures < FREE { 0 } else { (FIRST_WAIT_S << (failures - FREE).min(16)).min(LONGEST_WAIT_S) }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use super::{FREE_OF_ADDRESS, Limiter};

    fn places() -> (IpAddr, IpAddr) {
        ("127.0.0.1".parse().unwrap(), "127.0.0.2".parse().unwrap())
    }

    #[test]
    fn guessing_becomes_slow_and_success_forgives() {
        let limiter = Limiter::default();
        let (here, there) = places();
        for _ in 0..5 {
            // Nothing is known yet of how the ones before went: they may all be under way.
            assert_eq!(limiter.begin("li", here, 0), Ok(()));
        }
        assert_eq!(limiter.begin("li", there, 0), Err(5), "the account, from anywhere");
        assert_eq!(limiter.begin("wang", here, 0), Ok(()), "another account suffers nothing");
        assert_eq!(limiter.begin("li", here, 6_000_000), Ok(()));
        assert_eq!(limiter.begin("li", here, 6_000_000), Err(10));
        assert_eq!(limiter.begin("li", here, 20_000_000), Ok(()));
        limiter.succeeded("li", here);
        assert_eq!(limiter.begin("li", here, 20_000_000), Ok(()));
    }

    #[test]
    fn an_address_may_err_often_and_an_own_success_buys_no_guesses() {
        let limiter = Limiter::default();
        let (here, there) = places();
        for i in 0..FREE_OF_ADDRESS {
            assert_eq!(limiter.begin(&format!("name {i}"), here, 1), Ok(()));
            if i == 50 {
                for _ in 0..20 {
                    assert_eq!(limiter.begin("own", here, 1), Ok(()));
                    limiter.succeeded("own", here);
                }
            }
        }
        assert_eq!(limiter.begin("own", here, 1), Err(10));
        assert_eq!(limiter.begin("own", there, 1), Ok(()));
        assert_eq!(limiter.begin("other", here, 10_000_002), Ok(()), "one is forgotten");
        assert_eq!(limiter.begin("third", here, 10_000_002), Err(10), "and only one");
    }
}
