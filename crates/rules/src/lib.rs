//! Loads, checks, tests, explains and evaluates rule files.
