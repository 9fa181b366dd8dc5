//! Waveforms: the loudest sample of each stretch, per channel.

use std::path::Path;

use callsift_audio::{AudioLimits, AudioReader};
use serde::{Deserialize, Serialize};

use crate::error::ConsoleError;

/// Stretches a waveform is drawn of.
pub(crate) const BUCKETS: usize = 800;
/// Samples in the finest stretches that are kept while the length is not known: a twentieth of a second.
const FINE: usize = 800;

/// Loudest sample of each stretch, 0 to 100, per channel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Peaks(pub(crate) Vec<Vec<u8>>);

impl Peaks {
    /// Reads a recording. Memory: 20 numbers a second and channel.
    pub(super) fn of(path: &Path, limits: &AudioLimits) -> Result<Self, ConsoleError> {
        let mut reader = AudioReader::open(path, limits)?;
        let mut fine: Vec<Vec<f32>> = vec![Vec::new(); usize::from(reader.emitted_channels())];
        let mut blocks = Vec::new();
        while reader.next_blocks(&mut blocks)? {
            for block in blocks.drain(..) {
                let Some(channel) = fine.get_mut(usize::from(block.channel)) else { continue };
                channel.extend(block.samples.chunks(FINE).map(|c| c.iter().fold(0.0, |m: f32, s| m.max(s.abs()))));
            }
        }
        Ok(Self(fine.iter().map(|channel| coarse(channel)).collect()))
    }
}

fn coarse(fine: &[f32]) -> Vec<u8> {
    let n = BUCKETS.min(fine.len());
    let bucket = |i: usize| &fine[i * fine.len() / n..((i + 1) * fine.len() / n).max(i * fine.len() / n + 1)];
    (0..n).map(|i| (bucket(i).iter().fold(0.0, |m: f32, s| m.max(*s)) * 100.0) as u8).collect()
}

#[cfg(test)]
mod tests {
    use super::{BUCKETS, coarse};

    #[test]
    fn the_loudest_sample_of_each_stretch_is_kept() {
        let mut fine = vec![0.1; BUCKETS * 3];
        fine[3 * 7 + 1] = 1.0;
        let peaks = coarse(&fine);
        assert_eq!((peaks.len(), peaks[6], peaks[7], peaks[8]), (BUCKETS, 10, 100, 10));
        assert_eq!(coarse(&[0.5]), [50]);
        assert!(coarse(&[]).is_empty());
    }
}
