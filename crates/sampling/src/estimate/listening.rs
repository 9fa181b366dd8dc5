//! What choosing calls by risk saves: calls with a confirmed violation per hour of listening, beside calls drawn by chance.

use serde::{Deserialize, Serialize};

use super::interval::Interval;
use super::tail::share_limits;

/// Calls that were chosen in one way and heard.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Listening {
    /// Calls.
    pub calls: usize,
    /// Those of them in which a person confirmed a violation.
    pub confirmed: usize,
    /// Minutes that hearing them took.
    pub minutes: f64,
}

impl Listening {
    /// Calls with a confirmed violation per hour; nothing where nobody listened.
    pub fn per_hour(&self) -> Option<f64> {
        (self.minutes > 0.0).then(|| self.confirmed as f64 * 60.0 / self.minutes)
    }
}

/// Two ways of choosing beside each other.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Gain {
    /// Calls that the queue's order or a draw by risk chose.
    pub chosen: Listening,
    /// Calls that chance chose.
    pub chance: Listening,
    /// How many times as many an hour of the first finds; nothing where chance found none.
    pub ratio: Option<f64>,
    /// 95 % limits of that; the upper one may be missing.
    pub low: f64,
    /// Upper limit; nothing where there is none, because chance found no violation at all.
    pub high: Option<f64>,
}

impl Gain {
    /// Compares. Nothing where one of the two was not listened to, or where neither found anything.
    ///
    /// Given how many were found together, the number found by one of two Poisson processes is binomial (Przyborowski and
    /// Wilenski 1940): limits of that share (mid-P) are limits of the ratio. A call counts once however much is wrong with it,
    /// which a Poisson process only overstates: the limits are rather too wide.
    pub fn of(chosen: Listening, chance: Listening) -> Option<Self> {
        let found = (chosen.confirmed + chance.confirmed) as f64;
        if !(chosen.minutes > 0.0 && chance.minutes > 0.0 && found > 0.0) {
            return None;
        }
        let times = |share: f64| (share < 1.0).then(|| share / (1.0 - share) * chance.minutes / chosen.minutes);
        let Interval { low, high } = limits(found, chosen.confirmed as f64);
        let ratio = times(chosen.confirmed as f64 / found);
        Some(Self { chosen, chance, ratio, low: times(low).unwrap_or(0.0), high: times(high) })
    }

    /// Minutes saved at a ratio: how much longer chance would have to be listened to for as many, less what it took.
    fn saved_at(&self, ratio: f64) -> f64 {
        self.chosen.minutes * (ratio - 1.0)
    }

    /// Minutes saved; nothing where chance found none.
    pub fn saved_minutes(&self) -> Option<f64> {
        self.ratio.map(|r| self.saved_at(r))
    }

    /// 95 % limits of the minutes saved, negative ones are lost; the upper one may be missing.
    pub fn saved_limits(&self) -> (f64, Option<f64>) {
        (self.saved_at(self.low), self.high.map(|r| self.saved_at(r)))
    }

    /// What is known of the time saved.
    pub fn saved(&self) -> Saved {
        match (self.saved_minutes(), self.saved_limits()) {
            (Some(minutes), (low, Some(high))) => Saved::About { minutes, low, high },
            (_, (minutes, _)) => Saved::AtLeast { minutes },
        }
    }

    /// All of it in one Chinese sentence.
    pub fn sentence(&self) -> String {
        let rate = |l: &Listening| format!("{:.1}", l.per_hour().unwrap_or(0.0));
        format!(
            "按风险挑选 {} 通，每听一小时有 {} 通属实；随机抽听 {} 通，每小时 {} 通。{}",
            self.chosen.calls,
            rate(&self.chosen),
            self.chance.calls,
            rate(&self.chance),
            self.saved().in_chinese(),
        )
    }
}

/// What is known of the minutes saved; negative ones are lost. The words of a language are made here alone, so that no two
/// pages say different things where a limit is missing.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Saved {
    /// About so many, with 95 % limits.
    About {
        /// Estimate.
        minutes: f64,
        /// Lower limit.
        low: f64,
        /// Upper limit.
        high: f64,
    },
    /// At least so many, right with 97.5 %: chance found too little for an estimate with an upper limit.
    AtLeast {
        /// Lower limit.
        minutes: f64,
    },
}

impl Saved {
    /// Whether listening by risk may as well have saved nothing.
    pub fn is_doubtful(self) -> bool {
        let (Self::About { low, .. } | Self::AtLeast { minutes: low }) = self;
        low <= 0.0
    }

