//! One file per operator; the registry that documentation and completeness tests are made from.

pub mod keyword;
pub mod model;
pub mod overlap;
pub mod readback;
pub mod regex;
pub mod silence;

/// Documentation of one operator.
#[derive(Debug, Clone, Copy)]
pub struct OperatorDoc {
    /// Name in rule files.
    pub name: &'static str,
    /// What it checks, parameters with units.
    pub checks: &'static str,
    /// A condition that parses.
    pub example: &'static str,
    /// What it does not see.
    pub blind_spots: &'static str,
}

/// Every operator, in the order of the documentation.
pub const OPERATORS: &[OperatorDoc] =
    &[keyword::DOC, regex::DOC, model::DOC, silence::DOC, overlap::DOC, readback::DOC];

#[cfg(test)]
mod tests {
    use super::OPERATORS;
    use crate::logic::Condition;

    #[test]
    fn every_operator_is_documented_and_its_example_parses() {
        for op in OPERATORS {
            assert!(op.checks.len() > 20 && op.blind_spots.len() > 10, "{} lacks documentation", op.name);
            assert!(op.example.starts_with(op.name), "{}: the example must show the operator", op.name);
            let parsed: Result<Condition, _> = serde_saphyr::from_str(op.example);
            let mut condition = parsed.unwrap_or_else(|e| panic!("{}: {e}", op.name));
            let mut problems = Vec::new();
            condition.compile(&mut problems);
            assert!(problems.is_empty(), "{}: {problems:?}", op.name);
        }
    }
}
