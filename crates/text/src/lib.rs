//! Normalises text with offsets kept; words; sounds; error rate.
