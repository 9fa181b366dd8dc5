//! Samples out of a WAV file, or of raw G.711, without any help.

use std::io::{BufRead, Read};
use std::path::{Path, PathBuf};

use crate::g711::{ALAW, ULAW};
use crate::remarks::Remarks;
use crate::riff::{RiffError, TAG_ALAW, TAG_FLOAT, TAG_PCM, TAG_ULAW, WavHeader, read_header};
use crate::stream::{ChannelStream, StreamSpec};
use crate::{AudioError, AudioLimits};

/// Most bytes taken per read: a second of 16-bit stereo at 48 kHz, rounded.
const READ_BYTES: usize = 192 * 1024;

/// Streams the audio of one file; `R` is a file or the output of a decoder process.
pub(crate) struct RiffSource<R> {
    input: R,
    header: WavHeader,
    spec: StreamSpec,
    /// Bytes of audio not yet read; `None`: until the input ends.
    left: Option<u64>,
    buffer: Vec<u8>,
    remarks: Remarks,
    path: PathBuf,
}

impl<R: BufRead + Send> RiffSource<R> {
    /// Reads the header. The codec must be one of [`is_native`].
    pub(crate) fn open(mut input: R, limits: &AudioLimits, path: &Path) -> Result<Self, AudioError> {
        let header = read_header(&mut input).map_err(|error| header_error(error, path))?;
        Self::with_header(input, header, limits, path)
    }

    /// Takes the header as given: for raw files that have none.
    pub(crate) fn with_header(
        input: R,
        header: WavHeader,
        limits: &AudioLimits,
        path: &Path,
    ) -> Result<Self, AudioError> {
        limits.check_shape(header.channels, header.sample_rate, path)?;
        let format = codec_name(&header).to_owned();
        if !is_native(header.tag) {
            return Err(AudioError::malformed("wav", format!("codec 0x{:04x} is not plain audio", header.tag), path));
        }
        let spec = StreamSpec::new(header.sample_rate, header.channels, &format, "callsift-riff");
        let (left, buffer, remarks) = (header.data_bytes, Vec::new(), Remarks::default());
        Ok(Self { input, header, spec, left, buffer, remarks, path: path.to_owned() })
    }

    /// Puts other names on the stream, for a decoder process that speaks WAV.
    pub(crate) fn renamed(mut self, format: &str, decoder: &'static str) -> Self {
        format.clone_into(&mut self.spec.format);
        self.spec.decoder = decoder;
        self
    }

    /// States the length, known from the file, and what is to be said of the sound.
    pub(crate) fn known(mut self, remarks: Remarks) -> Self {
        self.spec.frames = self.left.map(|bytes| bytes / self.frame_bytes() as u64);
        self.remarks = remarks;
        self
    }

    /// States the length that the header of what is decoded elsewhere promises, in milliseconds.
    pub(crate) fn promise(&mut self, ms: Option<u64>) {
        self.spec.promised_ms = ms;
    }

    fn frame_bytes(&self) -> usize {
        usize::from(self.header.channels) * usize::from(self.header.sample_bytes)
    }
}

/// True for codecs that [`RiffSource`] decodes.
pub(crate) fn is_native(tag: u16) -> bool {
    matches!(tag, TAG_PCM | TAG_FLOAT | TAG_ALAW | TAG_ULAW)
}

/// Name of a header that could not be read, for people.
pub(crate) fn header_error(error: RiffError, path: &Path) -> AudioError {
    match error {
        RiffError::Io(source) => AudioError::io(source, path),
        RiffError::Malformed(detail) => AudioError::malformed("wav", detail, path),
        RiffError::Chunk(name) => {
            let detail = format!("behind the chunk `{name}` there is no other and no audio: its size is wrong");
            AudioError::malformed("wav", detail, path)
        }
    }
}

fn codec_name(header: &WavHeader) -> &'static str {
    match (header.tag, header.sample_bytes) {
        (TAG_ALAW, _) => "wav/alaw",
        (TAG_ULAW, _) => "wav/mulaw",
        (TAG_FLOAT, 8) => "wav/pcm_f64",
        (TAG_FLOAT, _) => "wav/pcm_f32",
        (_, 1) => "wav/pcm_u8",
        (_, 2) => "wav/pcm_s16",
        (_, 3) => "wav/pcm_s24",
        _ => "wav/pcm_s32",
    }
}

impl<R: BufRead + Send> ChannelStream for RiffSource<R> {
    fn spec(&self) -> &StreamSpec {
        &self.spec
    }

