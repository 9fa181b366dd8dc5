//! WAV files of 16 kHz and 16 bits: written from a recording, cut by time.

use std::fs::File;
use std::io::{BufWriter, Read, Seek, SeekFrom, Write};
use std::path::Path;

use callsift_audio::{AudioLimits, AudioReader};
use callsift_core::{SampleBlock, TimeSpan};

use crate::error::ConsoleError;

/// Samples a second and channel.
const RATE: u32 = 16_000;
/// Samples a millisecond and channel.
const PER_MS: i64 = 16;
/// Bytes before the samples.
const HEADER: u64 = 44;

/// Decodes a recording into a WAV file of at most so many bytes of sound, with these stretches silenced on every channel.
pub(super) fn write(
    from: &Path,
    to: &Path,
    silenced: &[TimeSpan],
    limits: &AudioLimits,
    most: u64,
) -> Result<(), ConsoleError> {
    let fail = || ConsoleError::io("cannot write", to);
    let mut reader = AudioReader::open(from, limits)?;
    let channels = reader.emitted_channels();
    let mut out = BufWriter::new(File::create(to).map_err(fail())?);
    out.write_all(&header(channels, 0)).map_err(fail())?;
    let (mut blocks, mut bytes, mut written) = (Vec::new(), Vec::new(), 0u64);
    while reader.next_blocks(&mut blocks)? {
        interleave(&blocks, silenced, &mut bytes);
        out.write_all(&bytes).map_err(fail())?;
        written += bytes.len() as u64;
        if written > most {
            return Err(ConsoleError::Option(format!("too long to be decoded for the browser: {}", from.display())));
        }
        blocks.clear();
    }
    // Now the length is known.
    out.seek(SeekFrom::Start(0)).map_err(fail())?;
    out.write_all(&header(channels, written)).map_err(fail())?;
    out.flush().map_err(fail())
}

fn interleave(blocks: &[SampleBlock], silenced: &[TimeSpan], bytes: &mut Vec<u8>) {
    bytes.clear();
    let frames = blocks.iter().map(|b| b.samples.len()).min().unwrap_or(0);
    let start = blocks.first().map_or(0, |b| b.start_sample);
    for i in 0..frames {
        let ms = (start as i64 + i as i64) / PER_MS;
        let quiet = silenced.iter().any(|s| s.start_ms <= ms && ms < s.end_ms);
        for block in blocks {
            let sample = if quiet { 0.0 } else { block.samples.get(i).copied().unwrap_or(0.0) };
            bytes.extend(((sample * 32_767.0) as i16).to_le_bytes());
        }
    }
}

fn header(channels: u16, data: u64) -> [u8; HEADER as usize] {
    let frame = u32::from(channels) * 2;
    let data = u32::try_from(data).unwrap_or(u32::MAX - 36);
    let mut out = [0; HEADER as usize];
    let mut put = |at: usize, bytes: &[u8]| out[at..at + bytes.len()].copy_from_slice(bytes);
    put(0, b"RIFF");
    put(4, &(data.saturating_add(36)).to_le_bytes());
    put(8, b"WAVEfmt ");
    put(16, &16u32.to_le_bytes());
    put(20, &1u16.to_le_bytes());
    put(22, &channels.to_le_bytes());
    put(24, &RATE.to_le_bytes());
    put(28, &(RATE * frame).to_le_bytes());
    put(32, &(frame as u16).to_le_bytes());
    put(34, &16u16.to_le_bytes());
    put(36, b"data");
    put(40, &data.to_le_bytes());
    out
}

/// A stretch of a file that [`write`] made, as a file of its own; nothing where the file ends before.
pub(super) fn cut(path: &Path, span: TimeSpan) -> Result<Option<Vec<u8>>, ConsoleError> {
    let fail = || ConsoleError::io("cannot read", path);
    let mut file = File::open(path).map_err(fail())?;
    let mut head = [0; HEADER as usize];
    file.read_exact(&mut head).map_err(fail())?;
    let channels = u16::from_le_bytes([head[22], head[23]]).max(1);
    let length = file.metadata().map_err(fail())?.len().saturating_sub(HEADER);
    let byte_at = |ms: i64| (ms.max(0) as u64 * PER_MS as u64 * 2 * u64::from(channels)).min(length);
    let (start, end) = (byte_at(span.start_ms), byte_at(span.end_ms));
    let data = end.saturating_sub(start);
    if data == 0 {
        return Ok(None);
    }
    let mut out = header(channels, data).to_vec();
    file.seek(SeekFrom::Start(HEADER + start)).map_err(fail())?;
    file.take(data).read_to_end(&mut out).map_err(fail())?;
    Ok(Some(out))
}

#[cfg(test)]
mod tests {
    use callsift_core::TimeSpan;

    use super::{HEADER, cut, header, write};

    /// Two channels of loud noise, one second. Squares, since steps of one size would make both channels alike, and of two
    /// channels that are alike only one is heard.
    fn recording(dir: &std::path::Path) -> std::path::PathBuf {
        let path = dir.join("in.wav");
        let mut bytes = header(2, 64_000).to_vec();
        bytes.extend(
            (0..32_000u32).flat_map(|i| ((i.wrapping_mul(i).wrapping_mul(2_654_435_761) >> 16) as i16).to_le_bytes()),
        );
        std::fs::write(&path, bytes).unwrap();
        path
    }

    #[test]
    fn silenced_stretches_are_silent_and_the_rest_is_not() {
        let dir = tempfile::tempdir().unwrap();
        let (from, to) = (recording(dir.path()), dir.path().join("out.wav"));
        write(&from, &to, &[TimeSpan::new(250, 500)], &callsift_audio::AudioLimits::default(), 64_000).unwrap();
        let less = write(&from, &to.with_extension("x"), &[], &callsift_audio::AudioLimits::default(), 63_999);
        assert!(less.is_err(), "one file does not fill the disk");
        let loud = |from_ms, to_ms| {
            let clip = cut(&to, TimeSpan::new(from_ms, to_ms)).unwrap().unwrap();
            assert_eq!(clip.len() as i64, HEADER as i64 + (to_ms - from_ms) * 64);
            clip[HEADER as usize..].iter().any(|b| *b != 0)
        };
        assert!(loud(0, 250) && !loud(250, 500) && loud(500, 1000));
        assert!(cut(&to, TimeSpan::new(5_000, 9_000)).unwrap().is_none(), "beyond the end");
    }
}
