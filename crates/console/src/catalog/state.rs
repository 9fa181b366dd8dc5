//! What has become of a call. Whoever hears one a second time, blindly, sees the own review wherever others see the first: a
//! duplicate must not be told from other calls by a list that it is missing from, or that it stays in.

/// Whose eyes a list is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reader {
    /// Somebody who never does a blind duplicate.
    Knowing,
    /// Somebody who may, by the number of the parameter that holds the login name.
    Blind(usize),
}

impl Reader {
    /// The review of the call of this table that the reader does or sees: 1 where it is a blind duplicate, else 0. The list of the
    /// reader's duplicates is made once for a statement.
    pub(super) fn slot(self, table: &str) -> String {
        match self {
            Self::Knowing => "0".to_owned(),
            Self::Blind(at) => {
                format!("({table}.call_id IN (SELECT b.call_id FROM blind_reviews b WHERE b.name = ?{at}))")
            }
        }
    }
}

/// What has become of a call, as one reader may know it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum State {
    /// Nobody finished it.
    #[default]
    Open,
    /// A form was handed in.
    Done,
    /// A person confirmed a violation and handed it in.
    Confirmed,
    /// The machine found something.
    Flagged,
    /// Kept for training.
    Kept,
    /// The machine understood it.
    Understood,
    /// The machine failed on it.
    Failed,
    /// All.
    All,
}

impl State {
    /// All, with their names in addresses.
    pub(crate) const ALL: [(Self, &str); 8] = [
        (Self::Open, "open"),
        (Self::Done, "done"),
        (Self::Confirmed, "confirmed"),
        (Self::Flagged, "flagged"),
        (Self::Kept, "kept"),
        (Self::Understood, "understood"),
        (Self::Failed, "failed"),
        (Self::All, "all"),
    ];

    /// Reads the name; the default where it is none.
    pub(crate) fn parse(name: &str) -> Self {
        Self::ALL.into_iter().find(|(_, n)| *n == name).map_or(Self::default(), |(s, _)| s)
    }

    /// Condition on a call `c`, for the reader of this review of it.
    pub(super) fn sql(self, reader: Reader) -> String {
        let slot = reader.slot("c");
        let handed_in = format!("EXISTS (SELECT 1 FROM forms l WHERE l.call_id = c.call_id AND l.slot = {slot})");
        match self {
            Self::Open => format!("c.status = 'ok' AND c.hits > 0 AND NOT {handed_in}"),
            Self::Done => handed_in,
            Self::Confirmed => format!(
                "EXISTS (SELECT 1 FROM published_verdicts v
                         WHERE v.call_id = c.call_id AND v.slot = {slot} AND v.verdict = 'confirmed')"
            ),
            // From what is kept to its calls, which are few, and not over all calls.
            Self::Kept => format!(
                "c.call_id IN (SELECT g.call_id FROM current_forms g WHERE g.keep = 1 AND g.slot = {})",
                reader.slot("g")
            ),
            Self::Flagged => "c.status = 'ok' AND c.hits > 0".to_owned(),
            Self::Understood => "c.status = 'ok'".to_owned(),
            Self::Failed => "c.status = 'failed'".to_owned(),
            Self::All => "1".to_owned(),
        }
    }
}
