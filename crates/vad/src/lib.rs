//! Finds speech in a stream of samples.
