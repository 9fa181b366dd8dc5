//! A small whisper model of made-up weights, written in every form that is published.
//!
//! Weights are whole multiples of 1/64 below 2, so that every number form holds them exactly.

use std::fs;
use std::path::Path;

use callsift_whisper::checkpoint::{Dims, Tensor};
use callsift_whisper::names;
use half::{bf16, f16};
use serde_json::{Map, Value, json};

pub(crate) const LANGUAGES: [&str; 2] = ["en", "zh"];
const TEXTS: usize = 260;

pub(crate) fn dims() -> Dims {
    Dims {
        n_mels: 80,
        n_audio_ctx: 24,
        n_audio_state: 32,
        n_audio_head: 2,
        n_audio_layer: 1,
        n_vocab: TEXTS + 2 + LANGUAGES.len() + 6 + 1501,
        n_text_ctx: 16,
        n_text_state: 32,
        n_text_head: 2,
        n_text_layer: 2,
    }
}

/// Sixty-fourths of the values of a tensor, different for every name and place.
fn values(name: &str, count: usize) -> Vec<i8> {
    let mut state =
        name.bytes().fold(2_166_136_261_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(16_777_619));
    let next = |_| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8 as i8
    };
    (0..count).map(next).collect()
}

pub(crate) fn tensor(name: &str, shape: &[usize]) -> Tensor {
    let data = values(name, shape.iter().product()).into_iter().map(|value| f32::from(value) / 64.0).collect();
    Tensor { shape: shape.to_vec(), data }
}

/// Bytes of each text token: all single bytes in GPT-2's order, and some merges; the last is empty, as OpenAI's is.
pub(crate) fn texts() -> Vec<Vec<u8>> {
    let printed = |byte: &u8| matches!(byte, b'!'..=b'~' | 0xA1..=0xAC | 0xAE..=0xFF);
    let (prints, others): (Vec<u8>, Vec<u8>) = (0..=255).partition(printed);
    let singles = prints.into_iter().chain(others).map(|byte| vec![byte]);
    singles.chain([b" t".to_vec(), b"he".to_vec(), "好".as_bytes()[..2].to_vec(), Vec::new()]).collect()
}

fn letters(bytes: &[u8]) -> String {
    let order: Vec<u8> = texts()[..256].iter().map(|token| token[0]).collect();
    let prints = order.iter().position(|byte| *byte == 0).unwrap();
    let letter = |byte: &u8| match order.iter().position(|known| known == byte).unwrap() {
        at if at < prints => char::from(*byte),
        at => char::from_u32(0x100 + (at - prints) as u32).unwrap(),
    };
    bytes.iter().map(letter).collect()
}

/// All names, by id.
pub(crate) fn names_of_tokens() -> Vec<String> {
    let mut names: Vec<String> = texts().iter().map(|token| letters(token)).collect();
    let special = ["endoftext", "startoftranscript"].into_iter().chain(LANGUAGES);
    let tasks = ["translate", "transcribe", "startoflm", "startofprev", "nospeech", "notimestamps"];
    names.extend(special.chain(tasks).map(|name| format!("<|{name}|>")));
    names.extend((0..1501).map(|at| format!("<|{:.2}|>", f64::from(at) * 0.02)));
    names
}

#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) enum Form {
    F32,
    F16,
    Bf16,
    /// 8 bits of CTranslate2, `q8_0` of ggml.
    Eight,
}

fn stored(name: &str, count: usize, form: Form) -> Vec<u8> {
    let whole = values(name, count);
    let float = |value: &i8| f32::from(*value) / 64.0;
    match form {
        Form::F32 => whole.iter().flat_map(|value| float(value).to_le_bytes()).collect(),
        Form::F16 => whole.iter().flat_map(|value| f16::from_f32(float(value)).to_le_bytes()).collect(),
        Form::Bf16 => whole.iter().flat_map(|value| bf16::from_f32(float(value)).to_le_bytes()).collect(),
        Form::Eight => whole.iter().map(|value| value.cast_unsigned()).collect(),
    }
}

