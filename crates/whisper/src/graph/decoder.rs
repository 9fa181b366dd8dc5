//! One step of the decoder, over any number of rows and tokens.
//!
//! Rows are hypotheses; rows of one window stand together and share its keys and values (`rows` is a multiple of
//! `windows`). Keys and values of earlier tokens come in and go out one tensor per layer.

use super::builder::{Builder, Value};
use super::layers::{Layers, Precision, to_bits};
use super::onnx::{Attribute, Element};
use crate::{Checkpoint, Dims, WhisperError};

/// What of a vocabulary the graph knows.
pub(super) struct Tokens<'a> {
    /// Text tokens lie below it; it ends the text.
    pub end_of_text: u32,
    /// First time token.
    pub time_begin: u32,
    /// Text tokens that are never written: sounds and signs that nobody says.
    pub suppressed: &'a [u32],
}

struct Decoder<'a, 'w> {
    l: Layers<'a, 'w>,
    dims: Dims,
    mask: Value,
    cross_mask: Value,
    /// Shape of the rows' hidden states, and the shape that puts rows of a window side by side.
    rows: Option<(Value, Value)>,
    alignment: Vec<Value>,
}

/// Inputs: `tokens` `[rows, n]`, `positions` `[n]`, `mask` `[n, past + n]` (added to scores), `cross_mask`
/// `[windows, 1, 1, positions]`, `take` `[m]` (of the flattened rows × n), `past_k.i`, `past_v.i`, `cross_k.i`,
/// `cross_v.i`. Outputs: `logits` `[m, n_vocab]`, `text_lse` and `time_lse` `[m, 1]` (log of the summed exponentials
/// of text with the end token, of time tokens), `alignment` `[windows, heads, rows / windows × n, positions]`, `k.i`,
/// `v.i`.
pub(super) fn decoder<'w>(
    mut l: Layers<'_, 'w>,
    dims: &Dims,
    tokens: &Tokens<'_>,
    alignment: &[(usize, usize)],
) -> Result<Builder<'w>, WhisperError> {
    let width = dims.n_text_state;
    let ids = l.b.input("tokens", Element::I64, &["rows", "n"]);
    let positions = l.b.input("positions", Element::I64, &["n"]);
    let mask = l.b.input("mask", Element::F32, &["n", "all"]);
    let cross_mask = l.b.input("cross_mask", Element::F32, &["windows", "1", "1", "positions"]);
    let take = l.b.input("take", Element::I64, &["m"]);
    let embedding = l.tensor("decoder.token_embedding.weight", &[dims.n_vocab, width])?.data;
    let mut x = embed(&mut l, dims, &embedding, &ids, &positions)?;
    let mut d = Decoder { l, dims: *dims, mask, cross_mask, rows: None, alignment: Vec::new() };
    for i in 0..dims.n_text_layer {
        let heads: Vec<i64> = alignment.iter().filter(|a| a.0 == i).map(|a| a.1 as i64).collect();
        x = d.self_attention(&x, i)?;
        x = d.cross_attention(&x, i, &heads)?;
        x = d.l.mlp(&x, &format!("decoder.blocks.{i}"), width)?;
    }
    let Decoder { mut l, alignment, .. } = d;
    let aligned = l.b.op("Concat", &alignment.iter().collect::<Vec<_>>(), vec![Attribute::int("axis", 1)]);
    l.b.output(&aligned, "alignment", Element::F32, &["windows", "heads", "side", "positions"]);
    let x = l.norm(&x, "decoder.ln", width)?;
    logits(&mut l, dims, &embedding, &x, &take, tokens);
    Ok(l.b)
}

fn embed(
    l: &mut Layers<'_, '_>,
    dims: &Dims,
    embedding: &[f32],
    ids: &Value,
    positions: &Value,
) -> Result<Value, WhisperError> {
    let width = dims.n_text_state;
    let looked_up = match l.precision {
        Precision::Fp32 => {
            let table = l.b.floats(&[dims.n_vocab, width], embedding);
            l.b.op("Gather", &[&table, ids], Vec::new())
        }
        Precision::Int8 => {
            let (bits, scales) = to_bits(embedding, dims.n_vocab);
            let table = l.b.bytes(&[dims.n_vocab, width], &bits);
            let scales = l.b.floats(&[dims.n_vocab, 1], &scales);
            let bits = l.b.op("Gather", &[&table, ids], Vec::new());
            let bits = l.b.op("Cast", &[&bits], vec![Attribute::int("to", 1)]);
            let scales = l.b.op("Gather", &[&scales, ids], Vec::new());
            l.b.op("Mul", &[&bits, &scales], Vec::new())
        }
    };
    let table = l.tensor("decoder.positional_embedding", &[dims.n_text_ctx, width])?.data;
    let table = l.b.floats(&[dims.n_text_ctx, width], &table);
    let at = l.b.op("Gather", &[&table, positions], Vec::new());
    Ok(l.b.op("Add", &[&looked_up, &at], Vec::new()))
}

