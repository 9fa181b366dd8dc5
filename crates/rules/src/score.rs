//! The machine's score: a pure function of the findings, itemised.

use callsift_core::{Finding, Severity, Verdict};

/// What one rule took off the score.
#[derive(Debug, Clone, PartialEq)]
pub struct ScoreItem {
    /// Rule id.
    pub rule_id: String,
    /// Title in Chinese.
    pub title: String,
    /// Folder of the rule.
    pub category: String,
    /// Points off.
    pub points: f64,
    /// How many places hit.
    pub places: usize,
    /// True where the rule is fatal: the score is 0 whatever else.
    pub fatal: bool,
}

/// Points off, one item per rule that hit, in the order of the findings.
pub fn score_items(findings: &[Finding]) -> Vec<ScoreItem> {
    let hits = findings.iter().filter(|f| f.verdict == Verdict::Hit);
    hits.map(|f| ScoreItem {
        rule_id: f.rule_id.clone(),
        title: f.title.clone(),
        category: f.category.clone(),
        points: f.points,
        places: f.evidence.len().max(1),
        fatal: f.severity == Severity::Fatal,
    })
    .collect()
}

/// 100 less the points of all hits, never under 0; 0 after a fatal hit.
pub fn score(findings: &[Finding]) -> f64 {
    let items = score_items(findings);
    if items.iter().any(|i| i.fatal) {
        return 0.0;
    }
    (100.0 - items.iter().map(|i| i.points).sum::<f64>()).max(0.0)
}
