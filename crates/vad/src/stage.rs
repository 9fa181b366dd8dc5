//! The stage of one channel.

use callsift_core::{SAMPLE_RATE, SampleBlock, SpeechSegment, Stage};

use crate::{FRAME_SAMPLES, SegmentBuilder, SpeechProbability, VadError, VadOptions};

/// Frames given to the detector at once: about a second. The groups are counted from the start of the stream, not by
/// block, so that the detector's sums never depend on how the audio was cut.
const GROUP_FRAMES: usize = 32;

/// Voice activity detection of one channel; use one value per channel, and again for the next recording.
pub struct Vad<P> {
    detector: P,
    segments: SegmentBuilder,
    /// Samples of the group that is being filled.
    group: Vec<f32>,
    probabilities: Vec<f32>,
    /// Samples taken.
    taken: u64,
    channel: Option<u16>,
}

impl<P: SpeechProbability> Vad<P> {
    /// Joins a detector and the rules of segmentation; refuses options that make no sense.
    pub fn new(options: VadOptions, detector: P) -> Result<Self, VadError> {
        let segments = SegmentBuilder::new(options)?;
        Ok(Self { detector, segments, group: Vec::new(), probabilities: Vec::new(), taken: 0, channel: None })
    }

    /// No segment that comes later starts before this time, in milliseconds: audio before it may be dropped. It lags
    /// behind the audio by at most the padding and one group (1.3 s in all) where nobody speaks.
    pub fn settled_ms(&self) -> i64 {
        self.segments.settled_ms()
    }

    /// Forgets an unfinished stream, after an error.
    pub fn reset(&mut self) {
        self.segments.finish(0, 0, &mut Vec::new());
        self.detector.reset();
        self.group.clear();
        (self.taken, self.channel) = (0, None);
    }

    fn check_order(&mut self, block: &SampleBlock) -> Result<u16, VadError> {
        let channel = *self.channel.get_or_insert(block.channel);
        if (block.channel, block.start_sample) == (channel, self.taken) {
            return Ok(channel);
        }
        Err(VadError::Order {
            channel: block.channel,
            found: block.start_sample,
            expected_channel: channel,
            expected: self.taken,
        })
    }

    fn run_group(&mut self, channel: u16, out: &mut Vec<SpeechSegment>) -> Result<(), VadError> {
        self.probabilities.clear();
        self.detector.frames(&self.group, &mut self.probabilities)?;
        self.group.clear();
        for &probability in &self.probabilities {
            self.segments.push(channel, probability, out);
        }
        Ok(())
    }
}

impl<P: SpeechProbability> Stage<&SampleBlock, SpeechSegment> for Vad<P> {
    type Error = VadError;

    fn push(&mut self, block: &SampleBlock, out: &mut Vec<SpeechSegment>) -> Result<(), VadError> {
        let channel = self.check_order(block)?;
        let mut samples = &block.samples[..];
        while !samples.is_empty() {
            let room = GROUP_FRAMES * FRAME_SAMPLES - self.group.len();
            let (now, later) = samples.split_at(room.min(samples.len()));
            self.group.extend_from_slice(now);
            samples = later;
            if now.len() == room {
                self.run_group(channel, out)?;
            }
        }
        self.taken += block.samples.len() as u64;
        Ok(())
    }

    /// The last partial frame is filled up with silence.
    fn finish(&mut self, out: &mut Vec<SpeechSegment>) -> Result<(), VadError> {
        let channel = self.channel.unwrap_or(0);
        self.group.resize(self.group.len().next_multiple_of(FRAME_SAMPLES), 0.0);
        let done = self.run_group(channel, out);
        let total_ms = (self.taken * 1000).div_ceil(SAMPLE_RATE.into()) as i64;
        self.segments.finish(channel, total_ms, out);
        self.reset();
        done
    }
}