impl Decoder<'_, '_> {
    /// Queries are scaled by 1/√d when they are written, so scores need no further step.
    fn query_scale(&self) -> f32 {
        let head = self.dims.n_text_state / self.dims.n_text_head.max(1);
        1.0 / (head as f32).sqrt()
    }

    fn self_attention(&mut self, x: &Value, i: usize) -> Result<Value, WhisperError> {
        let (width, heads) = (self.dims.n_text_state, self.dims.n_text_head);
        let block = format!("decoder.blocks.{i}");
        let scale = self.query_scale();
        let l = &mut self.l;
        let normed = l.norm(x, &format!("{block}.attn_ln"), width)?;
        let mut stacked = (Vec::new(), Vec::new());
        for (part, factor, bias) in [("query", scale, true), ("key", 1.0, false), ("value", 1.0, true)] {
            let (w, offset) = l.weights(&format!("{block}.attn.{part}"), width, width, factor, bias)?;
            stacked.0.extend(w);
            stacked.1.extend(offset);
        }
        let prepared = l.prepare(&normed);
        let all = l.linear(&prepared, &stacked.0, Some(&stacked.1), 3 * width);
        let parts = vec![Attribute::int("axis", -1), Attribute::int("num_outputs", 3)];
        let split = l.b.node("", "Split", &[&all], parts, 3);
        let q = l.heads(&split[0], heads, width);
        let k = self.with_past(&split[1], "k", i);
        let v = self.with_past(&split[2], "v", i);
        let l = &mut self.l;
        let scores = l.scores(&q, &k);
        let scores = l.b.op("Add", &[&scores, &self.mask], Vec::new());
        let weights = l.b.op("Softmax", &[&scores], vec![Attribute::int("axis", -1)]);
        let mixed = l.b.op("MatMul", &[&weights, &v], Vec::new());
        let mixed = l.b.op("Transpose", &[&mixed], vec![Attribute::ints("perm", &[0, 2, 1, 3])]);
        let shape = l.b.integers(&[0, 0, width as i64]);
        let mixed = l.b.op("Reshape", &[&mixed, &shape], Vec::new());
        self.project_out(x, &mixed, &format!("{block}.attn.out"))
    }

    fn with_past(&mut self, x: &Value, name: &str, i: usize) -> Value {
        let (width, heads) = (self.dims.n_text_state, self.dims.n_text_head);
        let (heads_name, head) = (heads.to_string(), (width / heads.max(1)).to_string());
        let new = self.l.heads(x, heads, width);
        let past = ["rows", &heads_name, "past", &head];
        let past = self.l.b.input(&format!("past_{name}.{i}"), Element::F32, &past);
        let all = self.l.b.op("Concat", &[&past, &new], vec![Attribute::int("axis", 2)]);
        self.l.b.output(&all, &format!("{name}.{i}"), Element::F32, &["rows", &heads_name, "all", &head]);
        all
    }

    fn cross_attention(&mut self, x: &Value, i: usize, aligned: &[i64]) -> Result<Value, WhisperError> {
        let (width, heads) = (self.dims.n_text_state, self.dims.n_text_head);
        let (heads_name, head) = (heads.to_string(), (width / heads.max(1)).to_string());
        let block = format!("decoder.blocks.{i}");
        let scale = self.query_scale();
        let shape = ["windows", &heads_name, "positions", &head];
        let k = self.l.b.input(&format!("cross_k.{i}"), Element::F32, &shape);
        let v = self.l.b.input(&format!("cross_v.{i}"), Element::F32, &shape);
        let normed = self.l.norm(x, &format!("{block}.cross_attn_ln"), width)?;
        let (w, bias) = self.l.weights(&format!("{block}.cross_attn.query"), width, width, scale, true)?;
        let prepared = self.l.prepare(&normed);
        let q = self.l.linear(&prepared, &w, Some(&bias), width);
        let (apart, together) = self.row_shapes(x, &k);
        let q = self.l.b.op("Reshape", &[&q, &together], Vec::new());
        let l = &mut self.l;
        let q = l.b.op("Transpose", &[&q], vec![Attribute::ints("perm", &[0, 2, 1, 3])]);
        let scores = l.scores(&q, &k);
        let scores = l.b.op("Add", &[&scores, &self.cross_mask], Vec::new());
        let weights = l.b.op("Softmax", &[&scores], vec![Attribute::int("axis", -1)]);
        if !aligned.is_empty() {
            let which = l.b.integers(aligned);
            let chosen = l.b.op("Gather", &[&weights, &which], vec![Attribute::int("axis", 1)]);
            self.alignment.push(chosen);
        }
        let mixed = l.b.op("MatMul", &[&weights, &v], Vec::new());
        let mixed = l.b.op("Transpose", &[&mixed], vec![Attribute::ints("perm", &[0, 2, 1, 3])]);
        let mixed = l.b.op("Reshape", &[&mixed, &apart], Vec::new());
        self.project_out(x, &mixed, &format!("{block}.cross_attn.out"))
    }

