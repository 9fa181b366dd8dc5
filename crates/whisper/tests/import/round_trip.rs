//! The same weights by every form are the same model.

use std::fs;
use std::path::Path;

use callsift_whisper::{Checkpoint, ModelFolder, Precision, folder, import, names};

use crate::made::{self, Form};

fn written(write: impl FnOnce(&Path)) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path());
    folder
}

fn assert_is_made(model: &mut dyn Checkpoint, what: &str) {
    assert_eq!(*model.dims(), made::dims(), "{what}");
    for (name, shape) in names::tensors(&made::dims()) {
        assert!(model.tensor(&name).unwrap() == made::tensor(&name, &shape), "{what}: {name}");
    }
    let vocabulary = model.vocabulary();
    assert_eq!(vocabulary.tokens, made::texts(), "{what}");
    let special = &vocabulary.special;
    assert_eq!((special.end_of_text, special.start, special.time_begin), (260, 261, 270), "{what}");
    assert_eq!((special.previous, special.no_speech, vocabulary.language_id("zh")), (267, 268, Some(263)), "{what}");
}

#[test]
fn every_form_gives_the_same_model() {
    for form in [Form::F32, Form::F16, Form::Eight] {
        let folder = written(|folder| made::ggml(&folder.join("any name"), form));
        for path in [folder.path().to_owned(), folder.path().join("any name")] {
            let mut model = import::open(&path).unwrap();
            assert_is_made(&mut *model, &format!("ggml {form:?}"));
            // Nobody names the heads of a model of these sizes: all of the upper half of the decoder.
            assert_eq!(model.alignment_heads(), [(1, 0), (1, 1)]);
        }
    }
    for form in [Form::F32, Form::F16, Form::Bf16, Form::Eight] {
        let folder = written(|folder| made::ctranslate2(folder, form));
        let mut model = import::open(folder.path()).unwrap();
        assert_is_made(&mut *model, &format!("CTranslate2 {form:?}"));
        assert_eq!(model.alignment_heads(), [(1, 0)]);
    }
    for (form, prefix, shards) in [(Form::F32, "model.", 1), (Form::F16, "", 1), (Form::Bf16, "model.", 3)] {
        let folder = written(|folder| made::huggingface(folder, form, prefix, shards));
        let mut model = import::open(folder.path()).unwrap();
        assert_is_made(&mut *model, &format!("Hugging Face {form:?} in {shards}"));
        assert_eq!(model.alignment_heads(), [(1, 0)]);
    }
}

/// Byte for byte the same graphs, weights and vocabulary, so the same text whichever way a model came.
#[test]
fn three_ways_lead_to_the_same_folder_of_the_engine() {
    // The heads that a ggml file cannot name.
    let heads = r#"{"alignment_heads": [[1, 0], [1, 1]]}"#;
    let ggml = written(|folder| made::ggml(&folder.join("a.bin"), Form::F32));
    let converted = written(|folder| {
        made::ctranslate2(folder, Form::F32);
        fs::write(folder.join("config.json"), heads).unwrap();
    });
    let published = written(|folder| {
        made::huggingface(folder, Form::F32, "model.", 1);
        fs::write(folder.join("generation_config.json"), heads).unwrap();
    });
    for precision in [Precision::Int8, Precision::Fp32] {
        let files = [&ggml, &converted, &published].map(|from| {
            let target = from.path().join("engine");
            let origin = import::origin(from.path()).unwrap();
            folder::write(&mut *import::open(from.path()).unwrap(), &target, precision, origin).unwrap();
            let model = ModelFolder::open(&target).unwrap();
            assert_eq!((model.info.dims, model.vocabulary.tokens), (made::dims(), made::texts()));
            model.info.files
        });
        assert!(files[0].contains_key("weights.bin") && files[0].contains_key("vocabulary.json"), "{files:?}");
        assert_eq!((&files[0], &files[0]), (&files[1], &files[2]), "{precision:?}");
    }
}

#[test]
fn the_file_of_weights_stands_for_its_folder() {
    let folder = written(|folder| made::huggingface(folder, Form::F32, "model.", 1));
    assert_is_made(&mut *import::open(&folder.path().join("model.safetensors")).unwrap(), "file");
    let folder = written(|folder| made::ctranslate2(folder, Form::F32));
    assert_is_made(&mut *import::open(&folder.path().join("model.bin")).unwrap(), "file");
}

#[test]
fn the_origin_names_what_was_read() {
    let folder = written(|folder| made::huggingface(folder, Form::F32, "model.", 2));
    let origin = import::origin(folder.path()).unwrap();
    let files: Vec<&str> = origin.files.keys().map(String::as_str).collect();
    let shards = ["model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"];
    let rest = ["model.safetensors.index.json", "tokenizer.json"];
    assert_eq!(files, [&["config.json", "generation_config.json"][..], &shards, &rest].concat());
    assert_eq!((origin.form.as_str(), origin.files["tokenizer.json"].len()), ("huggingface", 64));
    let folder = written(|folder| made::ggml(&folder.join("a.bin"), Form::F32));
    fs::write(folder.path().join("config.json"), "{}").unwrap();
    let origin = import::origin(folder.path()).unwrap();
    assert_eq!((origin.form.as_str(), origin.files.len()), ("ggml", 1));
}

#[test]
fn unknown_tensors_and_wrong_places_are_said() {
    let folder = written(|folder| made::ctranslate2(folder, Form::F32));
    let mut model = import::open(folder.path()).unwrap();
    let error = model.tensor("decoder.blocks.0.attn.key.bias").unwrap_err().to_string();
    assert!(error.contains("decoder.blocks.0.attn.key.bias"), "{error}");
    fs::write(folder.path().join("config.json"), r#"{"alignment_heads": [[7, 0]]}"#).unwrap();
    let error = import::open(folder.path()).err().unwrap().to_string();
    assert!(error.contains("alignment heads"), "{error}");
}

/// whisper base, where it is installed: its own bytes, and the sizes and heads that are published of it.
#[test]
fn whisper_base_as_it_is_published() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../.callsift/models/published/whisper-base");
    if !folder.join("model.bin").is_file() {
        println!("SKIPPED: whisper-base is not installed (make setup)");
        return;
    }
    let mut model = import::open(&folder).unwrap();
    let dims = *model.dims();
    assert_eq!((dims.n_vocab, dims.n_text_state, dims.n_text_layer, dims.n_audio_head), (51865, 512, 6, 8));
    assert_eq!(model.alignment_heads()[..3], [(3, 1), (4, 2), (4, 3)]);
    for (name, shape) in names::tensors(&dims) {
        assert_eq!(model.tensor(&name).unwrap().shape, shape, "{name}");
    }
}
