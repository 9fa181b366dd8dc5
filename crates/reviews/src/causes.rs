//! Causes (原因) of rejections and doubts: what went wrong with a hit, by a code that can be counted.

use crate::verdicts::Judgement;

/// Why a hit is none, or cannot be decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Cause {
    /// 识别错误: the words were not said so.
    Misheard,
    /// 说话人错: the other one said it.
    WrongSpeaker,
    /// 语境允许: quoted, negated, joked or excused.
    Context,
    /// 规则过宽: the rule takes in what it should not.
    Rule,
    /// 其他: whatever the remark says.
    Other,
}

impl Cause {
    /// All of them, in the order in which they are offered.
    pub const ALL: [Self; 5] = [Self::Misheard, Self::WrongSpeaker, Self::Context, Self::Rule, Self::Other];

    /// Name in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Misheard => "misheard",
            Self::WrongSpeaker => "wrong_speaker",
            Self::Context => "context",
            Self::Rule => "rule",
            Self::Other => "other",
        }
    }

    /// Reads the name back.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|c| c.as_str() == name)
    }
}

impl Judgement {
    /// Whether such a verdict may say why: what is confirmed or withdrawn has no cause.
    pub fn has_cause(self) -> bool {
        matches!(self, Self::Rejected | Self::Unsure)
    }
}

#[cfg(test)]
mod tests {
    use super::Cause;
    use crate::claims::Slot;
    use crate::db::tests::centre;
    use crate::error::{Invalid, ReviewsError};
    use crate::verdicts::tests::verdict;
    use crate::verdicts::{Judgement, NewVerdict};

    #[test]
    fn a_later_cause_is_a_row_and_stands() {
        let (_dir, mut db) = centre();
        db.claim("c1", Slot::First, 2, 0, 100).unwrap();
        let first = db.record(&verdict(Judgement::Rejected, None, 1)).unwrap();
        assert_eq!(db.verdict(first).unwrap().cause, None, "nobody need say so");
        let mut before = first;
        for cause in Cause::ALL {
            let why = NewVerdict { cause: Some(cause), ..verdict(Judgement::Rejected, Some(before), 2) };
            before = db.record(&why).unwrap();
            // By the view, which was made before there was such a column.
            assert_eq!(db.verdicts_of("c1", Slot::First).unwrap()[0].cause, Some(cause));
            assert_eq!(Cause::parse(cause.as_str()), Some(cause));
        }
        assert_eq!(db.history().unwrap().len(), 1 + Cause::ALL.len());
    }

    #[test]
    fn history_with_causes_cannot_be_touched_and_holds_no_nonsense() {
        let (_dir, mut db) = centre();
        db.claim("c1", Slot::First, 2, 0, 100).unwrap();
        for judgement in [Judgement::Confirmed, Judgement::Withdrawn] {
            let wrong = NewVerdict { cause: Some(Cause::Other), ..verdict(judgement, None, 1) };
            assert!(matches!(db.record(&wrong), Err(ReviewsError::Invalid(Invalid::Cause))), "{judgement:?}");
        }
        let why = NewVerdict { cause: Some(Cause::Context), ..verdict(Judgement::Unsure, None, 1) };
        db.record(&why).unwrap();
        let conn = db.connection();
        for sql in ["UPDATE verdicts SET cause = 'rule'", "UPDATE verdicts SET cause = NULL", "DELETE FROM verdicts"] {
            let refused = conn.execute(sql, []).unwrap_err().to_string();
            assert!(refused.contains("append-only"), "{refused}");
        }
        let copy = "INSERT INTO verdicts (call_id, slot, rule_id, place, source, verdict, note, ruleset_hash, user_id, at_us, cause)
                    VALUES ('c1', 0, 'r', 'p', 'finding', ?1, '', 'h', 2, 1, ?2)";
        assert!(
            conn.execute(copy, ["rejected", "whatever"]).is_err() && conn.execute(copy, ["confirmed", "rule"]).is_err()
        );
        assert_eq!(conn.execute(copy, ["rejected", "rule"]).unwrap(), 1);
    }
}