    /// In Chinese, without a full stop.
    pub fn in_chinese(self) -> String {
        let saved = match self {
            Self::About { minutes, low, high } => {
                format!("约省 {} 小时（95% 区间 {} 到 {}）", hours(minutes), hours(low), hours(high))
            }
            Self::AtLeast { minutes } => format!("有 97.5% 的把握至少省 {} 小时", hours(minutes)),
        };
        let doubt = if self.is_doubtful() { "；还不能说省了时间" } else { "" };
        format!("找到同样多的问题，比随机听{saved}{doubt}")
    }

    /// In English, without a full stop.
    pub fn in_english(self) -> String {
        let saved = match self {
            Self::About { minutes, low, high } => {
                format!("about {} hours saved (95 %: {} to {})", hours(minutes), hours(low), hours(high))
            }
            Self::AtLeast { minutes } => format!("at least {} hours saved, 97.5 % sure", hours(minutes)),
        };
        let doubt = if self.is_doubtful() { "; no saving is proved yet" } else { "" };
        format!("Against finding as many by listening at random: {saved}{doubt}")
    }
}

/// Hours of minutes, as they are shown.
fn hours(minutes: f64) -> String {
    format!("{:.1}", minutes / 60.0)
}

fn limits(n: f64, y: f64) -> Interval {
    let (low, high) = share_limits(n, y, 0.025);
    // With every find on one side the other side's share may be nothing at all.
    Interval { low: if y <= 0.0 { 0.0 } else { low }, high: if y >= n { 1.0 } else { high } }
}

#[cfg(test)]
mod tests {
    use super::{Gain, Listening, Saved};

    fn heard(calls: usize, confirmed: usize, minutes: f64) -> Listening {
        Listening { calls, confirmed, minutes }
    }

    #[test]
    fn twice_as_many_an_hour_saves_as_much_as_was_heard() {
        let gain = Gain::of(heard(200, 100, 300.0), heard(100, 25, 150.0)).unwrap();
        assert!((gain.ratio.unwrap() - 2.0).abs() < 1e-9);
        assert!((gain.saved_minutes().unwrap() - 300.0).abs() < 1e-9);
        let (low, high) = gain.saved_limits();
        assert!(low > 0.0 && low < 300.0 && high.unwrap() > 300.0, "{low} {high:?}");
        assert!(!gain.sentence().contains("还不能说"), "{}", gain.sentence());
    }

    #[test]
    fn few_finds_say_little_and_none_by_chance_give_no_upper_limit() {
        let few = Gain::of(heard(5, 2, 10.0), heard(5, 1, 10.0)).unwrap();
        assert!(few.saved_limits().0 < 0.0 && few.sentence().contains("还不能说"));
        let none = Gain::of(heard(40, 20, 60.0), heard(40, 0, 120.0)).unwrap();
        assert!(none.ratio.is_none() && none.high.is_none() && none.low > 1.0, "{none:?}");
        assert!(none.sentence().contains("至少省"));
        // Both languages say the same of what is missing.
        assert!(matches!(none.saved(), Saved::AtLeast { minutes } if minutes > 0.0));
        assert!(none.saved().in_english().contains("at least") && !none.saved().is_doubtful());
        assert!(matches!(few.saved(), Saved::About { .. }) && few.saved().in_english().contains("no saving is proved"));
        assert!(Gain::of(heard(0, 0, 0.0), heard(9, 3, 9.0)).is_none());
        assert!(Gain::of(heard(9, 0, 9.0), heard(9, 0, 9.0)).is_none());
    }

    /// 4,000 pairs of samples at a known ratio of rates: the limits hold it in 94 to 97 of a hundred.
    #[test]
    fn limits_hold_what_they_say() {
        let (mut state, mut held, mut told) = (1_u64, 0, 0);
        let mut uniform = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 11) as f64 / (1_u64 << 53) as f64
        };
        let mut sample = |calls: usize, share: f64| (0..calls).filter(|_| uniform() < share).count();
        // A fifth of the chosen calls of one minute, a twentieth of three minutes' calls by chance: 12 times as many an hour.
        for _ in 0..4_000 {
            let (a, b) = (sample(150, 0.20), sample(120, 0.05));
            let Some(gain) = Gain::of(heard(150, a, 150.0), heard(120, b, 360.0)) else { continue };
            told += 1;
            held += usize::from(gain.low <= 12.0 && gain.high.is_none_or(|h| h >= 12.0));
        }
        let share = held as f64 / told as f64;
        assert!((0.94..=0.985).contains(&share), "{share}");
    }
}
