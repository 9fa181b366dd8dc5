//! Wires the stages, owns threads, backpressure, progress, failure policy.
