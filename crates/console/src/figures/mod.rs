//! Figures from what people said: the rows that estimates are made of, and what pages show of them.

mod judged;

pub use judged::judged;
