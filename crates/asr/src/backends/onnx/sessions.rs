//! The three graphs of a model, run on one thread.

use std::borrow::Cow;

use callsift_models::onnx::{SharedWeights, session_sharing};
use callsift_whisper::mel::LogMel;
use callsift_whisper::{Dims, ModelFolder, graph};
use ort::session::{Session, SessionInputValue};
use ort::value::{DynValue, Tensor, TensorRef};

use crate::AsrError;

/// Added to a score so that nothing is left of it.
const NEVER: f32 = -1e9;

/// The graphs with their names and sizes.
pub(super) struct Sessions {
    dims: Dims,
    mel: LogMel,
    encoder: Session,
    cross: Session,
    decoder: Session,
    names: Names,
}

struct Names {
    past: Vec<String>,
    cross: Vec<String>,
    now: Vec<String>,
}

/// Weights in memory once, for all threads.
pub(super) struct Shared {
    encoder: SharedWeights,
    cross: SharedWeights,
    decoder: SharedWeights,
}

impl Shared {
    pub(super) fn new() -> Result<Self, AsrError> {
        Ok(Self { encoder: SharedWeights::new()?, cross: SharedWeights::new()?, decoder: SharedWeights::new()? })
    }
}

/// Hidden states of one window: positions × width.
pub(super) struct Hidden {
    values: Vec<f32>,
    positions: usize,
}

/// Keys and values of a batch of windows.
pub(super) struct Heard {
    /// Keys of each layer, then values of each layer.
    values: Vec<DynValue>,
    mask: Vec<f32>,
    windows: usize,
    positions: usize,
}

/// Keys and values of the tokens so far: of each layer the keys, then of each layer the values.
pub(super) struct Past {
    values: Vec<DynValue>,
    /// Tokens so far.
    pub len: usize,
}

/// What a step gave.
pub(super) struct Step {
    logits: DynValue,
    text_lse: Vec<f32>,
    time_lse: Vec<f32>,
    alignment: DynValue,
    pub past: Past,
}

/// Tokens of a step.
pub(super) struct Tokens<'a> {
    /// Rows × n.
    pub ids: &'a [i64],
    pub rows: usize,
    /// Positions of the flattened rows × n whose logits are wanted.
    pub take: &'a [i64],
}

impl Sessions {
    pub(super) fn open(folder: &ModelFolder, shared: &Shared) -> Result<Self, AsrError> {
        let open = |name: &str, shared| session_sharing(&folder.path.join(name), 1, shared);
        let dims = folder.info.dims;
        let both = |a: &str, b: &str| -> Vec<String> {
            let of = |name: &str| (0..dims.n_text_layer).map(|i| format!("{name}.{i}")).collect::<Vec<_>>();
            [of(a), of(b)].concat()
        };
        let names = Names { past: both("past_k", "past_v"), cross: both("cross_k", "cross_v"), now: both("k", "v") };
        Ok(Self {
            dims,
            mel: LogMel::new(dims.n_mels),
            encoder: open(graph::ENCODER, &shared.encoder)?,
            cross: open(graph::CROSS, &shared.cross)?,
            decoder: open(graph::DECODER, &shared.decoder)?,
            names,
        })
    }

    /// Hidden states over so many positions of 20 ms; samples beyond them are not heard, silence fills the rest.
    pub(super) fn encode(&mut self, samples: &[f32], positions: usize) -> Result<Hidden, AsrError> {
        let frames = 2 * positions;
        let mel = self.mel.compute(samples, frames);
        let input = TensorRef::from_array_view(([1, self.dims.n_mels, frames], &mel[..]))?;
        let outputs = self.encoder.run(ort::inputs! { "mel" => input })?;
        let values = outputs["hidden"].try_extract_tensor::<f32>()?.1.to_vec();
        Ok(Hidden { values, positions })
    }

