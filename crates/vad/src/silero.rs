//! Silero VAD through ONNX Runtime.
//!
//! The graph is the "sequence" form that the silero-vad wheel carries: input `[frames, 64 + 512]` at 16 kHz, each frame
//! with the last 64 samples of the one before it, and the LSTM's state `h`, `c` of `[1, 1, 128]`. Its probabilities equal
//! those of the one-frame graph bit for bit, at a third of the cost.

use std::path::Path;

use callsift_models::{locate_file, onnx};
use ort::session::Session;
use ort::value::TensorRef;

use crate::{FRAME_SAMPLES, SpeechProbability, VadError};

/// File name of the graph; `make setup` brings it (`silero_vad_16k_sequence.onnx` in the wheel).
pub const SILERO_FILE: &str = "silero_vad.onnx";

const CONTEXT: usize = 64;
const INPUT: usize = CONTEXT + FRAME_SAMPLES;
const STATE: usize = 128;

/// Silero's state for one channel. The session inside is heavy: keep the value and reuse it for the next recording.
pub struct SileroVad {
    session: Session,
    context: [f32; CONTEXT],
    h: [f32; STATE],
    c: [f32; STATE],
    input: Vec<f32>,
}

impl SileroVad {
    /// Opens the graph where `make setup` put it.
    pub fn open_default() -> Result<Self, VadError> {
        Self::open(&locate_file(SILERO_FILE)?)
    }

    /// Opens a graph of the same form.
    pub fn open(model: &Path) -> Result<Self, VadError> {
        let session = onnx::session(model, 1)?;
        let names = |outlets: &[ort::value::Outlet]| outlets.iter().map(|o| o.name().to_owned()).collect::<Vec<_>>();
        let (inputs, outputs) = (names(session.inputs()), names(session.outputs()));
        if inputs != ["input", "h", "c"] || outputs != ["speech_probs", "hn", "cn"] {
            return Err(VadError::Run(format!("not the sequence form of silero: takes {inputs:?}, gives {outputs:?}")));
        }
        Ok(Self { session, context: [0.0; CONTEXT], h: [0.0; STATE], c: [0.0; STATE], input: Vec::new() })
    }

    fn run(&mut self, frames: usize, out: &mut Vec<f32>) -> Result<(), ort::Error> {
        let inputs = ort::inputs! {
            "input" => TensorRef::from_array_view(([frames, INPUT], &self.input[..]))?,
            "h" => TensorRef::from_array_view(([1, 1, STATE], &self.h[..]))?,
            "c" => TensorRef::from_array_view(([1, 1, STATE], &self.c[..]))?,
        };
        let outputs = self.session.run(inputs)?;
        out.extend_from_slice(outputs["speech_probs"].try_extract_tensor::<f32>()?.1);
        for (state, name) in [(&mut self.h, "hn"), (&mut self.c, "cn")] {
            let new = outputs[name].try_extract_tensor::<f32>()?.1;
            state.copy_from_slice(new.get(..STATE).unwrap_or(&[0.0; STATE]));
        }
        Ok(())
    }
}

impl SpeechProbability for SileroVad {
    fn frames(&mut self, samples: &[f32], out: &mut Vec<f32>) -> Result<(), VadError> {
        self.input.clear();
        for frame in samples.as_chunks::<FRAME_SAMPLES>().0 {
            self.input.extend_from_slice(&self.context);
            self.input.extend_from_slice(frame);
            self.context.copy_from_slice(&frame[FRAME_SAMPLES - CONTEXT..]);
        }
        let frames = self.input.len() / INPUT;
        if frames == 0 {
            return Ok(());
        }
        self.run(frames, out).map_err(|error| VadError::Run(error.to_string()))
    }

    fn reset(&mut self) {
        self.context = [0.0; CONTEXT];
        self.h = [0.0; STATE];
        self.c = [0.0; STATE];
    }
}
