//! What a reviewed sample says about all calls: rates with intervals that hold.
//!
//! The input is one row for each call of the frame and rule: what the machine said, what a person said where one listened,
//! and the probability with which the plan had that listened to. From it come
//! - [`rules()`]: precision and recall of every rule,
//! - [`groups()`]: violation rates of the centre, units and agents, from people alone and with the machine's help ([`ppi`]),
//!   and who differs from the rest of the unit;
//! - apart from these rows, [`listening`]: what choosing calls by risk saves.
//!
//! **What must be true for the figures to be right.** The plan's queue was heard to its end (who stops after the worst calls
//! has heard no sample); calls that people were unsure about are like those they were sure about; a person is right.
//! How often two people agree is measured by [`crate::agreement`].
//!
//! **Probability is that of the row**, not only of the call: where risky calls are heard by their clips only, a rule that
//! did not flag a call is judged in it only if chance drew the call too ([`crate::risk`] gives both numbers).
//!
//! **How well intervals hold** is simulated by `benches/coverage.rs` (2,000 centres for each scenario) and recorded there
//! and in the crate's documentation.

pub(crate) mod discoveries;
pub mod groups;
mod habits;
pub mod interval;
pub mod listening;
pub mod parts;
pub mod ppi;
pub mod rate;
pub mod rules;
pub mod shrink;
pub mod strata;
pub mod tail;
mod unheard;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub use groups::{AgentRate, RuleRates, UnitRate, groups};
pub use interval::{Interval, Target};
pub use listening::{Gain, Listening, Saved};
pub use parts::{Class, Parts};
pub use ppi::{PoweredRate, powered};
pub use rate::Rate;
pub use rules::{RuleAccuracy, rules};
pub use shrink::Shrunk;

/// A call, a rule, and what machine and person say; or many such calls that are alike in all this.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Judged {
    /// Call; empty where the row stands for several.
    pub call_id: String,
    /// Calls that the row stands for: a large frame is a few thousand rows instead of millions.
    pub calls: usize,
    /// Agent's number.
    pub agent_id: String,
    /// Unit.
    pub unit: String,
    /// Rule.
    pub rule_id: String,
    /// Machine: hit, clear; `None` where it cannot tell or the rule does not apply.
    pub machine: Option<bool>,
    /// Person: violation, none; `None` where nobody judged it or the person was unsure.
    pub human: Option<bool>,
    /// Probability with which the plan has a person judge this rule in this call, 0 to 1. 0 and nonsense: no plan could draw
    /// it; a judgement of such a row stands for itself only.
    pub probability: f64,
}

/// Rule id of rows made by [`any_rule`].
pub const ANY_RULE: &str = "*";

/// What the machine says of two rules together: a hit of either is one; clear is what both find clear.
pub fn any_machine(a: Option<bool>, b: Option<bool>) -> Option<bool> {
    if a == Some(true) || b == Some(true) { Some(true) } else { a.zip(b).map(|_| false) }
}

/// What people say of two rules together: nothing unless they judged both.
pub fn any_human(a: Option<bool>, b: Option<bool>) -> Option<bool> {
    a.zip(b).map(|(a, b)| a || b)
}

/// One row for each call: any violation of any rule. Judged only where every rule of the call was judged, with the least of
/// their probabilities: a call heard by its clips only shows violations and never their absence, and counting it where
/// it shows one would make the rate too high. The rows must be of single calls.
pub fn any_rule(rows: &[Judged]) -> Vec<Judged> {
    let mut calls: BTreeMap<&str, Judged> = BTreeMap::new();
    for row in rows {
        let call = calls.entry(&row.call_id).or_insert_with(|| Judged { rule_id: ANY_RULE.to_owned(), ..row.clone() });
        call.human = any_human(call.human, row.human);
        call.machine = any_machine(call.machine, row.machine);
        // `min` would pass over what is no number.
        if row.probability.is_nan() || row.probability < call.probability {
            call.probability = row.probability;
        }
    }
    calls.into_values().collect()
}