/// As whisper.cpp's convert-pt-to-ggml.py and quantize write it.
pub(crate) fn ggml(path: &Path, form: Form) {
    let dims = dims();
    let mut out = Vec::new();
    let word = |out: &mut Vec<u8>, value: usize| out.extend((value as u32).to_le_bytes());
    word(&mut out, 0x6767_6d6c);
    for size in [dims.n_vocab, dims.n_audio_ctx, dims.n_audio_state, dims.n_audio_head, dims.n_audio_layer] {
        word(&mut out, size);
    }
    for size in [dims.n_text_ctx, dims.n_text_state, dims.n_text_head, dims.n_text_layer, dims.n_mels, 1] {
        word(&mut out, size);
    }
    word(&mut out, dims.n_mels);
    word(&mut out, 201);
    out.extend(vec![0; dims.n_mels * 201 * 4]);
    word(&mut out, TEXTS);
    for token in texts() {
        word(&mut out, token.len());
        out.extend(token);
    }
    for (name, mut shape) in names::tensors(&dims) {
        let count = shape.iter().product();
        let exact = shape.len() == 1 || name.contains("positional") || name.contains("conv");
        let form = if exact { Form::F32 } else { form };
        if name.contains("conv") && name.ends_with("bias") {
            shape.push(1);
        }
        word(&mut out, shape.len());
        word(&mut out, name.len());
        word(&mut out, [(Form::F32, 0), (Form::F16, 1), (Form::Eight, 8)].iter().find(|(f, _)| *f == form).unwrap().1);
        shape.iter().rev().for_each(|dim| word(&mut out, *dim));
        out.extend(name.as_bytes());
        let bytes = stored(&name, count, form);
        if form == Form::Eight {
            let scale = f16::from_f32(1.0 / 64.0).to_le_bytes();
            bytes.chunks(32).for_each(|block| out.extend([&scale[..], block].concat()));
        } else {
            out.extend(bytes);
        }
    }
    fs::write(path, out).unwrap();
}

fn huggingface_name(name: &str) -> String {
    let pairs = [
        ("encoder.positional_embedding", "encoder.embed_positions.weight"),
        ("decoder.positional_embedding", "decoder.embed_positions.weight"),
        ("decoder.token_embedding", "decoder.embed_tokens"),
        ("encoder.ln_post", "encoder.layer_norm"),
        ("decoder.ln.", "decoder.layer_norm."),
        (".blocks.", ".layers."),
        (".cross_attn_ln.", ".encoder_attn_layer_norm."),
        (".cross_attn.", ".encoder_attn."),
        (".attn_ln.", ".self_attn_layer_norm."),
        (".attn.", ".self_attn."),
        (".query.", ".q_proj."),
        (".key.", ".k_proj."),
        (".value.", ".v_proj."),
        (".out.", ".out_proj."),
        (".mlp_ln.", ".final_layer_norm."),
        (".mlp.0.", ".fc1."),
        (".mlp.2.", ".fc2."),
    ];
    pairs.iter().fold(name.to_owned(), |name, (openai, here)| name.replace(openai, here))
}

fn safetensors(path: &Path, tensors: &[(String, Vec<usize>)], form: Form, prefix: &str) {
    let (mut header, mut data) = (Map::new(), Vec::new());
    header.insert("__metadata__".to_owned(), json!({"format": "pt"}));
    for (name, shape) in tensors {
        let bytes = stored(name, shape.iter().product(), form);
        let dtype = format!("{form:?}").to_uppercase();
        let offsets = [data.len(), data.len() + bytes.len()];
        let info = json!({"dtype": dtype, "shape": shape, "data_offsets": offsets});
        header.insert(format!("{prefix}{}", huggingface_name(name)), info);
        data.extend(bytes);
    }
    let header = serde_json::to_vec(&Value::Object(header)).unwrap();
    let length = (header.len() as u64).to_le_bytes();
    fs::write(path, [&length[..], &header, &data].concat()).unwrap();
}

