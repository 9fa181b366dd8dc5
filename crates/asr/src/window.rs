//! A packed window and the way back to the recording's clock.

use callsift_core::{SAMPLE_RATE, TimeSpan};

/// Samples per millisecond at 16 kHz.
const SAMPLES_PER_MS: usize = SAMPLE_RATE as usize / 1000;

/// One speech segment inside a window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Piece {
    /// Where it lies in the window, milliseconds from the window's start.
    pub window: TimeSpan,
    /// Where it starts in the recording, milliseconds.
    pub source_start_ms: i64,
}

impl Piece {
    /// Where it lies in the recording.
    pub fn source(&self) -> TimeSpan {
        TimeSpan::new(self.source_start_ms, self.source_start_ms + self.window.len_ms())
    }

    /// Brings a time of the window to the recording's clock, clamped to the piece.
    pub fn to_source(&self, window_ms: i64) -> i64 {
        let inside = window_ms.clamp(self.window.start_ms, self.window.end_ms);
        self.source_start_ms + inside - self.window.start_ms
    }
}

/// Speech of one channel, packed with short silences between, decoded in one go.
#[derive(Debug, Clone, PartialEq)]
pub struct Window {
    /// Channel in the recording, from 0.
    pub channel: u16,
    /// 16 kHz mono samples.
    pub samples: Vec<f32>,
    /// The segments in it, in order, without overlap; never empty.
    pub pieces: Vec<Piece>,
}

impl Window {
    /// An empty window of a channel.
    pub(crate) fn new(channel: u16) -> Self {
        Self { channel, samples: Vec::new(), pieces: Vec::new() }
    }

    /// A window of one segment: the whole of some samples from the start of a channel.
    pub fn of_samples(channel: u16, samples: &[f32]) -> Self {
        let mut window = Self::new(channel);
        window.append(samples, 0, 0);
        window
    }

    /// Length in milliseconds.
    pub fn len_ms(&self) -> i64 {
        (self.samples.len() / SAMPLES_PER_MS) as i64
    }

    /// Speech in it, milliseconds.
    pub fn speech_ms(&self) -> i64 {
        self.pieces.iter().map(|p| p.window.len_ms()).sum()
    }

    /// Appends a segment after `gap_ms` of silence.
    pub(crate) fn append(&mut self, samples: &[f32], source_start_ms: i64, gap_ms: i64) {
        if !self.pieces.is_empty() {
            self.samples.extend(std::iter::repeat_n(0.0, gap_ms.max(0) as usize * SAMPLES_PER_MS));
        }
        let start_ms = self.len_ms();
        self.samples.extend_from_slice(samples);
        // Whole milliseconds, so that the next piece starts where its table row says.
        let rest = self.samples.len() % SAMPLES_PER_MS;
        if rest > 0 {
            self.samples.extend(std::iter::repeat_n(0.0, SAMPLES_PER_MS - rest));
        }
        self.pieces.push(Piece { window: TimeSpan::new(start_ms, self.len_ms()), source_start_ms });
    }

    /// A window of only some of the pieces, with the same gaps: for a second attempt.
    pub(crate) fn subset(&self, indices: &[usize], gap_ms: i64) -> Self {
        let mut out = Self::new(self.channel);
        for piece in indices.iter().filter_map(|i| self.pieces.get(*i)) {
            let from = (piece.window.start_ms as usize * SAMPLES_PER_MS).min(self.samples.len());
            let to = (piece.window.end_ms as usize * SAMPLES_PER_MS).clamp(from, self.samples.len());
            out.append(&self.samples[from..to], piece.source_start_ms, gap_ms);
        }
        out
    }

    /// The piece that holds a time of the window, or the nearest one.
    pub fn piece_at(&self, window_ms: i64) -> usize {
        let distance = |p: &Piece| (p.window.start_ms - window_ms).max(window_ms - p.window.end_ms).max(0);
        (0..self.pieces.len()).min_by_key(|i| distance(&self.pieces[*i])).unwrap_or(0)
    }
}
