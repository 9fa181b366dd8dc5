//! Samples out of everything that symphonia opens, and out of Opus in its containers.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use symphonia::core::codecs::audio::well_known::{CODEC_ID_AAC, CODEC_ID_OPUS};
use symphonia::core::codecs::audio::{AudioCodecParameters, AudioDecoder, AudioDecoderOptions};
use symphonia::core::codecs::registry::CodecRegistry;
use symphonia::core::errors::Error;
use symphonia::core::formats::probe::Hint;
use symphonia::core::formats::{FormatOptions, FormatReader, TrackType};
use symphonia::core::io::{MediaSourceStream, MediaSourceStreamOptions};
use symphonia::core::meta::MetadataOptions;
use symphonia::core::packet::Packet;
use symphonia::default::{get_probe, register_enabled_codecs};
use symphonia_adapter_libopus::OpusDecoder;

use crate::contain::contained;
use crate::stream::{ChannelStream, StreamSpec};
use crate::{AudioError, AudioLimits};

/// Packets without samples in a row: more is not damage but a wrong decoder.
const MAX_EMPTY_PACKETS: usize = 500;
/// Longest silence put in for one lost packet, in milliseconds.
const MAX_GAP_MS: u64 = 1_000;

/// Frames that every AAC encoder puts before the first sample. Edit lists and ADTS headers are not followed, so encoders
/// that put more leave the rest: up to 136 ms at 8 kHz.
const AAC_PRIMING: usize = 1024;

/// Streams the first audio track of a file.
pub(crate) struct SymphoniaSource {
    reader: Box<dyn FormatReader>,
    decoder: Box<dyn AudioDecoder>,
    /// Samples of one packet.
    packet: Vec<f32>,
    /// Frames of encoder delay still to be dropped.
    priming: usize,
    track_id: u32,
    spec: StreamSpec,
    /// Decoded while the shape of the stream was being found out.
    ahead: Vec<f32>,
    path: PathBuf,
}

/// Rate in hertz and channel count of decoded samples.
type Shape = (u32, u16);

/// Why a packet gave nothing.
enum PacketError {
    /// The packet is damaged; the next may be tried.
    Skip(String),
    /// The decoder is of no more use.
    Fatal(String),
}

impl SymphoniaSource {
    /// Opens the file and decodes up to its first samples: only they tell rate and channels for certain.
    pub(crate) fn open(path: &Path, format: &str, limits: &AudioLimits) -> Result<Self, AudioError> {
        let fail = |text: String| AudioError::decode(format, text, path);
        let file = File::open(path).map_err(|error| AudioError::io(error, path))?;
        let opened = contained(|| open_reader(file)).map_err(fail)?;
        let reader = opened.map_err(|error| open_error(&error, format, path))?;
        let track = reader.default_track(TrackType::Audio).ok_or_else(|| fail("no audio track".to_owned()))?;
        let track_id = track.id;
        let params = track.codec_params.as_ref().and_then(|params| params.audio()).cloned().unwrap_or_default();
        let decoder = contained(|| make_decoder(&params)).and_then(|made| made).map_err(fail)?;
        let name = if params.codec == CODEC_ID_OPUS { "libopus" } else { "symphonia" };
        let spec = StreamSpec { sample_rate: 0, channels: 0, format: format.to_owned(), decoder: name, frames: None };
        let priming = if params.codec == CODEC_ID_AAC { AAC_PRIMING } else { 0 };
        let path = path.to_owned();
        let mut source = Self { reader, decoder, packet: Vec::new(), track_id, spec, priming, ahead: Vec::new(), path };
        let mut ahead = Vec::new();
        if !source.fill(&mut ahead)? {
            return Err(AudioError::NoSamples { format: format.to_owned(), path: source.path });
        }
        source.ahead = ahead;
        limits.check_shape(source.spec.channels, source.spec.sample_rate, &source.path)?;
        Ok(source)
    }

    /// Decodes packets until one gives samples; `false` at the end.
    fn fill(&mut self, out: &mut Vec<f32>) -> Result<bool, AudioError> {
        let before = out.len();
        let mut last = String::from("no samples in them");
        for _ in 0..MAX_EMPTY_PACKETS {
            let Some(packet) = self.next_packet()? else { return Ok(false) };
            if packet.track_id != self.track_id {
                continue;
            }
            match self.decode(&packet) {
                Ok(shape) => {
                    self.check_shape(shape)?;
                    let channels = self.spec.channels;
                    append(self.without_priming(shape.1), shape.1, channels, out);
                }
                Err(PacketError::Skip(text)) => {
                    last = text;
                    self.fill_gap(&packet, out);
                }
                Err(PacketError::Fatal(text)) => return Err(self.error(text)),
            }
            if out.len() > before {
                return Ok(true);
            }
        }
        Err(self.error(format!("{MAX_EMPTY_PACKETS} packets in a row gave nothing: {last}")))
    }

