//! Probes and decodes recordings into 16 kHz blocks per channel, with quality measures.
//!
//! ```text
//! file ─formats::probe→ ChannelStream (riff | symphonia | ffmpeg) ─resample→ SampleBlock
//!                                   └─quality→ ChannelQuality           └─layout→ ChannelLayout
//! ```
//!
//! What a file is, is decided by its first bytes and never by its name; only formats without any header (`.vox`,
//! `.g722`, `.al` …) are known by extension. Memory is bounded by about two seconds of audio plus the decoder's own
//! buffers, whatever the length of the file. No input makes this crate panic.
//!
//! ```no_run
//! use callsift_audio::{AudioLimits, AudioReader};
//!
//! let mut reader = AudioReader::open("call.wav".as_ref(), &AudioLimits::default())?;
//! let mut blocks = Vec::new();
//! while reader.next_blocks(&mut blocks)? {
//!     blocks.clear(); // hand them to the next stage
//! }
//! println!("{:?}", reader.finish()?.quality);
//! # Ok::<(), callsift_audio::AudioError>(())
//! ```

mod chunks;
mod clock;
mod contain;
mod containers;
mod demux;
mod error;
mod ffmpeg_source;
mod formats;
mod frames;
mod g711;
mod headerless;
mod layout;
mod level;
mod limits;
mod ogg_opus;
mod open;
mod pieces;
mod plain;
mod probe;
mod quality;
mod reader;
mod remarks;
mod resample;
mod riff;
mod riff_source;
mod stream;
mod symphonia_source;
mod tail;

pub use error::AudioError;
pub use ffmpeg_source::{FFMPEG_ENV, ffmpeg_program};
pub use formats::{Decoder, Encoding, FORMATS, Format, Sign};
pub use headerless::Headerless;
pub use limits::AudioLimits;
pub use plain::{exact_mime, holds_sound_alone};
pub use probe::probe;
pub use quality::QualityMeter;
pub use reader::{AudioReader, file_sha256};
pub use resample::Resampler;
