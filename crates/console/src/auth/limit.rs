//! Guessing passwords is made slow: by account and address together, lest anybody locks others out; far more generously by
//! address, since a whole centre may come from one, and by account, since guesses may come from many. A browser that its owner
//! logged in with before counts for itself alone.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

/// Attempts for one account that are free.
const FREE: u32 = 5;
/// Then so long a wait, doubled with each failure, in seconds.
const FIRST_WAIT_S: i64 = 5;
/// Up to a quarter of an hour.
const LONGEST_WAIT_S: i64 = 900;
/// Attempts from one address that are free, whatever the accounts.
const FREE_OF_ADDRESS: u32 = 100;
/// Attempts for one account that are free, from whatever addresses.
const FREE_OF_NAME: u32 = 50;
/// One of these is forgotten after so many seconds.
const FORGOTTEN_S: i64 = 10;
/// Names and addresses that are remembered at most; the oldest go first.
const MOST: usize = 10_000;

/// Attempts and the moment of the last, microseconds since the start: clocks on walls go back.
#[derive(Debug, Clone, Copy, Default)]
struct Count {
    attempts: u32,
    at_us: i64,
}

/// Counts attempts that did not succeed, and those that are still looked at.
pub(crate) struct Limiter {
    counts: Mutex<Counts>,
    start: Instant,
}

impl Default for Limiter {
    fn default() -> Self {
        Self { counts: Mutex::default(), start: Instant::now() }
    }
}

#[derive(Default)]
struct Counts {
    /// By account and address, or by a known browser of the account.
    pairs: HashMap<(String, Option<IpAddr>), Count>,
    names: HashMap<String, Count>,
    addresses: HashMap<IpAddr, Count>,
}

impl Limiter {
    /// Counts an attempt before the password is looked at, so that guesses made at once count as much as guesses in a row.
    /// `device` tells a browser that the account's owner logged in with before.
    ///
    /// # Errors
    /// So many seconds are to pass first; then nothing is counted.
    pub(crate) fn begin(&self, name: &str, from: IpAddr, device: Option<&str>) -> Result<(), u64> {
        let now_us = i64::try_from(self.start.elapsed().as_micros()).unwrap_or(i64::MAX);
        self.begin_at(name, from, device, now_us)
    }

    fn begin_at(&self, name: &str, from: IpAddr, device: Option<&str>, now_us: i64) -> Result<(), u64> {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let Counts { pairs, names, addresses } = &mut *counts;
        let pair = pair(name, from, device);
        let of_pair = pairs.get(&pair).copied().unwrap_or_default();
        let of_name = faded(names.get(&key(name)).copied().unwrap_or_default(), now_us);
        let of_address = faded(addresses.get(&from).copied().unwrap_or_default(), now_us);
        let crowded = of_address.attempts >= FREE_OF_ADDRESS || of_name.attempts >= FREE_OF_NAME;
        // What strangers do is not the owner's affair.
        let of_others = if crowded && device.is_none() { FORGOTTEN_S } else { 0 };
        let wait = of_pair.wait_s(now_us).max(of_others);
        if wait > 0 {
            return Err(wait.unsigned_abs());
        }
        pairs.insert(pair, of_pair.and_one(now_us));
        names.insert(key(name), Count { attempts: of_name.attempts + 1, ..of_name });
        addresses.insert(from, Count { attempts: of_address.attempts + 1, ..of_address });
        shrink(pairs, now_us);
        shrink(names, now_us);
        shrink(addresses, now_us);
        Ok(())
    }

    /// The attempt was right: what was counted for the account from there is forgiven, and of account and address this one
    /// attempt alone. Whoever has an account of the own must not buy guesses at others' with it.
    pub(crate) fn succeeded(&self, name: &str, from: IpAddr, device: Option<&str>) {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        counts.pairs.remove(&pair(name, from, device));
        let Counts { names, addresses, .. } = &mut *counts;
        for count in names.get_mut(&key(name)).into_iter().chain(addresses.get_mut(&from)) {
            count.attempts = count.attempts.saturating_sub(1);
        }
    }
}

fn pair(name: &str, from: IpAddr, device: Option<&str>) -> (String, Option<IpAddr>) {
    device.map_or_else(|| (key(name), Some(from)), |device| (device.to_owned(), None))
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
            assert_eq!(limiter.begin_at("li", here, None, 0), Ok(()));
        }
        assert_eq!(limiter.begin_at("li", here, None, 0), Err(5));
        assert_eq!(limiter.begin_at("li", there, None, 0), Ok(()), "nobody is locked out from elsewhere");
        assert_eq!(limiter.begin_at("li", here, Some("own browser"), 0), Ok(()), "nor the owner who sits there");
        assert_eq!(limiter.begin_at("wang", here, None, 0), Ok(()), "another account suffers nothing");
        assert_eq!(limiter.begin_at("li", here, None, 6_000_000), Ok(()));
        assert_eq!(limiter.begin_at("li", here, None, 6_000_000), Err(10));
        assert_eq!(limiter.begin_at("li", here, None, 20_000_000), Ok(()));
        limiter.succeeded("li", here, None);
        assert_eq!(limiter.begin_at("li", here, None, 20_000_000), Ok(()));
    }

    #[test]
    fn an_address_may_err_often_and_an_own_success_buys_no_guesses() {
        let limiter = Limiter::default();
        let (here, there) = places();
        for i in 0..FREE_OF_ADDRESS {
            assert_eq!(limiter.begin_at(&format!("name {i}"), here, None, 1), Ok(()));
            if i == 50 {
                for _ in 0..20 {
                    assert_eq!(limiter.begin_at("own", here, None, 1), Ok(()));
                    limiter.succeeded("own", here, None);
                }
            }
        }
        assert_eq!(limiter.begin_at("own", here, None, 1), Err(10));
        assert_eq!(limiter.begin_at("own", there, None, 1), Ok(()));
        assert_eq!(limiter.begin_at("other", here, None, 10_000_002), Ok(()), "one is forgotten");
        assert_eq!(limiter.begin_at("third", here, None, 10_000_002), Err(10), "and only one");
    }

    #[test]
    fn guesses_from_many_places_stop_strangers_and_not_the_owner() {
        let limiter = Limiter::default();
        let guess = |i: u8| limiter.begin_at("li", IpAddr::from([10, 0, 0, i]), None, 1);
        assert!((0..50).all(|i| guess(i).is_ok()));
        assert_eq!(guess(60), Err(10));
        let (here, _) = places();
        assert_eq!(limiter.begin_at("li", here, Some("d"), 1), Ok(()));
        // A stolen browser guesses as slowly as anybody.
        assert!((0..4).all(|_| limiter.begin_at("li", here, Some("d"), 1).is_ok()));
        assert_eq!(limiter.begin_at("li", here, Some("d"), 1), Err(5));
    }
}
