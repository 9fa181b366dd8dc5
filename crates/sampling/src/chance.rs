//! Chance that can be checked: every decision is an order by SHA-256.

use sha2::{Digest, Sha256};

use crate::frame::Frame;

/// What decides a draw: a seed and a frame.
#[derive(Debug, Clone, Copy)]
pub struct Chance<'a> {
    seed: &'a str,
    frame_hash: &'a str,
}

impl<'a> Chance<'a> {
    /// Chance of a seed over a frame.
    pub fn new(seed: &'a str, frame: &'a Frame) -> Self {
        Self { seed, frame_hash: frame.hash() }
    }

    /// The ticket of something in a decision: SHA-256 of `seed`, hash of the frame, `decision` and `what`, each followed by
    /// a zero byte. Lower tickets are drawn first.
    pub fn ticket(&self, decision: &str, what: &str) -> [u8; 32] {
        let mut hasher = Sha256::new();
        for part in [self.seed, self.frame_hash, decision, what] {
            hasher.update(part.as_bytes());
            hasher.update([0]);
        }
        hasher.finalize().into()
    }

    /// Items in the order of their tickets: the first N are a simple random sample of N.
    pub fn shuffled<T>(
        &self,
        decision: &str,
        items: impl IntoIterator<Item = T>,
        name: impl Fn(&T) -> String,
    ) -> Vec<T> {
        let mut with_tickets: Vec<([u8; 32], T)> =
            items.into_iter().map(|item| (self.ticket(decision, &name(&item)), item)).collect();
        with_tickets.sort_by_key(|(ticket, _)| *ticket);
        with_tickets.into_iter().map(|(_, item)| item).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::Chance;
    use crate::frame::Frame;
    use crate::frame::tests::call;

    #[test]
    fn the_same_seed_and_frame_give_the_same_order_and_others_do_not() {
        let frame = Frame::new(vec![call("1", "2026-11-02", 500, 60)]);
        let names = || (0..50).map(|i| i.to_string());
        let order = |seed: &str| Chance::new(seed, &frame).shuffled("x", names(), Clone::clone);
        assert_eq!(order("2026-11"), order("2026-11"));
        assert_ne!(order("2026-11"), order("2026-12"));
    }

    #[test]
    fn every_item_comes_first_about_equally_often() {
        let frame = Frame::new(Vec::new());
        let mut first = [0; 4];
        for seed in 0..4000 {
            let seed = seed.to_string();
            let order = Chance::new(&seed, &frame).shuffled("x", 0..4usize, ToString::to_string);
            first[order[0]] += 1;
        }
        assert!(first.iter().all(|n| (900..1100).contains(n)), "{first:?}");
    }
}
