//! What can go wrong while looking for speech.

use callsift_models::ModelError;

/// Why voice activity cannot be told.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum VadError {
    /// An option has a value that makes no sense.
    #[error("vad option {option} is {value}, which is not {allowed}")]
    Option {
        /// Name in the configuration.
        option: &'static str,
        /// As given.
        value: String,
        /// What would do.
        allowed: &'static str,
    },
    /// The model or its runtime cannot be opened.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// The model failed on audio.
    #[error("voice activity model failed: {0}")]
    Run(String),
    /// A block is of another channel than the ones before it, or does not follow them.
    #[error(
        "block of channel {channel} at sample {found} does not follow: expected channel {expected_channel} at sample {expected}"
    )]
    Order {
        /// Channel of the block.
        channel: u16,
        /// First sample of the block.
        found: u64,
        /// Channel of the stream.
        expected_channel: u16,
        /// First sample that was due.
        expected: u64,
    },
}
