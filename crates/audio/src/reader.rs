//! The stage itself: a file in, blocks of 16 kHz samples per channel out.

use std::fs::File;
use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};

use callsift_core::{AudioInfo, ChannelLayout, SampleBlock, hex};
use sha2::{Digest, Sha256};

use crate::ffmpeg_source::{FfmpegSource, ffmpeg_program};
use crate::formats::Decoder;
use crate::quality::QualityMeter;
use crate::riff::{TAG_ALAW, TAG_PCM, TAG_ULAW, WavHeader};
use crate::riff_source::RiffSource;
use crate::stream::ChannelStream;
use crate::symphonia_source::SymphoniaSource;
use crate::{AudioError, AudioLimits, Format, Resampler, layout, probe};

/// A recording that is being decoded.
///
/// Fake stereo gives blocks of channel 0 only; [`AudioInfo::quality`] still covers every channel of the file.
pub struct AudioReader {
    stream: Box<dyn ChannelStream>,
    layout: ChannelLayout,
    meters: Vec<QualityMeter>,
    resampler: Resampler,
    /// Interleaved samples as decoded, then one plane per channel.
    interleaved: Vec<f32>,
    planes: Vec<Vec<f32>>,
    /// Frames decoded, at the file's rate.
    frames: u64,
    /// Samples handed on per channel, at 16 kHz.
    handed_on: u64,
    ended: bool,
    limits: AudioLimits,
    path: PathBuf,
}

impl AudioReader {
    /// Probes the file, finds its channel layout by a bounded look-ahead (two minutes of audio, ten where nobody
    /// speaks in them) and stands at its first sample.
    pub fn open(path: &Path, limits: &AudioLimits) -> Result<Self, AudioError> {
        let ffmpeg = ffmpeg_program();
        let format = probe(path)?;
        let mut stream = open_stream(path, format, limits, ffmpeg.as_deref())?;
        let layout = layout::detect(&mut *stream)?;
        if stream.spec().channels == 2 {
            stream = open_stream(path, format, limits, ffmpeg.as_deref())?;
        }
        Self::start(stream, layout, *limits, path)
    }

    fn start(
        mut stream: Box<dyn ChannelStream>,
        layout: ChannelLayout,
        limits: AudioLimits,
        path: &Path,
    ) -> Result<Self, AudioError> {
        let spec = stream.spec().clone();
        limits.check_frames(spec.frames.unwrap_or(0), spec.sample_rate, path)?;
        let mut interleaved = Vec::new();
        if !stream.read(&mut interleaved)? {
            return Err(AudioError::NoSamples { format: spec.format, path: path.to_owned() });
        }
        let emitted = if layout == ChannelLayout::FakeStereo { 1 } else { spec.channels };
        let resampler =
            Resampler::new(spec.sample_rate, emitted).map_err(|error| AudioError::decode(&spec.format, error, path))?;
        Ok(Self {
            stream,
            layout,
            meters: (0..spec.channels).map(|_| QualityMeter::new(spec.sample_rate)).collect(),
            resampler,
            interleaved,
            planes: vec![Vec::new(); spec.channels.into()],
            frames: 0,
            handed_on: 0,
            ended: false,
            limits,
            path: path.to_owned(),
        })
    }

    /// Channels in the file.
    pub fn channels(&self) -> u16 {
        self.stream.spec().channels
    }

    /// Sample rate of the file, in hertz.
    pub fn sample_rate(&self) -> u32 {
        self.stream.spec().sample_rate
    }

    /// How the channels relate to the people on the call.
    pub fn layout(&self) -> ChannelLayout {
        self.layout
    }

    /// Channels of which blocks come: all of them, or the first of fake stereo.
    pub fn emitted_channels(&self) -> u16 {
        if self.layout == ChannelLayout::FakeStereo { 1 } else { self.channels() }
    }

    /// Appends about a second of audio, one block per channel; `false` at the end, and then nothing was appended.
    pub fn next_blocks(&mut self, out: &mut Vec<SampleBlock>) -> Result<bool, AudioError> {
        if self.ended {
            return Ok(false);
        }
        let enough = self.sample_rate() as usize * usize::from(self.channels());
        while self.interleaved.len() < enough && !self.ended {
            self.ended = !self.stream.read(&mut self.interleaved)?;
        }
        self.split();
        self.limits.check_frames(self.frames, self.sample_rate(), &self.path)?;
        self.emit(out)?;
        Ok(true)
    }

    /// Splits what was decoded into planes and measures it; no sample leaves here that is not finite and within ±1.
    fn split(&mut self) {
        let count = self.planes.len();
        for (channel, plane) in self.planes.iter_mut().enumerate() {
            plane.clear();
            let samples = self.interleaved.iter().skip(channel).step_by(count);
            plane.extend(samples.map(|sample| if sample.is_finite() { *sample } else { 0.0 }));
            self.meters[channel].push(plane);
            for sample in plane {
                *sample = sample.clamp(-1.0, 1.0);
            }
        }
        self.frames += (self.interleaved.len() / count) as u64;
        self.interleaved.clear();
    }

