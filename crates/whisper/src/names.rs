//! Every tensor of a whisper model, by OpenAI's name.

use crate::Dims;

/// Names and shapes of all tensors that a model of these sizes has, encoder first.
pub fn tensors(dims: &Dims) -> Vec<(String, Vec<usize>)> {
    let mut list = Vec::new();
    let (audio, text) = (dims.n_audio_state, dims.n_text_state);
    let mut add = |name: String, shape: &[usize]| list.push((name, shape.to_vec()));
    add("encoder.conv1.weight".into(), &[audio, dims.n_mels, 3]);
    add("encoder.conv1.bias".into(), &[audio]);
    add("encoder.conv2.weight".into(), &[audio, audio, 3]);
    add("encoder.conv2.bias".into(), &[audio]);
    add("encoder.positional_embedding".into(), &[dims.n_audio_ctx, audio]);
    for layer in 0..dims.n_audio_layer {
        let block = format!("encoder.blocks.{layer}");
        attention(&mut add, &format!("{block}.attn"), audio);
        rest_of_block(&mut add, &block, audio);
    }
    norm(&mut add, "encoder.ln_post", audio);
    add("decoder.token_embedding.weight".into(), &[dims.n_vocab, text]);
    add("decoder.positional_embedding".into(), &[dims.n_text_ctx, text]);
    for layer in 0..dims.n_text_layer {
        let block = format!("decoder.blocks.{layer}");
        attention(&mut add, &format!("{block}.attn"), text);
        attention(&mut add, &format!("{block}.cross_attn"), text);
        rest_of_block(&mut add, &block, text);
    }
    norm(&mut add, "decoder.ln", text);
    list
}

fn attention(add: &mut impl FnMut(String, &[usize]), name: &str, width: usize) {
    for part in ["query", "key", "value", "out"] {
        add(format!("{name}.{part}.weight"), &[width, width]);
        if part != "key" {
            add(format!("{name}.{part}.bias"), &[width]);
        }
    }
    norm(add, &format!("{name}_ln"), width);
}

fn norm(add: &mut impl FnMut(String, &[usize]), name: &str, width: usize) {
    add(format!("{name}.weight"), &[width]);
    add(format!("{name}.bias"), &[width]);
}

fn rest_of_block(add: &mut impl FnMut(String, &[usize]), block: &str, width: usize) {
    add(format!("{block}.mlp.0.weight"), &[4 * width, width]);
    add(format!("{block}.mlp.0.bias"), &[4 * width]);
    add(format!("{block}.mlp.2.weight"), &[width, 4 * width]);
    add(format!("{block}.mlp.2.bias"), &[width]);
    norm(add, &format!("{block}.mlp_ln"), width);
}
