//! Lenient reader of WAV headers.
//!
//! Call recorders write headers that strict readers refuse: sizes of 0 or 0xFFFFFFFF because nobody came back to patch
//! them, RIFF sizes that are too small, A-law with a 16- or 20-byte `fmt ` chunk. Here the sizes of RIFF itself are
//! ignored, and in a stream a data size of 0 means "to its end"; files are gone through by [`crate::chunks`]. `RF64` and
//! `BW64` (EBU Tech 3306) carry 64-bit sizes in a `ds64` chunk.

use std::io::{self, BufRead, Read};

/// Integer samples.
pub(crate) const TAG_PCM: u16 = 0x0001;
/// Floating-point samples.
pub(crate) const TAG_FLOAT: u16 = 0x0003;
/// G.711 A-law.
pub(crate) const TAG_ALAW: u16 = 0x0006;
/// G.711 µ-law.
pub(crate) const TAG_ULAW: u16 = 0x0007;
const TAG_EXTENSIBLE: u16 = 0xfffe;

/// No `fmt ` chunk in the field is longer; what follows is skipped.
const MAX_FMT_BYTES: u64 = 4096;
/// A file with more chunks than this before its data is not a recording.
const MAX_CHUNKS: usize = 4096;

/// What a WAV header says, with the lies taken out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct WavHeader {
    /// Codec (`wFormatTag`), with `WAVE_FORMAT_EXTENSIBLE` resolved to the tag in its GUID.
    pub(crate) tag: u16,
    /// Channels, at least 1.
    pub(crate) channels: u16,
    /// Hertz, at least 1.
    pub(crate) sample_rate: u32,
    /// Bytes of one sample of one channel in the data; 0 for codecs with blocks.
    pub(crate) sample_bytes: u16,
    /// Bytes of audio; `None`: to the end of the file.
    pub(crate) data_bytes: Option<u64>,
}

/// Why a header cannot be read.
#[derive(Debug)]
pub(crate) enum RiffError {
    /// Reading failed.
    Io(io::Error),
    /// The structure is broken; says where.
    Malformed(&'static str),
    /// Behind the chunk of this name there is neither another one nor sound.
    Chunk(String),
}

impl From<io::Error> for RiffError {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::UnexpectedEof => Self::Malformed("the file ends inside its header"),
            _ => Self::Io(error),
        }
    }
}

/// Reads up to the first byte of audio.
pub(crate) fn read_header(input: &mut impl BufRead) -> Result<WavHeader, RiffError> {
    let mut head = [0; 12];
    input.read_exact(&mut head)?;
    if !matches!(&head[..4], b"RIFF" | b"RF64" | b"BW64") || &head[8..] != b"WAVE" {
        return Err(RiffError::Malformed("no RIFF/WAVE header"));
    }
    let mut format = None;
    let mut big_data_size = None;
    for _ in 0..MAX_CHUNKS {
        let mut chunk = [0; 8];
        input.read_exact(&mut chunk)?;
        let size = u64::from(u32_at(&chunk, 4));
        match &chunk[..4] {
            b"fmt " => {
                format = Some(read_fmt(input, size)?);
                skip(input, size & 1)?;
            }
            b"ds64" => big_data_size = read_ds64(input, size)?,
            b"data" => {
                let mut header: WavHeader = format.ok_or(RiffError::Malformed("audio before its format"))?;
                header.data_bytes = data_bytes(size, big_data_size, input)?;
                return Ok(header);
            }
            _ => skip(input, padded(size))?,
        }
    }
    Err(RiffError::Malformed("too many chunks before the audio"))
}

/// Chunks are padded to even length.
fn padded(size: u64) -> u64 {
    size + (size & 1)
}

