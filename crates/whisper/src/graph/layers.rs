//! Layers that the graphs share: linear layers in 32-bit floats or 8 bits, norms, attention's shapes.

use super::builder::{Builder, Value};
use super::onnx::Attribute;
use crate::{Checkpoint, Tensor, WhisperError};

/// Precision of the weights of linear layers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Precision {
    /// 8 bits, one scale per output; inputs are made 8 bits as they come, each row with a scale of its own: what a row
    /// becomes depends on no other, so it does not matter what shares the batch.
    Int8,
    /// 32-bit floats.
    Fp32,
}

/// Layers of one graph, read from a checkpoint.
pub(super) struct Layers<'a, 'w> {
    pub b: Builder<'w>,
    pub model: &'a mut dyn Checkpoint,
    pub precision: Precision,
}

/// The input of linear layers, made 8 bits once for all that share it.
pub(super) enum Prepared {
    Float(Value),
    Bits { values: Value, scale: Value, zero: Value },
}

impl Layers<'_, '_> {
    pub(super) fn tensor(&mut self, name: &str, shape: &[usize]) -> Result<Tensor, WhisperError> {
        let tensor = self.model.tensor(name)?;
        if tensor.shape != shape {
            let detail = format!("expected shape {shape:?}, found {:?}", tensor.shape);
            return Err(WhisperError::Tensor { name: name.to_owned(), detail });
        }
        Ok(tensor)
    }

    /// `name.weight` and `name.bias` of `[out, in]`, both times `factor`.
    pub(super) fn weights(
        &mut self,
        name: &str,
        out: usize,
        inner: usize,
        factor: f32,
        bias: bool,
    ) -> Result<(Vec<f32>, Vec<f32>), WhisperError> {
        let mut weight = self.tensor(&format!("{name}.weight"), &[out, inner])?.data;
        let mut offset = if bias { self.tensor(&format!("{name}.bias"), &[out])?.data } else { vec![0.0; out] };
        weight.iter_mut().chain(&mut offset).for_each(|x| *x *= factor);
        Ok((weight, offset))
    }

    pub(super) fn norm(&mut self, x: &Value, name: &str, width: usize) -> Result<Value, WhisperError> {
        let weight = self.tensor(&format!("{name}.weight"), &[width])?.data;
        let bias = self.tensor(&format!("{name}.bias"), &[width])?.data;
        let (weight, bias) = (self.b.floats(&[width], &weight), self.b.floats(&[width], &bias));
        let attributes = vec![Attribute::int("axis", -1), Attribute::float("epsilon", 1e-5)];
        Ok(self.b.op("LayerNormalization", &[x, &weight, &bias], attributes))
    }

    /// In 8 bits each row by its own largest size, to 1…255 around 128.
    pub(super) fn prepare(&mut self, x: &Value) -> Prepared {
        if self.precision == Precision::Fp32 {
            return Prepared::Float(x.clone());
        }
        let size = self.b.op("Abs", &[x], Vec::new());
        self.rows_by(x, &size, 128, 1e-9)
    }

    /// As [`Layers::prepare`] for what GELU gives: hardly anything lies below 0 (−0.17 at the least), so that nearly
    /// all of the 8 bits are for what lies above.
    fn prepare_gelu(&mut self, x: &Value) -> Prepared {
        const ZERO: u8 = 16;
        const GELU_LEAST: f32 = 0.17;
        if self.precision == Precision::Fp32 {
            return Prepared::Float(x.clone());
        }
        self.rows_by(x, x, ZERO, GELU_LEAST * f32::from(255 - ZERO) / f32::from(ZERO))
    }

    /// Each row of `x` to whole numbers around `zero`, so that the row's largest `size` becomes the largest that there
    /// is; rows whose largest is under `least` count as if it were that.
    fn rows_by(&mut self, x: &Value, size: &Value, zero: u8, least: f32) -> Prepared {
        let steps = f32::from(255 - zero);
        let axes = self.b.integers(&[-1]);
        let largest = self.b.op("ReduceMax", &[size, &axes], vec![Attribute::int("keepdims", 1)]);
        let least = self.b.scalar(least);
        let largest = self.b.op("Max", &[&largest, &least], Vec::new());
        let (most, half) = (self.b.scalar(steps), self.b.scalar(f32::from(zero) + 0.5));
        let inverse = self.b.op("Div", &[&most, &largest], Vec::new());
        let scaled = self.b.op("Mul", &[x, &inverse], Vec::new());
        let moved = self.b.op("Add", &[&scaled, &half], Vec::new());
        let floor = self.b.op("Floor", &[&moved], Vec::new());
        let values = self.b.op("Cast", &[&floor], vec![Attribute::int("to", 2)]);
        let step = self.b.scalar(1.0 / steps);
        let scale = self.b.op("Mul", &[&largest, &step], Vec::new());
        Prepared::Bits { values, scale, zero: self.b.byte(zero) }
    }