    /// The next packet; `None` at the end, which is also where a truncated file breaks off.
    fn next_packet(&mut self) -> Result<Option<Packet>, AudioError> {
        match contained(|| self.reader.next_packet()).map_err(|text| self.error(text))? {
            Ok(packet) => Ok(packet),
            Err(Error::IoError(error)) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(None),
            Err(Error::IoError(error)) => Err(AudioError::io(error, &self.path)),
            // A chained Ogg stream begins anew: recorders do not write them, and a second call is not this one.
            Err(Error::ResetRequired) => Ok(None),
            Err(error) => Err(self.error(error.to_string())),
        }
    }

    /// The first samples set the shape of the stream; the resampler cannot follow another rate later.
    fn check_shape(&mut self, (rate, channels): Shape) -> Result<(), AudioError> {
        if self.spec.channels == 0 {
            self.spec.sample_rate = rate;
            self.spec.channels = channels;
        }
        if rate == self.spec.sample_rate {
            return Ok(());
        }
        Err(self.error(format!("the sample rate changes from {} to {rate} Hz", self.spec.sample_rate)))
    }

    /// The packet's samples without what is left of the encoder's delay.
    fn without_priming(&mut self, channels: u16) -> &[f32] {
        let channels = usize::from(channels).max(1);
        let drop = self.priming.min(self.packet.len() / channels);
        self.priming -= drop;
        &self.packet[drop * channels..]
    }

    /// Keeps the clock right where a packet is lost. In all containers but Matroska a tick is a sample; there the gap comes
    /// out too short.
    fn fill_gap(&self, packet: &Packet, out: &mut Vec<f32>) {
        let longest = u64::from(self.spec.sample_rate) * MAX_GAP_MS / 1000;
        let samples = packet.dur.get().min(longest) as usize * usize::from(self.spec.channels);
        out.resize(out.len() + samples, 0.0);
    }

    /// Decodes one packet into `self.packet`, in the packet's own shape.
    fn decode(&mut self, packet: &Packet) -> Result<Shape, PacketError> {
        let decoded = contained(|| {
            let decoded = self.decoder.decode(packet)?;
            decoded.copy_to_vec_interleaved(&mut self.packet);
            Ok((decoded.spec().rate(), decoded.spec().channels().count() as u16))
        });
        decoded.map_err(PacketError::Fatal)?.map_err(packet_error)
    }

    fn error(&self, detail: String) -> AudioError {
        AudioError::decode(&self.spec.format, detail, &self.path)
    }
}

impl ChannelStream for SymphoniaSource {
    fn spec(&self) -> &StreamSpec {
        &self.spec
    }

    fn read(&mut self, out: &mut Vec<f32>) -> Result<bool, AudioError> {
        if self.ahead.is_empty() {
            return self.fill(out);
        }
        out.append(&mut self.ahead);
        Ok(true)
    }
}

/// Joins samples of `from` channels to a stream of `to`: MP3 frames may change between mono and stereo.
fn append(samples: &[f32], from: u16, to: u16, out: &mut Vec<f32>) {
    if from == to || from == 0 {
        return out.extend_from_slice(samples);
    }
    for frame in samples.chunks_exact(usize::from(from)) {
        out.extend((0..usize::from(to)).map(|channel| frame[channel.min(frame.len() - 1)]));
    }
}

fn packet_error(error: Error) -> PacketError {
    match error {
        Error::DecodeError(_) | Error::IoError(_) | Error::ResetRequired => PacketError::Skip(error.to_string()),
        error => PacketError::Fatal(error.to_string()),
    }
}

fn open_reader(file: File) -> Result<Box<dyn FormatReader>, Error> {
    let stream = MediaSourceStream::new(Box::new(file), MediaSourceStreamOptions::default());
    get_probe().probe(&Hint::new(), stream, FormatOptions::default(), MetadataOptions::default())
}

fn open_error(error: &Error, format: &str, path: &Path) -> AudioError {
    match error {
        Error::IoError(source) if source.kind() != io::ErrorKind::UnexpectedEof => {
            AudioError::io(io::Error::new(source.kind(), source.to_string()), path)
        }
        Error::IoError(_) => AudioError::NoSamples { format: format.to_owned(), path: path.to_owned() },
        error => AudioError::malformed(format, error.to_string(), path),
    }
}

fn make_decoder(params: &AudioCodecParameters) -> Result<Box<dyn AudioDecoder>, String> {
    static CODECS: LazyLock<CodecRegistry> = LazyLock::new(|| {
        let mut codecs = CodecRegistry::new();
        register_enabled_codecs(&mut codecs);
        codecs.register_audio_decoder::<OpusDecoder>();
        codecs
    });
    CODECS.make_audio_decoder(params, &AudioDecoderOptions::default()).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::append;

    #[test]
    fn frames_of_other_channel_counts_fit_the_stream() {
        let mut out = Vec::new();
        append(&[0.1, 0.2], 1, 2, &mut out);
        append(&[0.3, 0.4], 2, 2, &mut out);
        append(&[0.5, 0.6], 2, 1, &mut out);
        assert_eq!(out, [0.1, 0.1, 0.2, 0.2, 0.3, 0.4, 0.5]);
    }
}