    fn read(&mut self, out: &mut Vec<f32>) -> Result<bool, AudioError> {
        let frame = self.frame_bytes();
        let second = frame * self.header.sample_rate as usize;
        let whole = READ_BYTES.min(second).max(frame) / frame * frame;
        let want = self.left.map_or(whole as u64, |left| left.min(whole as u64));
        self.buffer.clear();
        let got = self.input.by_ref().take(want).read_to_end(&mut self.buffer);
        let got = got.map_err(|source| AudioError::io(source, &self.path))?;
        self.left = self.left.map(|left| left - got as u64);
        // A last frame that was cut off is dropped.
        let usable = got / frame * frame;
        convert(&self.header, &self.buffer[..usable], out);
        Ok(usable > 0)
    }

    fn remarks(&self) -> Remarks {
        self.remarks.clone()
    }
}

/// Decodes whole samples; integers of `n` bits are scaled by 2^(n−1).
pub(crate) fn convert(header: &WavHeader, bytes: &[u8], out: &mut Vec<f32>) {
    match (header.tag, header.sample_bytes) {
        (TAG_ALAW, _) => out.extend(bytes.iter().map(|&code| ALAW[usize::from(code)])),
        (TAG_ULAW, _) => out.extend(bytes.iter().map(|&code| ULAW[usize::from(code)])),
        (TAG_FLOAT, 8) => samples(bytes, out, |b: [u8; 8]| f64::from_le_bytes(b) as f32),
        (TAG_FLOAT, _) => samples(bytes, out, f32::from_le_bytes),
        (_, 1) => out.extend(bytes.iter().map(|&code| (f32::from(code) - 128.0) / 128.0)),
        (_, 2) => samples(bytes, out, |b| f32::from(i16::from_le_bytes(b)) / 32768.0),
        (_, 3) => samples(bytes, out, |[a, b, c]: [u8; 3]| i32::from_le_bytes([0, a, b, c]) as f32 / 2_147_483_648.0),
        _ => samples(bytes, out, |b| i32::from_le_bytes(b) as f32 / 2_147_483_648.0),
    }
}

fn samples<const N: usize>(bytes: &[u8], out: &mut Vec<f32>, decode: impl Fn([u8; N]) -> f32) {
    out.extend(bytes.as_chunks::<N>().0.iter().map(|&sample| decode(sample)));
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::riff::tests::wav;

    fn decode(file: &[u8]) -> Vec<f32> {
        let mut source = RiffSource::open(file, &AudioLimits::default(), Path::new("x.wav")).unwrap();
        let mut out = Vec::new();
        while source.read(&mut out).unwrap() {}
        out
    }

    #[test]
    fn every_sample_type_has_full_scale_one() {
        assert_eq!(decode(&wav(1, 1, 8000, 8, 16, None, &[0, 128, 192])), [-1.0, 0.0, 0.5]);
        assert_eq!(decode(&wav(1, 1, 8000, 16, 16, None, &[0, 0x80, 0, 0x40])), [-1.0, 0.5]);
        assert_eq!(decode(&wav(1, 1, 8000, 24, 16, None, &[0, 0, 0x80, 0, 0, 0x40])), [-1.0, 0.5]);
        assert_eq!(decode(&wav(1, 1, 8000, 32, 16, None, &[0, 0, 0, 0x80])), [-1.0]);
        assert_eq!(decode(&wav(3, 1, 8000, 32, 16, None, &0.25f32.to_le_bytes())), [0.25]);
        assert_eq!(decode(&wav(3, 1, 8000, 64, 16, None, &0.25f64.to_le_bytes())), [0.25]);
        assert_eq!(decode(&wav(7, 1, 8000, 8, 16, None, &[0xff, 0x80])), [0.0, 32124.0 / 32768.0]);
    }

    #[test]
    fn truncated_and_unpatched_files_give_what_is_there() {
        let data = [0, 0x40, 0, 0x40, 0, 0x40, 9];
        for size in [0, 5_000, u32::MAX, 0x7fff_ffff] {
            assert_eq!(decode(&wav(1, 1, 8000, 16, 16, Some(size), &data)).len(), 3, "size {size}");
        }
    }

    #[test]
    fn trailing_chunks_are_not_audio() {
        let mut file = wav(1, 1, 8000, 16, 16, None, &[0; 4]);
        file.extend(b"LIST\x04\0\0\0INFO");
        assert_eq!(decode(&file).len(), 2);
    }
}
