//! Samples out of everything that symphonia opens, and out of Opus in its containers, each at its own time.

use std::collections::VecDeque;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use callsift_core::AudioMark;
use symphonia::core::codecs::audio::well_known::{CODEC_ID_AAC, CODEC_ID_OPUS};
use symphonia::core::codecs::audio::{AudioCodecParameters, AudioDecoder, AudioDecoderOptions};
use symphonia::core::codecs::registry::CodecRegistry;
use symphonia::core::errors::Error;
use symphonia::core::packet::Packet;
use symphonia::default::register_enabled_codecs;
use symphonia_adapter_libopus::OpusDecoder;

use crate::clock::Clock;
use crate::contain::contained;
use crate::containers::{self, Part};
use crate::demux::{Demux, Next};
use crate::frames::FrameSurvey;
use crate::ogg_opus;
use crate::pieces::Pieces;
use crate::remarks::Remarks;
use crate::stream::{ChannelStream, StreamSpec};
use crate::{AudioError, AudioLimits};

/// Packets without samples in a row: more is not damage but a wrong decoder.
const MAX_EMPTY_PACKETS: usize = 500;
/// Frames that every AAC encoder puts before the first sample. Edit lists and ADTS headers are not followed, so encoders
/// that put more leave the rest: up to 136 ms at 8 kHz.
const AAC_PRIMING: usize = 1024;
/// What an MP3 encoder may have filled its last frames up with: more is sound, whatever the header says. Two frames and
/// the decoder's own delay.
const MP3_PADDING: usize = 2 * 1152 + 529;

