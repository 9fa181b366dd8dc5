//! How many of something: exactly, or between two numbers.

use callsift_text::Quantity;

/// A count in thousandths, so that halves compare exactly; 五六条 lies between 5,000 and 6,000.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Amount {
    /// At least.
    pub least: i64,
    /// At most.
    pub most: i64,
}

impl Amount {
    /// One number.
    pub fn exactly(value: f64) -> Self {
        let value = (value * 1000.0).round() as i64;
        Self { least: value, most: value }
    }

    /// All of them together.
    pub fn sum(all: &[Self]) -> Self {
        Self { least: all.iter().map(|a| a.least).sum(), most: all.iter().map(|a| a.most).sum() }
    }

    /// True where both may be the same number: whoever orders 五六条 may be answered with 五条, 六条 or 五六条.
    pub fn agrees(self, other: Self) -> bool {
        self.least <= other.most && other.least <= self.most
    }
}

impl From<&Quantity> for Amount {
    fn from(q: &Quantity) -> Self {
        Self::from((q.value, q.most))
    }
}

impl From<(f64, f64)> for Amount {
    fn from((least, most): (f64, f64)) -> Self {
        Self { least: Self::exactly(least).least, most: Self::exactly(most).most }
    }
}

impl std::fmt::Display for Amount {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (least, most) = (self.least as f64 / 1000.0, self.most as f64 / 1000.0);
        if self.least == self.most { write!(f, "{least}") } else { write!(f, "{least}–{most}") }
    }
}