    fn emit(&mut self, out: &mut Vec<SampleBlock>) -> Result<(), AudioError> {
        let emitted = usize::from(self.emitted_channels());
        let mut blocks = vec![Vec::new(); emitted];
        let mut done = self.resampler.push(&self.planes[..emitted], &mut blocks);
        if self.ended {
            done = done.and_then(|()| self.resampler.finish(&mut blocks));
        }
        done.map_err(|error| AudioError::decode(&self.stream.spec().format, error, &self.path))?;
        let start_sample = self.handed_on;
        self.handed_on += blocks.first().map_or(0, Vec::len) as u64;
        let blocks = blocks.into_iter().enumerate().filter(|(_, samples)| !samples.is_empty());
        out.extend(blocks.map(|(channel, samples)| SampleBlock { channel: channel as u16, start_sample, samples }));
        Ok(())
    }

    /// What the recording was. Audio that was not read yet is decoded first, so that the measures cover all of it.
    pub fn finish(mut self) -> Result<AudioInfo, AudioError> {
        let mut rest = Vec::new();
        while self.next_blocks(&mut rest)? {
            rest.clear();
        }
        let spec = self.stream.spec().clone();
        let rate = u64::from(spec.sample_rate);
        let meters = self.meters.into_iter().enumerate();
        Ok(AudioInfo {
            sha256: file_sha256(&self.path)?,
            format: spec.format,
            decoder: spec.decoder.to_owned(),
            sample_rate: spec.sample_rate,
            channels: spec.channels,
            layout: self.layout,
            duration_ms: ((self.frames * 1000 + rate / 2) / rate) as i64,
            quality: meters.map(|(channel, meter)| meter.finish(channel as u16)).collect(),
            marks: Vec::new(),
            gaps: Vec::new(),
            levels: Vec::new(),
        })
    }
}

/// Channel layout of a file, without decoding more of it than that takes.
pub fn probe_layout(path: &Path, limits: &AudioLimits) -> Result<ChannelLayout, AudioError> {
    let mut stream = open_stream(path, probe(path)?, limits, ffmpeg_program().as_deref())?;
    layout::detect(&mut *stream)
}

/// SHA-256 of a file, lower-case hexadecimal.
pub fn file_sha256(path: &Path) -> Result<String, AudioError> {
    let io = |error| AudioError::io(error, path);
    let mut file = File::open(path).map_err(io)?;
    let (mut hash, mut buffer) = (Sha256::new(), vec![0; 256 * 1024]);
    loop {
        match file.read(&mut buffer).map_err(io)? {
            0 => return Ok(hex(&hash.finalize())),
            got => hash.update(&buffer[..got]),
        }
    }
}

/// Opens the decoder that the table names; what symphonia refuses is offered to ffmpeg.
fn open_stream(
    path: &Path,
    format: &Format,
    limits: &AudioLimits,
    ffmpeg: Option<&Path>,
) -> Result<Box<dyn ChannelStream>, AudioError> {
    match format.decoder {
        Decoder::Riff => open_riff(path, limits),
        Decoder::Raw => open_raw(path, format, limits),
        Decoder::Ffmpeg(args) => Ok(Box::new(FfmpegSource::open(ffmpeg, path, format.name, args, limits)?)),
        Decoder::None => Err(AudioError::Unsupported {
            format: format.name.to_owned(),
            mend: format.note.to_owned(),
            path: path.to_owned(),
        }),
        Decoder::Symphonia | Decoder::Opus => match SymphoniaSource::open(path, format.name, limits) {
            Ok(source) => Ok(Box::new(source)),
            Err(error @ (AudioError::Io { .. } | AudioError::Limit { .. })) => Err(error),
            Err(error) => match FfmpegSource::open(ffmpeg, path, format.name, &[], limits) {
                Ok(source) => Ok(Box::new(source)),
                Err(_) => Err(error),
            },
        },
    }
}

fn open_riff(path: &Path, limits: &AudioLimits) -> Result<Box<dyn ChannelStream>, AudioError> {
    let file = File::open(path).map_err(|error| AudioError::io(error, path))?;
    let bytes = file.metadata().map_err(|error| AudioError::io(error, path))?.len();
    Ok(Box::new(RiffSource::open(BufReader::new(file), limits, path)?.with_file_bytes(bytes)))
}

fn open_raw(path: &Path, format: &Format, limits: &AudioLimits) -> Result<Box<dyn ChannelStream>, AudioError> {
    let file = File::open(path).map_err(|error| AudioError::io(error, path))?;
    let (tag, sample_bytes) = match format.name {
        "alaw" => (TAG_ALAW, 1),
        "mulaw" => (TAG_ULAW, 1),
        _ => (TAG_PCM, 2),
    };
    let header = WavHeader { tag, channels: 1, sample_rate: 8000, sample_bytes, data_bytes: None };
    let source = RiffSource::with_header(BufReader::new(file), header, limits, path)?;
    Ok(Box::new(source.renamed(format.name, "callsift-riff")))
}
