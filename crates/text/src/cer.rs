//! Character error rate.

use crate::normalize::{NormalizedText, Normalizer, Step};

/// Counts of the cheapest edit from reference to hypothesis.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct EditCounts {
    /// Substituted, deleted and inserted characters together (Levenshtein distance).
    pub edits: usize,
    /// Characters of the reference.
    pub reference: usize,
}

impl EditCounts {
    /// Character error rate: edits per reference character; 0 for two empty texts, may pass 1.
    pub fn rate(self) -> f64 {
        if self.edits == 0 { 0.0 } else { self.edits as f64 / self.reference.max(1) as f64 }
    }
}

/// Compares two texts character by character; letters, digits and Han only, so punctuation never counts.
pub fn error_rate(reference: &str, hypothesis: &str) -> EditCounts {
    let r: Vec<char> = reference.chars().filter(|c| c.is_alphanumeric()).collect();
    let h: Vec<char> = hypothesis.chars().filter(|c| c.is_alphanumeric()).collect();
    let mut row: Vec<usize> = (0..=h.len()).collect();
    for (i, rc) in r.iter().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, hc) in h.iter().enumerate() {
            let cost = (diagonal + usize::from(rc != hc)).min(row[j] + 1).min(row[j + 1] + 1);
            diagonal = std::mem::replace(&mut row[j + 1], cost);
        }
    }
    EditCounts { edits: row[h.len()], reference: r.len() }
}

/// The form in which transcripts of different recognisers are compared: width, case, simplified characters, digits as
/// they are spoken (`20` is 二十), no punctuation; 幺 counts as 一 and 两 as 二, which digits do not tell apart. It leads
/// back to the original.
pub fn scored_form(text: &str) -> NormalizedText {
    let mut form =
        Normalizer::new(vec![Step::Width, Step::Simplified, Step::SpokenDigits, Step::Punctuation]).normalize(text);
    form.substitute(|c| match c {
        '幺' => '一',
        '两' => '二',
        c => c,
    });
    form
}

/// One step of an alignment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Edit {
    /// The same character in both.
    Same,
    /// Another character.
    Substituted,
    /// A reference character without counterpart.
    Deleted,
    /// A hypothesis character without counterpart.
    Inserted,
}

/// The cheapest way from reference to hypothesis, step by step. Of several, the one that substitutes rather than
/// deletes and inserts, and deletes late. Takes memory for the product of both lengths, one byte each.
pub fn align(reference: &[char], hypothesis: &[char]) -> Vec<Edit> {
    let (rows, columns) = (reference.len() + 1, hypothesis.len() + 1);
    let mut steps = vec![Edit::Inserted; rows * columns];
    let mut row: Vec<usize> = (0..columns).collect();
    for (i, rc) in reference.iter().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        steps[(i + 1) * columns] = Edit::Deleted;
        for (j, hc) in hypothesis.iter().enumerate() {
            let (through, step) = if rc == hc { (diagonal, Edit::Same) } else { (diagonal + 1, Edit::Substituted) };
            let (cost, step) = [(through, step), (row[j + 1] + 1, Edit::Deleted), (row[j] + 1, Edit::Inserted)]
                .into_iter()
                .min_by_key(|(cost, _)| *cost)
                .unwrap_or((through, step));
            steps[(i + 1) * columns + j + 1] = step;
            diagonal = std::mem::replace(&mut row[j + 1], cost);
        }
    }
    let (mut i, mut j, mut path) = (rows - 1, columns - 1, Vec::with_capacity(rows.max(columns)));
    while i > 0 || j > 0 {
        let step = steps[i * columns + j];
        path.push(step);
        i -= usize::from(step != Edit::Inserted);
        j -= usize::from(step != Edit::Deleted);
    }
    path.reverse();
    path
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Edit, align, error_rate, scored_form};

    #[test]
    fn counts_edits_and_skips_punctuation() {
        let counts = error_rate("您好，请问要几条？", "你好请问要几几条");
        assert_eq!((counts.edits, counts.reference), (2, 7));
        assert!((error_rate("", "").rate()).abs() < f64::EPSILON);
        assert_eq!(error_rate("", "啊").edits, 1);
    }

    #[test]
    fn writing_is_no_error() {
        for (one, other) in [
            ("两百条", "200條。"),
            ("六二幺零", "6210"),
            ("万科Ａ", "万科a"),
            ("百分之二十", "百分之20"),
            ("嗯，好", "嗯好"),
        ] {
            assert_eq!(scored_form(one).text(), scored_form(other).text());
        }
        assert_ne!(scored_form("嗯好").text(), scored_form("好").text());
    }

    #[test]
    fn an_alignment_names_each_step() {
        use Edit::{Deleted, Inserted, Same, Substituted};
        let path = |r: &str, h: &str| align(&r.chars().collect::<Vec<_>>(), &h.chars().collect::<Vec<_>>());
        assert_eq!(path("要几条", "要五条啊"), [Same, Substituted, Same, Inserted]);
        assert_eq!(path("您好", ""), [Deleted, Deleted]);
        assert_eq!(path("", "好"), [Inserted]);
        assert!(path("", "").is_empty());
    }

    proptest! {
        #[test]
        fn an_alignment_is_as_cheap_as_the_distance(r in "[您好要几]{0,12}", h in "[您好要几]{0,12}") {
            let (rc, hc): (Vec<char>, Vec<char>) = (r.chars().collect(), h.chars().collect());
            let path = align(&rc, &hc);
            prop_assert_eq!(path.iter().filter(|s| **s != Edit::Same).count(), error_rate(&r, &h).edits);
            prop_assert_eq!(path.iter().filter(|s| **s != Edit::Inserted).count(), rc.len());
            prop_assert_eq!(path.iter().filter(|s| **s != Edit::Deleted).count(), hc.len());
        }
    }
}
