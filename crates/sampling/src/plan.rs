//! Plans: what to draw, as a TOML file.

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::error::SamplingError;
use crate::risk::RiskPlan;

/// A listening plan.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// What people call it.
    pub title: String,
    /// How calls are drawn.
    #[serde(flatten)]
    pub method: Method,
}

/// How calls are drawn.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "method", rename_all = "snake_case", deny_unknown_fields)]
pub enum Method {
    /// The institution's plan: five per agent and half month, by the rules of [`crate::half_month`].
    HalfMonth {
        /// Calls per agent and half month.
        #[serde(default = "five")]
        per_agent: usize,
    },
    /// So many calls of each agent, all alike.
    PerAgent {
        /// Calls per agent.
        n: usize,
    },
    /// A share of all calls.
    Percent {
        /// Percent, more than 0 to 100.
        percent: f64,
    },
    /// So many calls over all, by strata.
    Stratified {
        /// Calls in all.
        n: usize,
        /// What makes a stratum; several together cross.
        by: Vec<Stratum>,
        /// How calls are spread over strata.
        #[serde(default)]
        allocation: Allocation,
    },
    /// What is worth most per reviewer minute, and a random share: [`crate::risk`].
    Risk(RiskPlan),
}

fn five() -> usize {
    5
}

/// What makes a stratum.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stratum {
    /// Unit (班组).
    Unit,
    /// Queue.
    Queue,
    /// Day of the week.
    Weekday,
    /// Hour of the day.
    Hour,
    /// Machine score in bands of ten points.
    ScoreBand,
}

impl Stratum {
    /// Its name in plans.
    pub fn name(self) -> &'static str {
        match self {
            Self::Unit => "unit",
            Self::Queue => "queue",
            Self::Weekday => "weekday",
            Self::Hour => "hour",
            Self::ScoreBand => "score_band",
        }
    }
}

/// How calls are spread over strata.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Allocation {
    /// By size.
    Proportional,
    /// By size times spread of the machine score (Neyman 1934, doi:10.2307/2342192): more where calls differ more.
    #[default]
    Neyman,
}

impl Method {
    /// Whether chance decides by the same lots as another method's: with one seed their draws hang together.
    pub fn draws_like(&self, other: &Self) -> bool {
        let lots = |method: &Self| match method {
            Self::HalfMonth { .. } => 0,
            Self::PerAgent { .. } | Self::Percent { .. } | Self::Stratified { .. } => 1,
            Self::Risk(_) => 2,
        };
        lots(self) == lots(other)
    }

    /// Whether machine scores decide how many calls of which kind are drawn.
    pub fn looks_at_scores(&self) -> bool {
        match self {
            Self::Stratified { by, allocation, .. } => {
                by.contains(&Stratum::ScoreBand) || *allocation == Allocation::Neyman
            }
            Self::HalfMonth { .. } | Self::PerAgent { .. } | Self::Percent { .. } | Self::Risk(_) => false,
        }
    }
}

impl Plan {
    /// Reads a plan.
    ///
    /// # Errors
    /// The file cannot be read; a key is unknown or a value out of range, with its place.
    pub fn load(path: &Path) -> Result<Self, SamplingError> {
        let text =
            std::fs::read_to_string(path).map_err(|source| SamplingError::Io { path: path.to_owned(), source })?;
        Self::parse(&text).map_err(|reason| SamplingError::Plan { path: path.to_owned(), reason })
    }

    /// Reads a plan from its text.
    ///
    /// # Errors
    /// What is wrong, in words.
    pub fn parse(text: &str) -> Result<Self, String> {
        let plan: Self = toml::from_str(text).map_err(|e| placed(text, &e))?;
        plan.method.check().map_err(|reason| at_line(text, &reason)).map(|()| plan)
    }
}