    /// Keys and values of a batch; shorter windows are filled up, and a mask says where.
    pub(super) fn hear(&mut self, batch: &[Hidden]) -> Result<Heard, AsrError> {
        let width = self.dims.n_audio_state;
        let positions = batch.iter().map(|h| h.positions).max().unwrap_or(1);
        let mut hidden = vec![0.0; batch.len() * positions * width];
        let mut mask = vec![NEVER; batch.len() * positions];
        for (i, window) in batch.iter().enumerate() {
            let at = i * positions * width;
            hidden[at..at + window.values.len()].copy_from_slice(&window.values);
            mask[i * positions..i * positions + window.positions].fill(0.0);
        }
        let input = TensorRef::from_array_view(([batch.len(), positions, width], &hidden[..]))?;
        let mut outputs = self.cross.run(ort::inputs! { "hidden" => input })?;
        let values = self.names.cross.iter().map(|name| taken(&mut outputs, name)).collect::<Result<_, _>>()?;
        Ok(Heard { values, mask, windows: batch.len(), positions })
    }

    /// No tokens yet, for so many rows.
    pub(super) fn no_past(&self, rows: usize) -> Result<Past, AsrError> {
        let shape = [rows, self.dims.n_text_head, 0, self.head()];
        let empty = || Ok(Tensor::<f32>::from_array((shape, Vec::<f32>::new()))?.into_dyn());
        let values = (0..2 * self.dims.n_text_layer).map(|_| empty()).collect::<Result<_, AsrError>>()?;
        Ok(Past { values, len: 0 })
    }

    fn head(&self) -> usize {
        self.dims.n_text_state / self.dims.n_text_head.max(1)
    }

    /// One step for all rows; rows of one window stand together.
    pub(super) fn step(&mut self, heard: &Heard, past: &Past, tokens: &Tokens<'_>) -> Result<Step, AsrError> {
        let n = tokens.ids.len() / tokens.rows.max(1);
        let positions: Vec<i64> = (past.len..past.len + n).map(|p| p as i64).collect();
        let all = past.len + n;
        let mask: Vec<f32> =
            (0..n).flat_map(|i| (0..all).map(move |j| if j > past.len + i { NEVER } else { 0.0 })).collect();
        let mut inputs: Vec<(Cow<'_, str>, SessionInputValue<'_>)> = vec![
            ("tokens".into(), TensorRef::from_array_view(([tokens.rows, n], tokens.ids))?.into()),
            ("positions".into(), TensorRef::from_array_view(([n], &positions[..]))?.into()),
            ("mask".into(), TensorRef::from_array_view(([n, all], &mask[..]))?.into()),
            ("cross_mask".into(), heard.mask_view()?.into()),
            ("take".into(), TensorRef::from_array_view(([tokens.take.len()], tokens.take))?.into()),
        ];
        let given = self.names.past.iter().zip(&past.values).chain(self.names.cross.iter().zip(&heard.values));
        inputs.extend(given.map(|(name, value)| (Cow::from(name.as_str()), value.into())));
        let mut outputs = self.decoder.run(inputs)?;
        let values = self.names.now.iter().map(|name| taken(&mut outputs, name)).collect::<Result<_, _>>()?;
        Ok(Step {
            text_lse: outputs["text_lse"].try_extract_tensor::<f32>()?.1.to_vec(),
            time_lse: outputs["time_lse"].try_extract_tensor::<f32>()?.1.to_vec(),
            logits: taken(&mut outputs, "logits")?,
            alignment: taken(&mut outputs, "alignment")?,
            past: Past { values, len: all },
        })
    }
}

fn taken(outputs: &mut ort::session::SessionOutputs<'_>, name: &str) -> Result<DynValue, AsrError> {
    outputs.remove(name).ok_or_else(|| AsrError::Decode(format!("the graph gave no {name}")))
}

impl Heard {
    fn mask_view(&self) -> Result<TensorRef<'_, f32>, AsrError> {
        Ok(TensorRef::from_array_view(([self.windows, 1, 1, self.positions], &self.mask[..]))?)
    }

    /// Only some of the windows.
    pub(super) fn keep(&self, windows: &[usize]) -> Result<Self, AsrError> {
        let values = self.values.iter().map(|v| gather(v, windows)).collect::<Result<_, _>>()?;
        let mask = windows.iter().flat_map(|w| &self.mask[w * self.positions..(w + 1) * self.positions]);
        Ok(Self { values, mask: mask.copied().collect(), windows: windows.len(), positions: self.positions })
    }
}

