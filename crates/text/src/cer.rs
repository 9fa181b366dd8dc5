//! Character error rate.

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

#[cfg(test)]
mod tests {
    use super::error_rate;

    #[test]
    fn counts_edits_and_skips_punctuation() {
        let counts = error_rate("您好，请问要几条？", "你好请问要几几条");
        assert_eq!((counts.edits, counts.reference), (2, 7));
        assert!((error_rate("", "").rate()).abs() < f64::EPSILON);
        assert_eq!(error_rate("", "啊").edits, 1);
    }
}
