//! Drawing calls from the console: what knows the lake's tables and `callsift sample` stands outside, behind a trait.

use std::fmt::Debug;

/// A plan that may be drawn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlanName {
    /// Name of its file.
    pub name: String,
    /// Title.
    pub title: String,
}

/// What a lead wants drawn.
#[derive(Debug, Clone)]
pub struct Wish {
    /// Name of a plan.
    pub plan: String,
    /// Seed.
    pub seed: String,
    /// First and last day.
    pub from: String,
    /// Last day.
    pub to: String,
    /// Login names of who is to hear the calls.
    pub reviewers: Vec<String>,
    /// Login name of the lead.
    pub by: String,
    /// Keeps the draw and hands the calls out; else only says how much there would be.
    pub save: bool,
}

/// What a person would get, or got.
#[derive(Debug, Clone, PartialEq)]
pub struct Load {
    /// Login name.
    pub reviewer: String,
    /// Calls, and those of them that the person had before.
    pub calls: usize,
    /// Those of them that the person had before.
    pub held: usize,
    /// Minutes of listening, where the plan tells.
    pub minutes: Option<f64>,
}

/// What came of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    /// Calls that could be drawn, and were.
    pub frame_calls: usize,
    /// Calls that were drawn.
    pub calls: usize,
    /// Their agents.
    pub agents: usize,
    /// Who gets how much.
    pub loads: Vec<Load>,
    /// What the lead should know.
    pub notes: Vec<String>,
    /// Number of the draw, where it was kept.
    pub saved: Option<i64>,
}

/// Draws as `callsift sample` does.
pub trait Sampler: Debug + Send + Sync {
    /// The plans that there are.
    fn plans(&self) -> Vec<PlanName>;

    /// Draws, and keeps the draw where that is wanted.
    ///
    /// # Errors
    /// It cannot be drawn, in words for the lead.
    fn draw(&self, wish: &Wish) -> Result<Outcome, String>;
}
