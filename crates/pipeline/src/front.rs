//! The front of the line for one call: decode, find speech, pack windows, in bounded memory.

use std::path::Path;

use callsift_asr::{Packer, Window};
use callsift_audio::{AudioReader, file_sha256};
use callsift_core::{AudioInfo, LevelTrack, SampleBlock, SpeechSegment, Stage, StageName};
use callsift_vad::{CrossTalkGate, Vad};

use crate::engine::{Detector, Engine};
use crate::error::PipelineError;

/// A stage that failed and why.
pub type Failed = (StageName, String);

/// The front of one thread: its detectors are opened once and serve call after call.
pub struct Front<'a> {
    engine: &'a Engine,
    vads: Vec<Vad<Detector>>,
}

/// One channel's way from samples to windows.
struct Lane<'a> {
    vad: &'a mut Vad<Detector>,
    packer: Packer,
    segments: Vec<SpeechSegment>,
}

impl Lane<'_> {
    /// Looks for speech; the samples themselves were given to the packer before.
    fn find(&mut self, block: &SampleBlock, out: &mut Vec<Window>) -> Result<(), Failed> {
        self.vad.push(block, &mut self.segments).map_err(vad_failed)?;
        self.pack(out);
        self.packer.release_before(self.vad.settled_ms());
        Ok(())
    }

    fn finish(&mut self, out: &mut Vec<Window>) -> Result<(), Failed> {
        self.vad.finish(&mut self.segments).map_err(vad_failed)?;
        self.pack(out);
        self.packer.finish(out);
        Ok(())
    }

    fn pack(&mut self, out: &mut Vec<Window>) {
        for segment in self.segments.drain(..) {
            self.packer.push_segment(segment, out);
        }
    }
}

/// Raises a quiet channel for those who listen; levels and cross-talk are measured before.
pub(crate) fn raise(block: &mut SampleBlock, gains: &[f32]) {
    let gain = gains.get(usize::from(block.channel)).copied().unwrap_or(1.0);
    if gain > 1.0 {
        block.samples.iter_mut().for_each(|sample| *sample = (*sample * gain).clamp(-1.0, 1.0));
    }
}

fn vad_failed(error: impl std::error::Error) -> Failed {
    (StageName::Vad, error.to_string())
}

#[expect(clippy::needless_pass_by_value, reason = "the shape that `map_err` wants")]
fn audio_failed(error: callsift_audio::AudioError) -> Failed {
    (StageName::Audio, error.to_string())
}

impl<'a> Front<'a> {
    /// A front; opens one detector, so that a missing model shows at once.
    ///
    /// # Errors
    /// The model of voice activity detection or its runtime is missing.
    pub fn new(engine: &'a Engine) -> Result<Self, PipelineError> {
        Ok(Self { engine, vads: vec![engine.vad()?] })
    }

    /// Decodes a recording and hands each window to `emit` as soon as it is full; `emit` says whether to go on.
    ///
    /// # Errors
    /// The stage that failed and why; windows already handed over are void then.
    pub fn run(&mut self, path: &Path, emit: &mut dyn FnMut(Window) -> bool) -> Result<AudioInfo, Failed> {
        let config = &self.engine.config;
        let mut reader = AudioReader::open(path, &config.audio).map_err(audio_failed)?;
        while self.vads.len() < usize::from(reader.emitted_channels()) {
            self.vads.push(self.engine.vad().map_err(vad_failed)?);
        }
        // A call that failed half-way leaves its stream open.
        self.vads.iter_mut().for_each(Vad::reset);
        let lane = |(channel, vad)| Lane { vad, packer: Packer::new(channel, &config.asr), segments: Vec::new() };
        let mut lanes: Vec<Lane<'_>> = (0..reader.emitted_channels()).zip(&mut self.vads).map(lane).collect();
        // The gate only decides what counts as speech; the recogniser hears the recording as it is.
        let (mut blocks, mut gated, mut windows) = (Vec::new(), Vec::new(), Vec::new());
        let mut levels = vec![LevelTrack::default(); lanes.len()];
        let gains: Vec<f32> = (0..reader.emitted_channels()).map(|channel| reader.gain(channel)).collect();
        let mut gate = CrossTalkGate::before(gains.clone());
        let mut more = true;
        while more {
            more = reader.next_blocks(&mut blocks).map_err(audio_failed)?;
            gate.push(&blocks, &mut gated);
            if !more {
                gate.finish(&mut gated);
            }
            for mut block in blocks.drain(..) {
                let channel = usize::from(block.channel);
                if let (Some(lane), Some(track)) = (lanes.get_mut(channel), levels.get_mut(channel)) {
                    track.push(&block.samples);
                    raise(&mut block, &gains);
                    lane.packer.push_samples(&block.samples);
                }
            }
            for mut block in gated.drain(..) {
                raise(&mut block, &gains);
                if let Some(lane) = lanes.get_mut(usize::from(block.channel)) {
                    lane.find(&block, &mut windows)?;
                }
            }
            if !windows.drain(..).all(&mut *emit) {
                return Err((StageName::Asr, "the run was stopped".to_owned()));
            }
        }
        for lane in &mut lanes {
            lane.finish(&mut windows)?;
        }
        windows.drain(..).all(&mut *emit);
        let info = reader.finish().map_err(audio_failed)?;
        Ok(AudioInfo { levels, ..info })
    }
}

/// SHA-256 of a recording, to see whether the lake holds it already; empty where it cannot be read.
pub fn recording_sha256(path: &Path) -> String {
    file_sha256(path).unwrap_or_default()
}