pub(crate) fn huggingface(folder: &Path, form: Form, prefix: &str, shards: usize) {
    let dims = dims();
    let all = names::tensors(&dims);
    let config = json!({
        "model_type": "whisper", "d_model": dims.n_audio_state, "num_mel_bins": dims.n_mels, "vocab_size": dims.n_vocab,
        "max_source_positions": dims.n_audio_ctx, "max_target_positions": dims.n_text_ctx,
        "encoder_layers": dims.n_audio_layer, "encoder_attention_heads": dims.n_audio_head,
        "decoder_layers": dims.n_text_layer, "decoder_attention_heads": dims.n_text_head,
    });
    fs::write(folder.join("config.json"), config.to_string()).unwrap();
    fs::write(folder.join("generation_config.json"), json!({"alignment_heads": [[1, 0]]}).to_string()).unwrap();
    tokenizer(folder);
    if shards == 1 {
        return safetensors(&folder.join("model.safetensors"), &all, form, prefix);
    }
    let mut map = Map::new();
    for (at, part) in all.chunks(all.len().div_ceil(shards)).enumerate() {
        let file = format!("model-{:05}-of-{shards:05}.safetensors", at + 1);
        safetensors(&folder.join(&file), part, form, prefix);
        map.extend(part.iter().map(|(name, _)| (format!("{prefix}{}", huggingface_name(name)), json!(file))));
    }
    let index = json!({"metadata": {}, "weight_map": map});
    fs::write(folder.join("model.safetensors.index.json"), index.to_string()).unwrap();
}

/// As `tokenizers` writes it, special tokens apart and without time tokens.
pub(crate) fn tokenizer(folder: &Path) {
    let names = names_of_tokens();
    let vocab: Map<String, Value> =
        names[..=TEXTS].iter().zip(0..).map(|(name, id)| (name.clone(), json!(id))).collect();
    let special = &names[TEXTS..names.len() - 1501];
    let added: Vec<Value> = special.iter().zip(TEXTS..).map(|(name, id)| json!({"id": id, "content": name})).collect();
    let all = json!({"added_tokens": added, "model": {"type": "BPE", "vocab": vocab}});
    fs::write(folder.join("tokenizer.json"), all.to_string()).unwrap();
}

struct Ct2(Vec<u8>, u32);

impl Ct2 {
    fn string(out: &mut Vec<u8>, text: &str) {
        out.extend((text.len() as u16 + 1).to_le_bytes());
        out.extend(text.as_bytes());
        out.push(0);
    }

    fn add(&mut self, name: &str, shape: &[usize], kind: u8, bytes: &[u8]) {
        Self::string(&mut self.0, name);
        self.0.push(shape.len() as u8);
        self.0.extend(shape.iter().flat_map(|dim| (*dim as u32).to_le_bytes()));
        self.0.push(kind);
        self.0.extend((bytes.len() as u32).to_le_bytes());
        self.0.extend(bytes);
        self.1 += 1;
    }

    /// Parts stacked in the order of rows; a part without a name is zero.
    fn stacked(&mut self, name: &str, parts: &[&str], shape: &[usize], form: Form) {
        let count = shape.iter().product();
        let form = if form == Form::Eight && shape.len() == 1 { Form::F32 } else { form };
        let empty = |size: usize| vec![0; size];
        let one = stored("", count, form).len();
        let bytes: Vec<u8> = parts
            .iter()
            .flat_map(|part| if part.is_empty() { empty(one) } else { stored(part, count, form) })
            .collect();
        let mut whole = shape.to_vec();
        whole[0] *= parts.len();
        let kind = match form {
            Form::F32 => 0,
            Form::Eight => 1,
            Form::F16 => 4,
            Form::Bf16 => 5,
        };
        self.add(name, &whole, kind, &bytes);
        if form == Form::Eight {
            let scales: Vec<u8> = (0..whole[0]).flat_map(|_| 64.0_f32.to_le_bytes()).collect();
            self.add(&format!("{name}_scale"), &whole[..1], 0, &scales);
        }
    }

