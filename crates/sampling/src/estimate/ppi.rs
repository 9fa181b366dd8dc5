//! Rates from all machine findings and the sample that people heard: prediction-powered inference.
//!
//! PPI++ (Angelopoulos, Duchi and Zrnic 2023, arXiv:2311.01453) estimates a mean by
//! `ȳ + λ (F̄ - f̄)`: the mean of what people found in the sample, moved by λ times the difference between the machine's
//! mean over all calls and over the sample. Where all calls are a finite list from which the sample was drawn it is the
//! difference estimator (Särndal, Swensson and Wretman 1992, ch. 6). It is right whatever the machine is worth; λ is tuned so that it
//! is never worse for long: the slope of human on machine verdicts in the sample, one for each class of equal chance of
//! being heard (as in stratified PPI: Fisch et al. 2024, arXiv:2406.04291).
//!
//! Machine verdicts are hit or not, and for these the slope is the rate among hits minus the rate among the others, which
//! makes the tuned estimate the sum of both halves, each estimated from its own sample. So the interval need not trust
//! a normal approximation, which fails for rare violations and small samples: both halves get their mid-P limits and are
//! added ([`super::interval`]).
//!
//! A class in which fewer than [`AT_LEAST`](super::strata::AT_LEAST) calls of a half were to be expected keeps λ = 0: the human-only estimate.

use serde::{Deserialize, Serialize};

use super::Judged;
use super::interval::{Target, variance};
use super::parts::{Parts, halves};
use super::rate::Rate;

/// Calls that the share of all counts for in the doubt about a half ([`variance`]): few, since hits and others differ widely.
const UNLIKE: f64 = 2.0;

/// A rate from people alone and the same rate with the machine's help.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct PoweredRate {
    /// From people's judgements alone.
    pub human: Rate,
    /// From people's judgements and the machine's findings on all calls.
    pub powered: Rate,
    /// λ, mean over the calls that were not heard for sure: 0 the machine does not help, 1 it is as good as a person;
    /// `None` where nothing was left to estimate.
    pub lambda: Option<f64>,
    /// How many times as many calls people alone would have to hear for the same precision, estimated; 1 no gain. `None`
    /// where nothing was left to estimate.
    pub gain: Option<f64>,
}

/// The rate of violations in these calls, one row for each.
pub fn powered(rows: &[&Judged]) -> PoweredRate {
    let human = Parts::of(rows.iter().copied());
    let divided = Parts::by_machine(rows.iter().copied());
    let ratio = variance(&human, Target::Frame, UNLIKE).zip(variance(&divided, Target::Frame, UNLIKE));
    PoweredRate {
        human: Rate::of(&human, Target::Frame),
        powered: Rate::of(&divided, Target::Frame),
        lambda: lambda(rows),
        gain: ratio.filter(|(_, with)| *with > 0.0).map(|(alone, with)| alone / with),
    }
}

/// Mean of the classes' λ, by calls; a class where too few were heard has 0.
fn lambda(rows: &[&Judged]) -> Option<f64> {
    let (mut sum, mut calls) = (0.0, 0.0);
    for class in halves(rows.iter().copied()).iter().filter(|c| c.whole.n > 0 && c.whole.n < c.whole.size) {
        let slope = class.hit.share().zip(class.clear.share()).filter(|_| class.divides()).map_or(0.0, |(h, c)| h - c);
        calls += class.whole.size as f64;
        sum += slope * class.whole.size as f64;
    }
    (calls > 0.0).then(|| sum / calls)
}
