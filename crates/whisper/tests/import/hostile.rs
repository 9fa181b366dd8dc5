//! Broken, cut and foreign files: a clear error, never a panic, never memory by a number that a file claims.

use std::fs;
use std::path::Path;

use callsift_whisper::{import, names};
use proptest::prelude::*;

use crate::made::{self, Form};

/// The error of opening, or of reading any tensor after it.
fn error_of(path: &Path) -> Option<String> {
    let mut model = match import::open(path) {
        Ok(model) => model,
        Err(error) => return Some(error.to_string()),
    };
    let dims = *model.dims();
    names::tensors(&dims).iter().find_map(|(name, _)| model.tensor(name).err()).map(|error| error.to_string())
}

fn refused(path: &Path, wants: &[&str]) {
    let error = error_of(path).expect("must be refused");
    for want in wants {
        assert!(error.contains(want), "{want} is not in: {error}");
    }
}

/// One model of each form: its folder and the file that holds the weights.
fn models() -> Vec<(tempfile::TempDir, &'static str)> {
    let folders: Vec<tempfile::TempDir> = (0..3).map(|_| tempfile::tempdir().unwrap()).collect();
    made::ggml(&folders[0].path().join("ggml.bin"), Form::F16);
    made::ctranslate2(folders[1].path(), Form::Eight);
    made::huggingface(folders[2].path(), Form::F16, "model.", 1);
    folders.into_iter().zip(["ggml.bin", "model.bin", "model.safetensors"]).collect()
}

#[test]
fn cut_files_are_refused_at_every_length() {
    for (folder, file) in models() {
        let path = folder.path().join(file);
        let whole = fs::read(&path).unwrap();
        // All lengths of the beginning, then some of every part, and the last bytes.
        let lengths =
            (0..600).chain((600..whole.len()).step_by(whole.len() / 300)).chain(whole.len() - 40..whole.len());
        for length in lengths {
            fs::write(&path, &whole[..length]).unwrap();
            let error = error_of(&path).unwrap_or_else(|| panic!("{file} of {length} bytes was taken"));
            assert!(error.contains(file) || error.contains(&*folder.path().to_string_lossy()), "{error}");
        }
    }
}

#[test]
fn claims_of_great_size_cost_nothing() {
    // A ggml file that claims 4 billion tokens of 4 GB, and tensors of 2^96 values.
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ggml.bin");
    made::ggml(&path, Form::F32);
    let whole = fs::read(&path).unwrap();
    let tokens = 48 + 8 + 80 * 201 * 4;
    for at in (4..56).step_by(4).chain([tokens, tokens + 4]) {
        let mut broken = whole.clone();
        broken[at..at + 4].copy_from_slice(&[0xFF; 4]);
        fs::write(&path, broken).unwrap();
        // The one field that nothing depends on is the form of most weights.
        assert!(at == 44 || error_of(&path).is_some(), "at {at}");
    }
    let header =
        br#"{"a":{"dtype":"F32","shape":[4294967296,4294967296,4294967296],"data_offsets":[0,18446744073709551615]}}"#;
    let huge = [&(header.len() as u64).to_le_bytes()[..], header].concat();
    let folder = tempfile::tempdir().unwrap();
    made::huggingface(folder.path(), Form::F32, "", 1);
    fs::write(folder.path().join("model.safetensors"), huge).unwrap();
    refused(folder.path(), &["model.safetensors", "damaged"]);
    // A vocabulary of four billion tokens, of which one is written.
    let config = folder.path().join("config.json");
    let huge = fs::read_to_string(&config).unwrap().replace(r#""vocab_size":1771"#, r#""vocab_size":4294967200"#);
    fs::write(config, huge).unwrap();
    let tokenizer = r#"{"added_tokens":[{"id":4294965600,"content":"<|endoftext|>"}],"model":{"vocab":{}}}"#;
    fs::write(folder.path().join("tokenizer.json"), tokenizer).unwrap();
    refused(folder.path(), &["config.json", "4294967200 tokens"]);
}

#[test]
fn foreign_files_are_named_and_the_remedy_said() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    let forms = ["no whisper model", "ggml", "CTranslate2", "Hugging Face"];
    let cases: [(&[u8], &[&str], &[&str]); 4] = [
        (b"RIFF\x24\0\0\0WAVEfmt ", &forms, &forms),
        (b"", &forms, &forms),
        (b"GGUF\x03\0\0\0", &["GGUF", "ggml"], &forms),
        (b"PK\x03\x04", &["PyTorch", "safe_serialization=True"], &["PyTorch", "safe_serialization=True"]),
    ];
    for (content, of_file, of_folder) in cases {
        fs::write(&file, content).unwrap();
        refused(&file, of_file);
        refused(folder.path(), of_folder);
    }
    refused(&folder.path().join("absent"), &["absent"]);
    fs::write(folder.path().join("adapter_config.json"), "{}").unwrap();
    refused(folder.path(), &["PEFT", "merge_and_unload"]);
}

#[test]
fn folders_that_lack_something_say_what() {
    let folder = tempfile::tempdir().unwrap();
    made::huggingface(folder.path(), Form::F32, "model.", 1);
    let path = |name: &str| folder.path().join(name);
    let config = fs::read_to_string(path("config.json")).unwrap();
    for (from, to, want) in [
        (r#""whisper""#, r#""bert""#, "bert"),
        ("d_model", "d_mode", "d_model"),
        (r#""decoder_layers":2"#, r#""decoder_layers":3"#, "decoder.blocks.2.attn.query.weight"),
        (r#""num_mel_bins":80"#, r#""num_mel_bins":128"#, "encoder.conv1.weight"),
        (r#""decoder_layers":2"#, r#""decoder_layers":18446744073709551615"#, "decoder layers"),
        ("{", "", "JSON"),
    ] {
        assert!(config.contains(from), "{from}");
        fs::write(path("config.json"), config.replacen(from, to, 1)).unwrap();
        refused(folder.path(), &[want]);
    }
    fs::write(path("config.json"), &config).unwrap();
    fs::remove_file(path("tokenizer.json")).unwrap();
    refused(folder.path(), &["tokenizer.json"]);
    fs::remove_file(path("config.json")).unwrap();
    refused(folder.path(), &["config.json"]);
}

#[test]
fn an_index_leads_nowhere_else() {
    let folder = tempfile::tempdir().unwrap();
    made::huggingface(folder.path(), Form::F32, "model.", 2);
    let index = folder.path().join("model.safetensors.index.json");
    fs::write(&index, r#"{"weight_map": {"a": "../../etc/passwd"}}"#).unwrap();
    refused(folder.path(), &["outside"]);
    fs::remove_file(&index).unwrap();
    refused(folder.path(), &["model.safetensors.index.json"]);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, ..ProptestConfig::default() })]
    /// Flipped bytes change values or are refused.
    #[test]
    fn flipped_bytes_never_panic(
        which in 0..3_usize,
        flips in proptest::collection::vec((any::<prop::sample::Index>(), 1_u8..), 1..4),
        early in any::<bool>(),
    ) {
        let (folder, file) = models().swap_remove(which);
        let path = folder.path().join(file);
        let mut bytes = fs::read(&path).unwrap();
        let reach = if early { bytes.len().min(4000) } else { bytes.len() };
        for (at, flip) in flips {
            bytes[at.index(reach)] ^= flip;
        }
        fs::write(&path, bytes).unwrap();
        error_of(&path);
        error_of(folder.path());
    }
}