    fn attention(&mut self, to: &str, from: &str, crossed: bool, width: usize, form: Form) {
        let query = format!("{from}.query");
        let groups: Vec<Vec<String>> = if crossed {
            vec![vec![query], vec![format!("{from}.key"), format!("{from}.value")], vec![format!("{from}.out")]]
        } else {
            vec![vec![query, format!("{from}.key"), format!("{from}.value")], vec![format!("{from}.out")]]
        };
        for (at, group) in groups.iter().enumerate() {
            let weights: Vec<String> = group.iter().map(|part| format!("{part}.weight")).collect();
            let weights: Vec<&str> = weights.iter().map(String::as_str).collect();
            self.stacked(&format!("{to}/linear_{at}/weight"), &weights, &[width, width], form);
            let bias = |part: &String| if part.ends_with("key") { String::new() } else { format!("{part}.bias") };
            let biases: Vec<String> = group.iter().map(bias).collect();
            let biases: Vec<&str> = biases.iter().map(String::as_str).collect();
            self.stacked(&format!("{to}/linear_{at}/bias"), &biases, &[width], form);
        }
        self.norm(&format!("{to}/layer_norm"), &format!("{from}_ln"), width, form);
    }

    fn norm(&mut self, to: &str, from: &str, width: usize, form: Form) {
        self.stacked(&format!("{to}/gamma"), &[&format!("{from}.weight")], &[width], form);
        self.stacked(&format!("{to}/beta"), &[&format!("{from}.bias")], &[width], form);
    }
}

/// As ct2-transformers-converter writes it.
pub(crate) fn ctranslate2(folder: &Path, form: Form) {
    let dims = dims();
    let width = dims.n_text_state;
    let mut file = Ct2(Vec::new(), 0);
    for (side, layers) in [("encoder", dims.n_audio_layer), ("decoder", dims.n_text_layer)] {
        file.add(&format!("{side}/num_heads"), &[], 2, &2_u16.to_le_bytes());
        for layer in 0..layers {
            let (to, from) = (format!("{side}/layer_{layer}"), format!("{side}.blocks.{layer}"));
            file.attention(&format!("{to}/self_attention"), &format!("{from}.attn"), false, width, form);
            if side == "decoder" {
                file.attention(&format!("{to}/attention"), &format!("{from}.cross_attn"), true, width, form);
            }
            for (to_layer, from_layer, shape) in [(0, 0, [4 * width, width]), (1, 2, [width, 4 * width])] {
                let (to, from) = (format!("{to}/ffn/linear_{to_layer}"), format!("{from}.mlp.{from_layer}"));
                file.stacked(&format!("{to}/weight"), &[&format!("{from}.weight")], &shape, form);
                file.stacked(&format!("{to}/bias"), &[&format!("{from}.bias")], &shape[..1], form);
            }
            file.norm(&format!("{to}/ffn/layer_norm"), &format!("{from}.mlp_ln"), width, form);
        }
    }
    let float = if form == Form::Eight { Form::F32 } else { form };
    for (conv, inner) in [("conv1", dims.n_mels), ("conv2", width)] {
        file.stacked(&format!("encoder/{conv}/weight"), &[&format!("encoder.{conv}.weight")], &[width, inner, 3], form);
        file.stacked(&format!("encoder/{conv}/bias"), &[&format!("encoder.{conv}.bias")], &[width], form);
    }
    for (side, context) in [("encoder", dims.n_audio_ctx), ("decoder", dims.n_text_ctx)] {
        let from = format!("{side}.positional_embedding");
        file.stacked(&format!("{side}/position_encodings/encodings"), &[&from], &[context, width], float);
    }
    file.stacked("decoder/embeddings/weight", &["decoder.token_embedding.weight"], &[dims.n_vocab, width], form);
    file.norm("encoder/layer_norm", "encoder.ln_post", width, form);
    file.norm("decoder/layer_norm", "decoder.ln", width, form);
    let mut out = 6_u32.to_le_bytes().to_vec();
    Ct2::string(&mut out, "WhisperSpec");
    out.extend(3_u32.to_le_bytes());
    out.extend(file.1.to_le_bytes());
    out.extend(file.0);
    out.extend(1_u32.to_le_bytes());
    Ct2::string(&mut out, "decoder/projection/weight");
    Ct2::string(&mut out, "decoder/embeddings/weight");
    fs::write(folder.join("model.bin"), out).unwrap();
    fs::write(folder.join("config.json"), json!({"alignment_heads": [[1, 0]]}).to_string()).unwrap();
    fs::write(folder.join("vocabulary.txt"), names_of_tokens().join("\n") + "\n").unwrap();
}