impl Past {
    /// Hypotheses in it.
    pub(super) fn rows(&self) -> usize {
        let shape = self.values.first().map(DynValue::shape);
        shape.and_then(|s| s.first()).map_or(0, |d| usize::try_from(*d).unwrap_or(0))
    }

    /// The first so many tokens of a past of one row, for so many rows.
    pub(super) fn repeat(&self, len: usize, rows: usize) -> Result<Self, AsrError> {
        let values = self.values.iter().map(|v| repeat(v, len, rows)).collect::<Result<_, _>>()?;
        Ok(Self { values, len })
    }

    /// Rows in another order, some perhaps more than once.
    pub(super) fn reorder(&self, rows: &[usize]) -> Result<Self, AsrError> {
        let values = self.values.iter().map(|v| gather(v, rows)).collect::<Result<_, _>>()?;
        Ok(Self { values, len: self.len })
    }
}

/// One row of heads × tokens × width, cut after so many tokens, so many times.
fn repeat(value: &DynValue, len: usize, rows: usize) -> Result<DynValue, AsrError> {
    let (shape, data) = value.try_extract_tensor::<f32>()?;
    let size = |i: usize| shape.get(i).map_or(0, |d| usize::try_from(*d).unwrap_or(0));
    let (heads, tokens, width) = (size(1), size(2), size(3));
    let len = len.min(tokens);
    let mut row = Vec::with_capacity(heads * len * width);
    for head in data.chunks(tokens * width).take(heads) {
        row.extend_from_slice(&head[..len * width]);
    }
    Ok(Tensor::from_array(([rows, heads, len, width], row.repeat(rows)))?.into_dyn())
}

/// Slices of the first dimension, in the order given.
fn gather(value: &DynValue, rows: &[usize]) -> Result<DynValue, AsrError> {
    let (shape, data) = value.try_extract_tensor::<f32>()?;
    let mut shape: Vec<usize> = shape.iter().map(|d| usize::try_from(*d).unwrap_or(0)).collect();
    let stride: usize = shape[1..].iter().product();
    let mut out = Vec::with_capacity(rows.len() * stride);
    for row in rows {
        out.extend_from_slice(data.get(row * stride..(row + 1) * stride).unwrap_or(&[]));
    }
    shape[0] = rows.len();
    Ok(Tensor::from_array((shape, out))?.into_dyn())
}

impl Step {
    /// The `i`-th of the logits that were asked for.
    pub(super) fn row(&self, i: usize) -> Result<super::rules::Row<'_>, AsrError> {
        let (shape, data) = self.logits.try_extract_tensor::<f32>()?;
        let width = shape.get(1).map_or(0, |d| usize::try_from(*d).unwrap_or(0));
        let logits = data.get(i * width..(i + 1) * width).unwrap_or(&[]);
        let lse = |all: &[f32]| all.get(i).copied().unwrap_or(f32::NEG_INFINITY);
        Ok(super::rules::Row { logits, text_lse: lse(&self.text_lse), time_lse: lse(&self.time_lse) })
    }

    /// Attention of the alignment heads at one place (row of the window × tokens), over the window's own frames.
    pub(super) fn attention(&self, window: usize, place: usize, frames: usize) -> Result<Vec<f32>, AsrError> {
        let (shape, data) = self.alignment.try_extract_tensor::<f32>()?;
        let size = |i: usize| shape.get(i).map_or(0, |d| usize::try_from(*d).unwrap_or(0));
        let (heads, places, positions) = (size(1), size(2), size(3));
        let mut out = Vec::with_capacity(heads * frames);
        for head in 0..heads {
            let at = ((window * heads + head) * places + place) * positions;
            let row = data.get(at..at + positions).unwrap_or(&[]);
            out.extend_from_slice(&row[..frames.min(row.len())]);
            out.resize((head + 1) * frames, 0.0);
        }
        Ok(out)
    }
}
