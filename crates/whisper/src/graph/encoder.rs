//! From log-mel features to hidden states, and from these to the keys and values of cross-attention.

use super::builder::{Builder, Value};
use super::layers::Layers;
use super::onnx::{Attribute, Element};
use crate::{Dims, WhisperError};

/// `mel` `[1, n_mels, frames]` to `hidden` `[1, frames / 2, width]`. Any even number of frames up to the model's own.
pub(super) fn encoder<'w>(mut l: Layers<'_, 'w>, dims: &Dims) -> Result<Builder<'w>, WhisperError> {
    let width = dims.n_audio_state;
    let mel = l.b.input("mel", Element::F32, &["1", &dims.n_mels.to_string(), "frames"]);
    let x = conv(&mut l, &mel, "encoder.conv1", [width, dims.n_mels, 3], 1)?;
    let x = conv(&mut l, &x, "encoder.conv2", [width, width, 3], 2)?;
    let x = l.b.op("Transpose", &[&x], vec![Attribute::ints("perm", &[0, 2, 1])]);
    let mut x = add_positions(&mut l, &x, dims)?;
    for i in 0..dims.n_audio_layer {
        let block = format!("encoder.blocks.{i}");
        x = self_attention(&mut l, &x, &block, width, dims.n_audio_head)?;
        x = l.mlp(&x, &block, width)?;
    }
    let hidden = l.norm(&x, "encoder.ln_post", width)?;
    l.b.output(&hidden, "hidden", Element::F32, &["1", "positions", &width.to_string()]);
    Ok(l.b)
}

fn conv(l: &mut Layers<'_, '_>, x: &Value, name: &str, shape: [usize; 3], stride: i64) -> Result<Value, WhisperError> {
    let weight = l.tensor(&format!("{name}.weight"), &shape)?.data;
    let bias = l.tensor(&format!("{name}.bias"), &shape[..1])?.data;
    let (weight, bias) = (l.b.floats(&shape, &weight), l.b.floats(&shape[..1], &bias));
    let attributes = vec![
        Attribute::ints("kernel_shape", &[3]),
        Attribute::ints("pads", &[1, 1]),
        Attribute::ints("strides", &[stride]),
    ];
    let out = l.b.op("Conv", &[x, &weight, &bias], attributes);
    Ok(l.b.ms("Gelu", &[&out], Vec::new()))
}

fn add_positions(l: &mut Layers<'_, '_>, x: &Value, dims: &Dims) -> Result<Value, WhisperError> {
    let shape = [dims.n_audio_ctx, dims.n_audio_state];
    let table = l.tensor("encoder.positional_embedding", &shape)?.data;
    let table = l.b.floats(&shape, &table);
    let length = l.b.op("Shape", &[x], vec![Attribute::int("start", 1), Attribute::int("end", 2)]);
    let (from, axis) = (l.b.integers(&[0]), l.b.integers(&[0]));
    let used = l.b.op("Slice", &[&table, &from, &length, &axis], Vec::new());
    Ok(l.b.op("Add", &[x, &used], Vec::new()))
}

fn self_attention(
    l: &mut Layers<'_, '_>,
    x: &Value,
    block: &str,
    width: usize,
    heads: usize,
) -> Result<Value, WhisperError> {
    let normed = l.norm(x, &format!("{block}.attn_ln"), width)?;
    let prepared = l.prepare(&normed);
    let mut project = |part: &str, bias: bool| -> Result<Value, WhisperError> {
        let (w, offset) = l.weights(&format!("{block}.attn.{part}"), width, width, 1.0, bias)?;
        Ok(l.linear(&prepared, &w, bias.then_some(&offset[..]), width))
    };
    let (q, k, v) = (project("query", true)?, project("key", false)?, project("value", true)?);
    let attributes = vec![Attribute::int("num_heads", heads as i64)];
    let mixed = l.b.ms("MultiHeadAttention", &[&q, &k, &v], attributes);
    let (w, bias) = l.weights(&format!("{block}.attn.out"), width, width, 1.0, true)?;
    let prepared = l.prepare(&mixed);
    let out = l.linear(&prepared, &w, Some(&bias), width);
    Ok(l.b.op("Add", &[x, &out], Vec::new()))
}

/// `hidden` `[windows, positions, width]` to `cross_k.i`, `cross_v.i` `[windows, heads, positions, d]` of each layer.
pub(super) fn cross<'w>(mut l: Layers<'_, 'w>, dims: &Dims) -> Result<Builder<'w>, WhisperError> {
    let (width, inner) = (dims.n_text_state, dims.n_audio_state);
    let hidden = l.b.input("hidden", Element::F32, &["windows", "positions", &inner.to_string()]);
    let prepared = l.prepare(&hidden);
    let head = (width / dims.n_text_head.max(1)).to_string();
    let shape = ["windows", &dims.n_text_head.to_string(), "positions", &head];
    for i in 0..dims.n_text_layer {
        for (part, name, bias) in [("key", "cross_k", false), ("value", "cross_v", true)] {
            let layer = format!("decoder.blocks.{i}.cross_attn.{part}");
            let (w, offset) = l.weights(&layer, width, inner, 1.0, bias)?;
            let out = l.linear(&prepared, &w, bias.then_some(&offset[..]), width);
            let out = l.heads(&out, dims.n_text_head, width);
            l.b.output(&out, &format!("{name}.{i}"), Element::F32, &shape);
        }
    }
    Ok(l.b)
}
