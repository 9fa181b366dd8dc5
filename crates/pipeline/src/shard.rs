//! Shares of a manifest: which process of several inspects a recording.

use std::fmt;
use std::str::FromStr;

use sha2::{Digest, Sha256};

/// Share `index` of `of`; written `0/4` to `3/4`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Share {
    /// From 0.
    pub index: u32,
    /// How many there are.
    pub of: u32,
}

impl Share {
    /// Whether a recording belongs to this share: by the SHA-256 of its id, so that every process says the same without
    /// asking the others.
    pub fn has(self, recording_id: &str) -> bool {
        let hash = Sha256::digest(recording_id.as_bytes());
        let number = hash.iter().take(8).fold(0u64, |number, byte| number << 8 | u64::from(*byte));
        number % u64::from(self.of.max(1)) == u64::from(self.index)
    }
}

impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.index, self.of)
    }
}

impl FromStr for Share {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = || format!("write I/N with I from 0 to N-1, such as 0/4, not `{text}`");
        let (index, of) = text.split_once('/').ok_or_else(wrong)?;
        let share = Self { index: index.parse().map_err(|_| wrong())?, of: of.parse().map_err(|_| wrong())? };
        // Numbers of parts are 32 bits; nobody has so many machines.
        if share.index < share.of && share.of <= 100_000 { Ok(share) } else { Err(wrong()) }
    }
}

#[cfg(test)]
mod tests {
    use super::Share;

    #[test]
    fn every_recording_belongs_to_one_share_and_shares_are_alike() {
        let shares: Vec<Share> = (0..7).map(|i| format!("{i}/7").parse().unwrap()).collect();
        let mut counts = [0usize; 7];
        for id in (0..7_000).map(|n| format!("call-{n}")) {
            let mine: Vec<usize> = (0..7).filter(|i| shares[*i].has(&id)).collect();
            assert_eq!(mine.len(), 1, "{id}");
            counts[mine[0]] += 1;
        }
        // 1,000 each, give or take four standard deviations.
        assert!(counts.iter().all(|n| (880..1120).contains(n)), "{counts:?}");
        // A fixed point: an id keeps its share for ever, or a night that was begun would do calls of others.
        assert_eq!((0..7).find(|i| shares[*i].has("c05")), Some(FIXED));
    }

    /// First 16 digits of SHA-256 of `c05`, modulo 7, by another program.
    const FIXED: usize = 5;

    #[test]
    fn what_is_no_share_is_refused() {
        for text in ["", "1", "4/4", "-1/4", "1/0", "a/b", "0/100001"] {
            assert!(text.parse::<Share>().is_err(), "{text}");
        }
        assert_eq!("3/4".parse::<Share>().unwrap().to_string(), "3/4");
    }
}