/// Streams the first audio track of a file.
pub(crate) struct SymphoniaSource {
    demux: Demux,
    /// Recordings that follow in the same file.
    parts: VecDeque<Part>,
    /// What is to be said where the one that is being read ends ([`Part::open_end`]).
    at_end: Option<AudioMark>,
    decoder: Box<dyn AudioDecoder>,
    /// Samples of one packet.
    packet: Vec<f32>,
    /// Frames of encoder delay still to be dropped.
    priming: usize,
    /// Samples behind the end that an MP3 header names: padding, unless too many of them come.
    held: Vec<f32>,
    /// `None` where the decoder itself takes delay and padding off.
    own_trim: bool,
    /// The container carries times; of bare frames they are only counted.
    timed: bool,
    clock: Clock,
    spec: StreamSpec,
    remarks: Remarks,
    /// Decoded while the shape of the stream was being found out.
    ahead: Vec<f32>,
    ended: bool,
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
    /// Opens what begins at a byte of the file and decodes up to its first samples: only they tell rate and channels for
    /// certain. `frames` is what was found out of a file of MPEG frames.
    pub(crate) fn open(
        path: &Path,
        start: u64,
        format: &str,
        frames: Option<FrameSurvey>,
        limits: &AudioLimits,
    ) -> Result<Self, AudioError> {
        let fail = |text: String| AudioError::decode(format, text, path);
        let io = |error| AudioError::io(error, path);
        let mut parts = VecDeque::from(containers::parts(File::open(path).map_err(io)?, start, format).map_err(io)?);
        let first = parts.pop_front().unwrap_or_default();
        let (broken, at_end) = (first.truncated, first.at_end());
        let opened = contained(|| open_part(path, first, format)).map_err(fail)?;
        let (demux, params) = opened.map_err(|error| open_error(&error, broken, format, path))?;
        let own_trim = format == "mp3";
        let decoder = make_decoder(&params, !own_trim).map_err(|error| decoder_error(&error, format, path))?;
        let name = if params.codec == CODEC_ID_OPUS { "libopus" } else { "symphonia" };
        let mut spec = StreamSpec::new(0, 0, format, name);
        spec.promised_ms = demux.promised_ms(frames);
        let mut source = Self {
            demux,
            parts,
            at_end,
            decoder,
            packet: Vec::new(),
            priming: priming(&params),
            held: Vec::new(),
            own_trim,
            timed: !matches!(format, "mp3" | "aac" | "aiff") && !format.starts_with("wav/"),
            clock: Clock::new(limits.max_duration_ms),
            spec,
            remarks: Remarks::with((broken || frames.is_some_and(|f| f.cut)).then_some(AudioMark::Truncated)),
            ahead: Vec::new(),
            ended: false,
            path: path.to_owned(),
        };
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
            if self.ended {
                return Ok(false);
            }
            let next = contained(|| self.demux.next()).unwrap_or_else(|text| Ok(Next::Lost(text)));
            match next.map_err(|error| AudioError::io(error, &self.path))? {
                Next::Packet(packet) => match self.take(&packet, out) {
                    Ok(()) => {}
                    Err(PacketError::Skip(text)) => {
                        last = text;
                        self.damage(&packet, out);
                    }
                    Err(PacketError::Fatal(text)) => self.give_up(text)?,
                },
                Next::Link(params) => self.link(&params)?,
                Next::Lost(text) => self.give_up(text)?,
                Next::End(end) => {
                    // Behind the last element of a stream without a length the reader looks for one more.
                    let own = self.at_end;
                    for mark in end.into_iter().filter(|m| own.is_none() || *m != AudioMark::Truncated).chain(own) {
                        self.remarks.mark(mark);
                    }
                    self.next_part()?;
                }
            }
            if out.len() > before {
                return Ok(true);
            }
        }
        self.give_up(format!("{MAX_EMPTY_PACKETS} packets in a row gave nothing: {last}")).map(|()| false)
    }

    /// Ends the stream where nothing more can be read: an error where nothing was heard, a mark where something was.
    fn give_up(&mut self, detail: String) -> Result<(), AudioError> {
        if self.clock.made() == 0 {
            return Err(AudioError::decode(&self.spec.format, detail, &self.path));
        }
        self.remarks.mark(AudioMark::Unheard);
        self.ended = true;
        Ok(())
    }

    /// Goes on to the next recording of the file, if there is one.
    fn next_part(&mut self) -> Result<(), AudioError> {
        let Some(part) = self.parts.pop_front() else {
            self.ended = true;
            return Ok(());
        };
        // What the first container promised does not hold for all of them.
        self.spec.promised_ms = None;
        self.at_end = part.at_end();
        if part.truncated {
            self.remarks.mark(AudioMark::Truncated);
        }
        let opened =
            contained(|| open_part(&self.path, part, &self.spec.format)).unwrap_or_else(|_| Err(Error::ResetRequired));
        match opened {
            Ok((demux, params)) => {
                self.demux = demux;
                self.link(&params)
            }
            Err(error) => self.give_up(error.to_string()),
        }
    }

    /// Another recording in the same file: heard with a decoder of its own where it can be.
    fn link(&mut self, params: &AudioCodecParameters) -> Result<(), AudioError> {
        if self.clock.made() == 0 && self.spec.channels == 0 {
            return Ok(());
        }
        match make_decoder(params, !self.own_trim) {
            Ok(decoder) => {
                self.decoder = decoder;
                self.priming = priming(params);
                self.clock.restart();
                self.remarks.mark(AudioMark::Chained);
                Ok(())
            }
            Err(error) => self.give_up(error.to_string()),
        }
    }

    /// Decodes a packet and puts its samples at its time.
    fn take(&mut self, packet: &Packet, out: &mut Vec<f32>) -> Result<(), PacketError> {
        let shape = self.decode(packet)?;
        self.check_shape(shape)?;
        self.fill_gap(packet, out);
        let (from, to) = (shape.1, self.spec.channels);
        let width = usize::from(from.max(1));
        let frames = self.packet.len() / width;
        self.clock.pass(self.packet_frames(packet, frames));
        let (mut start, mut end) = (self.priming.min(frames), frames);
        self.priming -= start;
        if self.own_trim {
            start = start.max((packet.trim_start.get() as usize).min(frames));
            end -= (packet.trim_end.get() as usize).min(frames - start);
            self.release(end < frames, out);
        }
        let before = out.len();
        append(&self.packet[start * width..end * width], from, to, out);
        self.clock.emit((out.len() - before) / usize::from(to));
        append(&self.packet[end * width..], from, to, &mut self.held);
        Ok(())
    }

    /// Frames that a packet stands for in time: what was decoded, and what the decoder itself took off at start and end.
    fn packet_frames(&self, packet: &Packet, decoded: usize) -> usize {
        if self.spec.decoder != "libopus" {
            return decoded;
        }
        let whole = ogg_opus::samples(&packet.data) * u64::from(self.spec.sample_rate) / ogg_opus::RATE;
        decoded.max(whole as usize)
    }

    /// What was taken for padding is sound after all where more comes than an encoder fills up with.
    fn release(&mut self, more: bool, out: &mut Vec<f32>) {
        if !self.held.is_empty() && (!more || self.held.len() > MP3_PADDING * usize::from(self.spec.channels)) {
            self.clock.emit(self.held.len() / usize::from(self.spec.channels));
            out.append(&mut self.held);
            self.remarks.mark(AudioMark::HeaderMismatch);
        }
    }

    /// The first samples set the shape of the stream; the resampler cannot follow another rate later.
    fn check_shape(&mut self, (rate, channels): Shape) -> Result<(), PacketError> {
        if self.spec.channels == 0 {
            self.spec.sample_rate = rate;
            self.spec.channels = channels;
        }
        if rate == self.spec.sample_rate {
            return Ok(());
        }
        Err(PacketError::Fatal(format!("the sample rate changes from {} to {rate} Hz", self.spec.sample_rate)))
    }

    /// Silence where the packet's time says that something is missing before it.
    fn fill_gap(&mut self, packet: &Packet, out: &mut Vec<f32>) {
        if !self.timed {
            return;
        }
        let step = self.clock.at(self.demux.frames_of(packet.pts.get(), self.spec.sample_rate), self.spec.sample_rate);
        if step.goes_back {
            self.remarks.mark(AudioMark::TimesGoBack);
        }
        self.silence(step.missing, step.is_gap.then_some(AudioMark::GapFilled), out);
    }

    /// Silence in the place of a packet that cannot be decoded.
    fn damage(&mut self, packet: &Packet, out: &mut Vec<f32>) {
        if self.spec.channels == 0 {
            return;
        }
        self.fill_gap(packet, out);
        let frames = self.demux.frames_of(packet.dur.get() as i64, self.spec.sample_rate).max(0) as u64;
        let longest = u64::from(self.spec.sample_rate);
        self.clock.pass(frames.min(longest) as usize);
        self.silence(frames.min(longest), Some(AudioMark::Damaged), out);
    }

    fn silence(&mut self, frames: u64, mark: Option<AudioMark>, out: &mut Vec<f32>) {
        if frames == 0 {
            return;
        }
        let start = self.clock.made();
        out.resize(out.len() + frames as usize * usize::from(self.spec.channels), 0.0);
        self.clock.emit(frames as usize);
        if let Some(mark) = mark {
            self.remarks.gap(start..start + frames, mark);
        }
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

    fn remarks(&self) -> Remarks {
        self.remarks.clone()
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

fn priming(params: &AudioCodecParameters) -> usize {
    if params.codec == CODEC_ID_AAC { AAC_PRIMING } else { 0 }
}

fn open_part(path: &Path, part: Part, format: &str) -> Result<(Demux, AudioCodecParameters), Error> {
    let broken = part.truncated && format == "webm";
    let input = Pieces::new(File::open(path)?, vec![part.bytes]).patched(part.patches).only_forward(broken);
    Demux::open(input, format == "ogg/opus")
}

fn open_error(error: &Error, broken: bool, format: &str, path: &Path) -> AudioError {
    match error {
        Error::IoError(source) if source.kind() != io::ErrorKind::UnexpectedEof => {
            AudioError::io(io::Error::new(source.kind(), source.to_string()), path)
        }
        _ if broken => {
            AudioError::malformed(format, "it breaks off, and what tells where its sound lies is missing", path)
        }
        Error::IoError(_) => AudioError::NoSamples { format: format.to_owned(), path: path.to_owned() },
        error => decoder_error(error, format, path),
    }
}

/// What no decoder here knows is another thing than what is broken: ffmpeg may know it.
fn decoder_error(error: &Error, format: &str, path: &Path) -> AudioError {
    match error {
        Error::Unsupported(what) if what.contains("too complex") => {
            AudioError::ffmpeg_missing(&format!("{format} (HE-AAC or another kind than LC)"), path)
        }
        Error::Unsupported(what) => AudioError::ffmpeg_missing(&format!("{format} ({what})"), path),
        error => AudioError::malformed(format, error.to_string(), path),
    }
}

fn make_decoder(params: &AudioCodecParameters, gapless: bool) -> Result<Box<dyn AudioDecoder>, Error> {
    static CODECS: LazyLock<CodecRegistry> = LazyLock::new(|| {
        let mut codecs = CodecRegistry::new();
        register_enabled_codecs(&mut codecs);
        codecs.register_audio_decoder::<OpusDecoder>();
        codecs
    });
    let make = || CODECS.make_audio_decoder(params, &AudioDecoderOptions::default().gapless(gapless));
    contained(make).unwrap_or(Err(Error::DecodeError("the decoder panicked")))
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
