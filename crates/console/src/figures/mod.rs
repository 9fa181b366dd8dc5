//! Figures from what people said: the rows that estimates are made of, and what pages show of them.

pub(crate) mod cache;
pub(crate) mod cells;
mod judged;
pub(crate) mod period;
pub(crate) mod sums;
#[cfg(test)]
mod tests;
pub(crate) mod twice;

pub use judged::judged;