/// Reads a `fmt ` chunk of 14 bytes and more; whatever follows the fields that are needed is skipped.
pub(crate) fn read_fmt(input: &mut impl BufRead, size: u64) -> Result<WavHeader, RiffError> {
    let mut fmt = vec![0; size.min(MAX_FMT_BYTES) as usize];
    input.read_exact(&mut fmt)?;
    skip(input, size - fmt.len() as u64)?;
    if fmt.len() < 14 {
        return Err(RiffError::Malformed("fmt chunk shorter than 14 bytes"));
    }
    let mut tag = u16_at(&fmt, 0);
    if tag == TAG_EXTENSIBLE && fmt.len() >= 26 {
        // Only the first field of the GUID is used: writers disagree on the rest of it.
        tag = u16_at(&fmt, 24);
    }
    let channels = u16_at(&fmt, 2);
    let sample_rate = u32_at(&fmt, 4);
    if channels == 0 || sample_rate == 0 {
        return Err(RiffError::Malformed("zero channels or a sample rate of zero"));
    }
    let bits = if fmt.len() >= 16 { u16_at(&fmt, 14) } else { 0 };
    let sample_bytes = sample_bytes(tag, bits, u16_at(&fmt, 12), channels)?;
    Ok(WavHeader { tag, channels, sample_rate, sample_bytes, data_bytes: None })
}

/// Bytes of one sample of one channel; 1 for codecs with blocks, whose sound is counted in bytes.
pub(crate) fn sample_bytes_or_one(header: &WavHeader) -> u16 {
    header.sample_bytes.max(1)
}

/// Bytes per sample: the block size counts where it fits the channels, the bit depth otherwise.
fn sample_bytes(tag: u16, bits: u16, block_align: u16, channels: u16) -> Result<u16, RiffError> {
    let by_block = block_align.is_multiple_of(channels).then_some(block_align / channels).filter(|&bytes| bytes > 0);
    let by_bits = bits.div_ceil(8);
    let found = by_block.filter(|&bytes| bytes >= by_bits).unwrap_or(by_bits);
    match (tag, found) {
        (TAG_ALAW | TAG_ULAW, _) => Ok(1),
        (TAG_PCM, 1..=4) | (TAG_FLOAT, 4 | 8) => Ok(found),
        (TAG_PCM | TAG_FLOAT, _) => Err(RiffError::Malformed("impossible sample size")),
        _ => Ok(0),
    }
}

/// 64-bit data size of `RF64`: after the 64-bit RIFF size.
pub(crate) fn read_ds64(input: &mut impl BufRead, size: u64) -> Result<Option<u64>, RiffError> {
    if size < 16 {
        skip(input, padded(size))?;
        return Ok(None);
    }
    let mut sizes = [0; 16];
    input.read_exact(&mut sizes)?;
    skip(input, padded(size) - 16)?;
    let low = u64::from(u32_at(&sizes, 8));
    Ok(Some(low | u64::from(u32_at(&sizes, 12)) << 32))
}

/// Length of the audio; `None` where the recorder never came back to write it.
fn data_bytes(size: u64, big: Option<u64>, input: &mut impl BufRead) -> Result<Option<u64>, RiffError> {
    match size {
        0xffff_ffff => Ok(big.filter(|&bytes| bytes > 0)),
        // A data chunk that is truly empty is followed by another chunk, not by audio.
        0 if starts_with_chunk(input.fill_buf()?) => Ok(Some(0)),
        0 => Ok(None),
        _ => Ok(Some(size)),
    }
}

fn starts_with_chunk(bytes: &[u8]) -> bool {
    const TRAILERS: [&[u8]; 6] = [b"LIST", b"fact", b"cue ", b"id3 ", b"bext", b"PEAK"];
    TRAILERS.iter().any(|id| bytes.starts_with(id))
}

/// Skips exactly `bytes`, or fails at the end of the file.
fn skip(input: &mut impl BufRead, bytes: u64) -> Result<(), RiffError> {
    if io::copy(&mut input.by_ref().take(bytes), &mut io::sink())? < bytes {
        return Err(RiffError::Malformed("the file ends inside its header"));
    }
    Ok(())
}

fn u16_at(bytes: &[u8], at: usize) -> u16 {
    u16::from_le_bytes([bytes[at], bytes[at + 1]])
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}

