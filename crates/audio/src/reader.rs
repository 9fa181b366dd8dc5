//! The stage itself: a file in, blocks of 16 kHz samples per channel out.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use callsift_core::{AudioInfo, AudioMark, ChannelLayout, SampleBlock, hex};
use sha2::{Digest, Sha256};

use crate::layout::Comparison;
use crate::level::{Level, LevelProbe};
use crate::open::Recording;
use crate::quality::QualityMeter;
use crate::remarks::Remarks;
use crate::stream::ChannelStream;
use crate::{AudioError, AudioLimits, Resampler};

/// Length by which a recording may fall short of what its container promises, or go beyond it, in milliseconds: a frame or
/// two of a codec, delay and padding.
const PROMISE_MS: u64 = 300;

/// A recording that ends on one value so far from the middle was never written to its end: zero bytes are −0.17 in A-law and
/// −0.98 in µ-law. A line at rest lies near the middle; speech never stays on one value for a fifth of a second.
const STUCK: f32 = 0.1;
const STUCK_MS: u64 = 200;

/// A recording that is being decoded.
///
/// Where one channel holds everything (fake stereo, a dead leg), blocks come of that one only, as channel 0;
/// [`AudioInfo::quality`] still covers every channel of the file.
pub struct AudioReader {
    stream: Box<dyn ChannelStream>,
    layout: ChannelLayout,
    /// Channels of the file of which blocks come.
    emitted: Vec<usize>,
    levels: Vec<Level>,
    remarks: Remarks,
    meters: Vec<QualityMeter>,
    resampler: Resampler,
    /// Interleaved samples as decoded, then one plane per channel.
    interleaved: Vec<f32>,
    planes: Vec<Vec<f32>>,
    /// By channel: the value of the newest sample, and how often it came in a row.
    runs: Vec<(f32, u64)>,
    /// Frames decoded, at the file's rate.
    frames: u64,
    /// Samples handed on per channel, at 16 kHz.
    handed_on: u64,
    ended: bool,
    limits: AudioLimits,
    path: PathBuf,
}

impl AudioReader {
    /// Probes the file, goes through it once for its channel layout and its levels, and stands at its first sample.
    pub fn open(path: &Path, limits: &AudioLimits) -> Result<Self, AudioError> {
        let recording = Recording::find(path, limits)?;
        let (mut stream, _) = recording.open()?;
        let heard = listen(&mut *stream, limits, path)?;
        let (stream, remarks) = recording.open()?;
        Self::start(stream, heard, remarks, limits.clone(), path)
    }