    /// A linear layer of `[out, in]` weights.
    pub(super) fn linear(&mut self, x: &Prepared, weight: &[f32], bias: Option<&[f32]>, out: usize) -> Value {
        let inner = weight.len() / out.max(1);
        let product = match x {
            Prepared::Float(x) => {
                let w = self.b.floats(&[inner, out], &transpose(weight, out));
                self.b.op("MatMul", &[x, &w], Vec::new())
            }
            Prepared::Bits { values, scale, zero } => {
                let (whole, steps) = to_bits(weight, out);
                let w = self.b.bytes(&[inner, out], &transpose(&whole, out));
                let product = self.b.op("MatMulInteger", &[values, &w, zero], Vec::new());
                let product = self.b.op("Cast", &[&product], vec![Attribute::int("to", 1)]);
                let steps = self.b.floats(&[out], &steps);
                self.scaled(&product, scale, &steps)
            }
        };
        match bias {
            Some(bias) => {
                let bias = self.b.floats(&[out], bias);
                self.b.op("Add", &[&product, &bias], Vec::new())
            }
            None => product,
        }
    }

    /// Back from whole numbers, first by the weights' scales: in the other order the runtime (1.31) would join this
    /// with the product (its `MatMulIntegerToFloat`) and use the first row's scale for all.
    fn scaled(&mut self, product: &Value, input: &Value, weights: &Value) -> Value {
        let product = self.b.op("Mul", &[product, weights], Vec::new());
        self.b.op("Mul", &[&product, input], Vec::new())
    }

    /// Linear, GELU, linear: the second half of each block.
    pub(super) fn mlp(&mut self, x: &Value, block: &str, width: usize) -> Result<Value, WhisperError> {
        let normed = self.norm(x, &format!("{block}.mlp_ln"), width)?;
        let (w, bias) = self.weights(&format!("{block}.mlp.0"), 4 * width, width, 1.0, true)?;
        let prepared = self.prepare(&normed);
        let wide = self.linear(&prepared, &w, Some(&bias), 4 * width);
        let wide = self.b.ms("Gelu", &[&wide], Vec::new());
        let (w, bias) = self.weights(&format!("{block}.mlp.2"), width, 4 * width, 1.0, true)?;
        let prepared = self.prepare_gelu(&wide);
        let out = self.linear(&prepared, &w, Some(&bias), width);
        Ok(self.b.op("Add", &[x, &out], Vec::new()))
    }

    /// `[rows, n, width]` to `[rows, heads, n, width / heads]`.
    pub(super) fn heads(&mut self, x: &Value, heads: usize, width: usize) -> Value {
        let shape = self.b.integers(&[0, -1, heads as i64, (width / heads.max(1)) as i64]);
        let split = self.b.op("Reshape", &[x, &shape], Vec::new());
        self.b.op("Transpose", &[&split], vec![Attribute::ints("perm", &[0, 2, 1, 3])])
    }

    /// Scores of queries against keys, both `[rows, heads, n, d]`.
    pub(super) fn scores(&mut self, q: &Value, k: &Value) -> Value {
        self.b.ms("FusedMatMul", &[q, k], vec![Attribute::int("transB", 1)])
    }
}

/// Weights `[out, in]` as 8 bits with one scale per output: weight = bits × scale.
pub(super) fn to_bits(weight: &[f32], out: usize) -> (Vec<i8>, Vec<f32>) {
    let inner = (weight.len() / out.max(1)).max(1);
    let scale = |row: &[f32]| row.iter().fold(0.0f32, |m, x| m.max(x.abs())).max(1e-12) / 127.0;
    let scales: Vec<f32> = weight.chunks(inner).map(scale).collect();
    let bits = weight.chunks(inner).zip(&scales).flat_map(|(row, s)| row.iter().map(move |x| (x / s).round() as i8));
    (bits.collect(), scales)
}

/// `[out, in]` to `[in, out]`.
fn transpose<T: Copy>(weight: &[T], out: usize) -> Vec<T> {
    let inner = weight.len() / out.max(1);
    (0..inner).flat_map(|i| (0..out).map(move |o| weight[o * inner + i])).collect()
}