    fn project_out(&mut self, x: &Value, mixed: &Value, name: &str) -> Result<Value, WhisperError> {
        let width = self.dims.n_text_state;
        let (w, bias) = self.l.weights(name, width, width, 1.0, true)?;
        let prepared = self.l.prepare(mixed);
        let out = self.l.linear(&prepared, &w, Some(&bias), width);
        Ok(self.l.b.op("Add", &[x, &out], Vec::new()))
    }

    /// `[rows, n, width]`, and `[windows, -1, heads, d]`: hypotheses of one window side by side.
    fn row_shapes(&mut self, x: &Value, cross_k: &Value) -> (Value, Value) {
        if let Some((apart, together)) = &self.rows {
            return (apart.clone(), together.clone());
        }
        let (width, heads) = (self.dims.n_text_state, self.dims.n_text_head);
        let b = &mut self.l.b;
        let apart = b.op("Shape", &[x], Vec::new());
        let windows = b.op("Shape", &[cross_k], vec![Attribute::int("start", 0), Attribute::int("end", 1)]);
        let rest = b.integers(&[-1, heads as i64, (width / heads.max(1)) as i64]);
        let together = b.op("Concat", &[&windows, &rest], vec![Attribute::int("axis", 0)]);
        self.rows = Some((apart.clone(), together.clone()));
        (apart, together)
    }
}

fn logits(l: &mut Layers<'_, '_>, dims: &Dims, embedding: &[f32], x: &Value, take: &Value, tokens: &Tokens<'_>) {
    let flat = l.b.integers(&[-1, dims.n_text_state as i64]);
    let x = l.b.op("Reshape", &[x, &flat], Vec::new());
    let x = l.b.op("Gather", &[&x, take], vec![Attribute::int("axis", 0)]);
    let prepared = l.prepare(&x);
    let logits = l.linear(&prepared, embedding, None, dims.n_vocab);
    let mut never = vec![0.0f32; dims.n_vocab];
    for id in tokens.suppressed {
        if let Some(slot) = never.get_mut(*id as usize) {
            *slot = f32::NEG_INFINITY;
        }
    }
    let never = l.b.floats(&[dims.n_vocab], &never);
    let logits = l.b.op("Add", &[&logits, &never], Vec::new());
    for (name, from, to) in [
        ("text_lse", 0, i64::from(tokens.end_of_text) + 1),
        ("time_lse", i64::from(tokens.time_begin), dims.n_vocab as i64),
    ] {
        let (from, to, axis) = (l.b.integers(&[from]), l.b.integers(&[to]), l.b.integers(&[1]));
        let part = l.b.op("Slice", &[&logits, &from, &to, &axis], Vec::new());
        let sum = l.b.op("ReduceLogSumExp", &[&part, &axis], vec![Attribute::int("keepdims", 1)]);
        l.b.output(&sum, name, Element::F32, &["m", "1"]);
    }
    l.b.output(&logits, "logits", Element::F32, &["m", &dims.n_vocab.to_string()]);
}

/// Alignment heads inside the model; at least one, so that the graph always has that output.
pub(super) fn usable_heads(model: &dyn Checkpoint) -> Vec<(usize, usize)> {
    let dims = model.dims();
    let mut heads = model.alignment_heads();
    heads.retain(|(layer, head)| *layer < dims.n_text_layer && *head < dims.n_text_head);
    heads.sort_unstable();
    heads.dedup();
    if heads.is_empty() {
        heads.push((dims.n_text_layer.saturating_sub(1), 0));
    }
    heads
}