    fn start(
        mut stream: Box<dyn ChannelStream>,
        heard: Heard,
        remarks: Remarks,
        limits: AudioLimits,
        path: &Path,
    ) -> Result<Self, AudioError> {
        let spec = stream.spec().clone();
        let mut interleaved = Vec::new();
        if !stream.read(&mut interleaved)? {
            return Err(AudioError::NoSamples { format: spec.format, path: path.to_owned() });
        }
        let emitted = heard.only.map_or_else(|| (0..usize::from(spec.channels)).collect(), |only| vec![only]);
        let resampler = Resampler::new(spec.sample_rate, emitted.len() as u16)
            .map_err(|error| AudioError::decode(&spec.format, error, path))?;
        Ok(Self {
            stream,
            layout: heard.layout,
            emitted,
            levels: heard.levels,
            remarks,
            meters: (0..spec.channels).map(|_| QualityMeter::new(spec.sample_rate)).collect(),
            resampler,
            interleaved,
            planes: vec![Vec::new(); spec.channels.into()],
            runs: vec![(0.0, 0); spec.channels.into()],
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

    /// Channels of which blocks come: all of them, or one where that holds everything.
    pub fn emitted_channels(&self) -> u16 {
        self.emitted.len() as u16
    }

    /// By how much the blocks of a channel are to be raised for those who listen, so that quiet lines are heard like loud
    /// ones; 1 where they are loud enough.
    pub fn gain(&self, channel: u16) -> f32 {
        let level = self.emitted.get(usize::from(channel)).and_then(|from| self.levels.get(*from));
        level.map_or(1.0, |level| level.gain)
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
            count_run(&mut self.runs[channel], plane);
            self.meters[channel].count_clipped(plane);
            if let Some(offset) = self.levels.get_mut(channel).and_then(|level| level.offset.as_mut()) {
                offset.apply(plane);
            }
            self.meters[channel].push(plane);
            for sample in plane {
                *sample = sample.clamp(-1.0, 1.0);
            }
        }
        self.frames += (self.interleaved.len() / count) as u64;
        self.interleaved.clear();
    }

    fn emit(&mut self, out: &mut Vec<SampleBlock>) -> Result<(), AudioError> {
        let mut blocks = vec![Vec::new(); self.emitted.len()];
        let planes: Vec<&[f32]> = self.emitted.iter().map(|channel| &self.planes[*channel][..]).collect();
        let mut done = self.resampler.push(&planes, &mut blocks);
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
        let duration_ms = (self.frames * 1000 + rate / 2) / rate;
        let mut remarks = self.stream.remarks();
        self.remarks.marks().into_iter().for_each(|mark| remarks.mark(mark));
        let never_written = |(value, length): &(f32, u64)| value.abs() >= STUCK && length * 1000 >= STUCK_MS * rate;
        if self.runs.iter().any(never_written) {
            remarks.mark(AudioMark::Truncated);
        }
        if let Some(promised) = spec.promised_ms {
            compare(duration_ms, promised, &mut remarks);
        }
        Ok(AudioInfo {
            sha256: file_sha256(&self.path)?,
            format: spec.format,
            decoder: spec.decoder.to_owned(),
            sample_rate: spec.sample_rate,
            channels: spec.channels,
            layout: self.layout,
            duration_ms: duration_ms as i64,
            quality: meters.map(|(channel, meter)| meter.finish(channel as u16)).collect(),
            marks: remarks.marks(),
            gaps: remarks.gaps_ms(spec.sample_rate),
            levels: Vec::new(),
        })
    }
}

/// How often the newest sample came in a row.
#[expect(clippy::float_cmp, reason = "bytes that were never written decode to one value exactly")]
fn count_run(run: &mut (f32, u64), samples: &[f32]) {
    for &sample in samples {
        *run = if sample == run.0 { (sample, run.1 + 1) } else { (sample, 1) };
    }
}

/// Less than was promised is missing at the end; more shows that the promise was wrong.
fn compare(decoded_ms: u64, promised_ms: u64, remarks: &mut Remarks) {
    if decoded_ms + PROMISE_MS < promised_ms {
        remarks.mark(AudioMark::Truncated);
    } else if promised_ms + PROMISE_MS < decoded_ms {
        remarks.mark(AudioMark::HeaderMismatch);
    }
}

/// What a first pass over a recording found.
struct Heard {
    layout: ChannelLayout,
    only: Option<usize>,
    levels: Vec<Level>,
}

/// Goes through a whole stream: only all of it tells who has a channel of his own.
fn listen(stream: &mut dyn ChannelStream, limits: &AudioLimits, path: &Path) -> Result<Heard, AudioError> {
    let (channels, rate) = (stream.spec().channels, stream.spec().sample_rate);
    limits.check_frames(stream.spec().frames.unwrap_or(0), rate, path)?;
    let mut comparison = (channels == 2).then(|| Comparison::new(rate));
    let mut probes: Vec<LevelProbe> = (0..channels).map(|_| LevelProbe::new(rate)).collect();
    let (mut samples, mut frames) = (Vec::new(), 0);
    while stream.read(&mut samples)? {
        samples.iter_mut().filter(|sample| !sample.is_finite()).for_each(|sample| *sample = 0.0);
        for frame in samples.chunks_exact(usize::from(channels.max(1))) {
            probes.iter_mut().zip(frame).for_each(|(probe, sample)| probe.push(sample.clamp(-1.0, 1.0)));
            if let (Some(comparison), [left, right]) = (&mut comparison, frame) {
                comparison.push(left.clamp(-1.0, 1.0), right.clamp(-1.0, 1.0));
            }
        }
        frames += (samples.len() / usize::from(channels.max(1))) as u64;
        limits.check_frames(frames, rate, path)?;
        samples.clear();
    }
    let levels: Vec<Level> = probes.into_iter().map(LevelProbe::finish).collect();
    let found = match (comparison, &levels[..]) {
        (Some(comparison), [left, right]) => {
            let found = comparison.finish([left, right]);
            (found.layout, found.only)
        }
        _ if channels <= 1 => (ChannelLayout::Mono, None),
        _ => (ChannelLayout::Stereo, None),
    };
    Ok(Heard { layout: found.0, only: found.1, levels })
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