#[cfg(test)]
pub(crate) mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A WAV file with any `fmt ` size and any lie in its sizes.
    pub(crate) fn wav(
        tag: u16,
        channels: u16,
        rate: u32,
        bits: u16,
        fmt_len: usize,
        size: Option<u32>,
        data: &[u8],
    ) -> Vec<u8> {
        let block = channels * bits.div_ceil(8);
        let mut fmt = vec![0; fmt_len];
        fmt[..2].copy_from_slice(&tag.to_le_bytes());
        fmt[2..4].copy_from_slice(&channels.to_le_bytes());
        fmt[4..8].copy_from_slice(&rate.to_le_bytes());
        fmt[8..12].copy_from_slice(&(rate * u32::from(block)).to_le_bytes());
        fmt[12..14].copy_from_slice(&block.to_le_bytes());
        fmt[14..16].copy_from_slice(&bits.to_le_bytes());
        let mut file = b"RIFF\x24\0\0\0WAVEfmt ".to_vec();
        file.extend((fmt_len as u32).to_le_bytes());
        file.extend(fmt);
        file.extend(b"data");
        file.extend(size.unwrap_or(data.len() as u32).to_le_bytes());
        file.extend(data);
        file
    }

    fn header(bytes: &[u8]) -> WavHeader {
        read_header(&mut &bytes[..]).unwrap()
    }

    #[test]
    fn g711_with_every_fmt_size_that_recorders_write() {
        for fmt_len in [16, 18, 20] {
            for tag in [TAG_ALAW, TAG_ULAW] {
                let found = header(&wav(tag, 2, 8000, 8, fmt_len, None, &[0xd5; 8]));
                let want = WavHeader { tag, channels: 2, sample_rate: 8000, sample_bytes: 1, data_bytes: Some(8) };
                assert_eq!(found, want);
            }
        }
    }

    #[test]
    fn extensible_resolves_to_the_tag_in_its_guid() {
        let mut file = wav(0xfffe, 1, 16000, 16, 40, None, &[0; 4]);
        file[20 + 24] = 7;
        assert_eq!(header(&file).tag, TAG_ULAW);
    }

    #[test]
    fn unpatched_sizes_mean_the_rest_of_the_file() {
        for size in [0, u32::MAX] {
            assert_eq!(header(&wav(TAG_PCM, 1, 8000, 16, 16, Some(size), &[1; 8])).data_bytes, None);
        }
        let mut empty = wav(TAG_PCM, 1, 8000, 16, 16, Some(0), &[]);
        empty.extend(b"LIST\x04\0\0\0INFO");
        assert_eq!(header(&empty).data_bytes, Some(0));
    }

    #[test]
    fn rf64_takes_its_size_from_ds64() {
        let plain = wav(TAG_PCM, 1, 8000, 16, 16, Some(u32::MAX), &[1; 8]);
        let mut file = b"RF64\xff\xff\xff\xffWAVEds64".to_vec();
        file.extend(24u32.to_le_bytes());
        file.extend([0; 8]);
        file.extend(5_000_000_000u64.to_le_bytes());
        file.extend([0; 8]);
        file.extend(&plain[12..]);
        assert_eq!(header(&file).data_bytes, Some(5_000_000_000));
    }

    #[test]
    fn odd_chunks_are_padded_and_foreign_codecs_kept() {
        let plain = wav(0x31, 1, 8000, 0, 20, None, &[0; 65]);
        let mut file = plain[..12].to_vec();
        file.extend(b"JUNK\x03\0\0\0abc\0");
        file.extend(&plain[12..]);
        assert_eq!((header(&file).tag, header(&file).sample_bytes), (0x31, 0));
    }

    #[test]
    fn broken_headers_say_what_is_wrong() {
        for bytes in [&b"RIFF"[..], b"RIFF\0\0\0\0WAVEfmt \x10\0\0\0\x01", b"RIFF\0\0\0\0WAVEdata\0\0\0\0"] {
            assert!(matches!(read_header(&mut &bytes[..]), Err(RiffError::Malformed(_))));
        }
        let no_channels = wav(TAG_PCM, 0, 8000, 16, 16, None, &[]);
        assert!(matches!(read_header(&mut &no_channels[..]), Err(RiffError::Malformed(_))));
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
            let _ = read_header(&mut &bytes[..]);
        }

        #[test]
        fn no_mutation_makes_it_panic(at in 0usize..60, value: u8, more in 0usize..60, other: u8) {
            let mut file = wav(TAG_PCM, 2, 8000, 16, 20, None, &[3; 64]);
            file[at] = value;
            file[more] = other;
            let _ = read_header(&mut &file[..]);
        }
    }
}