impl Method {
    /// What is wrong with its numbers, in words.
    fn check(&self) -> Result<(), String> {
        match self {
            Self::HalfMonth { per_agent: 0 } => Err("`per_agent` must be at least 1".to_owned()),
            Self::PerAgent { n: 0 } | Self::Stratified { n: 0, .. } => Err("`n` must be at least 1".to_owned()),
            Self::Percent { percent } if !(*percent > 0.0 && *percent <= 100.0) => {
                Err("`percent` must be more than 0 and at most 100".to_owned())
            }
            Self::Stratified { by, .. } if by.is_empty() => {
                Err("`by` needs at least one of unit, queue, weekday, hour, score_band".to_owned())
            }
            Self::Risk(risk) => risk.check(),
            _ => Ok(()),
        }
    }
}

/// An error with the line that it is about. Fields that hang on `method` are read from a copy that has forgotten where they stood, and
/// the reader points at the first line.
fn placed(text: &str, e: &toml::de::Error) -> String {
    let message = e.message();
    let about_a_field = ["unknown", "invalid", "missing"].iter().any(|kind| message.starts_with(kind));
    if about_a_field { at_line(text, message) } else { e.to_string() }
}

/// A message with the line of what it names: of the key in its first backticks, or of that value in quotes.
fn at_line(text: &str, message: &str) -> String {
    let named = |quote: char| message.split(quote).nth(1);
    let (key, value) = (named('`'), named('`').or_else(|| named('"')).map(|v| format!("\"{v}\"")));
    let code = |line: &str| line.split('#').next().unwrap_or(line).trim().to_owned();
    let is_key = |line: &str| code(line).split('=').next().map(str::trim) == key;
    let has_value = |line: &str| {
        code(line).split_once('=').is_some_and(|(_, right)| value.as_ref().is_some_and(|v| right.contains(v.as_str())))
    };
    let find = |is: &dyn Fn(&str) -> bool| text.lines().enumerate().find(|(_, line)| is(line));
    match find(&is_key).or_else(|| find(&has_value)) {
        Some((i, line)) => format!("line {}: `{}`: {message}", i + 1, line.trim()),
        None => message.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::{Allocation, Method, Plan, Stratum};

    #[test]
    fn plans_are_read_and_mistakes_are_said() {
        let plan =
            Plan::parse("title = \"抽检\"\nmethod = \"stratified\"\nn = 60\nby = [\"unit\", \"weekday\"]\n").unwrap();
        let by = vec![Stratum::Unit, Stratum::Weekday];
        assert_eq!(plan.method, Method::Stratified { n: 60, by, allocation: Allocation::Neyman });
        assert!(Plan::parse("title = \"x\"\nmethod = \"percent\"\npercent = 0\n").unwrap_err().contains("percent"));
        assert!(Plan::parse("title = \"x\"\nmethod = \"lottery\"\n").unwrap_err().contains("lottery"));
    }

    #[test]
    fn mistakes_are_said_with_their_line() {
        let said = |rest: &str| Plan::parse(&format!("# minr\ntitle = \"x\"\n{rest}\n")).unwrap_err();
        let risk = said("method = \"risk\"\ncalls = 9\n[weights]\nminr = 3");
        assert!(risk.starts_with("line 6: `minr = 3`: unknown field"), "{risk}");
        let typed = said("method = \"percent\"\npercent = \"3\"");
        assert!(typed.starts_with("line 4: `percent = \"3\"`: invalid type"), "{typed}");
        let variant = said("method = \"stratified\"\nn = 4\nby = [\"hours\"]");
        assert!(variant.starts_with("line 5: "), "{variant}");
        let value = said("method = \"risk\"\ncalls = 5\nhear = \"all\"");
        assert!(value.starts_with("line 5: `hear = \"all\"`: unknown variant"), "{value}");
        let range = said("method = \"percent\"\npercent = 101");
        assert!(range.starts_with("line 4: `percent = 101`: `percent` must be"), "{range}");
        let share = said("method = \"risk\"\ncalls = 5\nrandom_share = 2.0");
        assert!(share.starts_with("line 5: "), "{share}");
        let missing = said("method = \"percent\"");
        assert!(missing.starts_with("missing field `percent`") || missing.contains("line 3"), "{missing}");
        assert!(said("method = ").contains("line 3"), "{}", said("method = "));
    }
}
