//! Vocabularies: by file, encoded as the reference does, kept and read again.

use std::fs;
use std::path::Path;

use callsift_whisper::{Vocabulary, import};
use proptest::prelude::*;
use serde_json::json;

use crate::made::{self, Form};

/// The embedded model has OpenAI's whole multilingual vocabulary.
fn multilingual() -> Vocabulary {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../models/whisper-mini-zh");
    import::open(&path).unwrap().vocabulary().clone()
}

/// Tokens that `tiktoken` 0.14 gives with whisper's multilingual.tiktoken and GPT-2's pattern.
#[test]
fn tokens_of_the_reference() {
    let vocabulary = multilingual();
    let cases: [(&str, &[u32]); 11] = [
        ("以下是普通话的句子。", &[3588, 4438, 1541, 29993, 19550, 21596, 1546, 34592, 7626, 1543]),
        (
            "您好，请问有什么可以帮您？工号1024。",
            &[
                23414, 2131, 171, 120, 234, 27908, 22064, 2412, 10440, 6723, 4845, 106, 23414, 171, 120, 253, 23323,
                26987, 3279, 7911, 1543,
            ],
        ),
        (" hello world's  test\n\n ok", &[7751, 1002, 311, 220, 1500, 198, 198, 3133]),
        ("  two  spaces   ", &[220, 732, 220, 7673, 220, 220, 220]),
        ("don't we'll I'VE", &[13966, 380, 321, 603, 286, 6, 7540]),
        ("\t\tx\u{3000}\u{3000}好", &[197, 197, 87, 756, 222, 756, 222, 2131]),
        (
            "1,234.5元 (音乐) ♪ 🎵 𠮷",
            &[16, 11, 9356, 19, 13, 20, 14812, 522, 18034, 44365, 8, 931, 25674, 220, 172, 254, 106, 115],
        ),
        ("鑫龘麤", &[165, 239, 104, 28907, 246, 3994, 97]),
        ("", &[]),
        ("\n", &[198]),
        ("a\n b", &[64, 198, 272]),
    ];
    for (text, want) in cases {
        assert_eq!(vocabulary.encode(text), want, "{text}");
        assert_eq!(vocabulary.decode(want), text.as_bytes());
    }
}

/// `suppress_ids` of the published whisper base, special tokens left out.
#[test]
fn non_speech_tokens_of_the_reference() {
    let want = [
        1, 2, 7, 8, 9, 10, 14, 25, 26, 27, 28, 29, 31, 58, 59, 60, 61, 62, 63, 90, 91, 92, 93, 359, 503, 522, 542, 873,
        893, 902, 918, 922, 931, 1350, 1853, 1982, 2460, 2627, 3246, 3253, 3268, 3536, 3846, 3961, 4183, 4667, 6585,
        6647, 7273, 9061, 9383, 10428, 10929, 11938, 12033, 12331, 12562, 13793, 14157, 14635, 15265, 15618, 16553,
        16604, 18362, 18956, 20075, 21675, 22520, 26130, 26161, 26435, 28279, 29464, 31650, 32302, 32470, 36865, 42863,
        47425, 49870, 50254,
    ];
    assert_eq!(multilingual().non_speech_tokens(), want);
}

#[test]
fn every_source_gives_the_same_vocabulary() {
    let names = made::names_of_tokens();
    let listed = |names: &[String]| {
        names.iter().zip(0..).map(|(n, id)| (n.clone(), json!(id))).collect::<serde_json::Map<_, _>>()
    };
    let added =
        || names.iter().enumerate().skip(260).map(|(id, n)| (n.clone(), json!(id))).collect::<serde_json::Map<_, _>>();
    let sources: [&[(&str, String)]; 5] = [
        &[("vocab.json", json!(listed(&names[..261])).to_string()), ("added_tokens.json", json!(added()).to_string())],
        &[("vocab.json", json!(listed(&names[..261])).to_string())],
        &[("vocabulary.json", json!(names).to_string())],
        &[("vocabulary.txt", names.join("\n"))],
        &[],
    ];
    for files in sources {
        let folder = tempfile::tempdir().unwrap();
        made::ctranslate2(folder.path(), Form::F32);
        fs::remove_file(folder.path().join("vocabulary.txt")).unwrap();
        if files.is_empty() {
            made::tokenizer(folder.path());
        }
        for (name, text) in files {
            fs::write(folder.path().join(name), text).unwrap();
        }
        let model = import::open(folder.path()).unwrap();
        let vocabulary = model.vocabulary();
        assert_eq!(vocabulary.tokens, made::texts());
        assert_eq!((vocabulary.special.time_begin, vocabulary.language_id("zh")), (270, Some(263)));
        assert_eq!(vocabulary.language_id("yue"), None);
    }
}

#[test]
fn a_kept_vocabulary_is_read_again() {
    let vocabulary = multilingual();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("vocabulary.json");
    vocabulary.save(&path).unwrap();
    assert_eq!(Vocabulary::load(&path).unwrap(), vocabulary);
    let text = fs::read_to_string(&path).unwrap();
    let breaks = [("50364", "9"), ("\"tokens\"", "\"tonkes\""), ("\"!\",", ""), ("\"!\"", "\" \""), ("50257", "50300")];
    for (from, to) in breaks {
        assert!(text.contains(from));
        fs::write(&path, text.replacen(from, to, 1)).unwrap();
        let error = Vocabulary::load(&path).expect_err(from).to_string();
        assert!(error.contains("vocabulary.json"), "{error}");
    }
}

proptest! {
    #[test]
    fn what_is_encoded_is_decoded(text in "\\PC{0,40}|[ a-z'\\n\\t0-9你好，。]{0,60}") {
        use std::sync::LazyLock;
        static VOCABULARY: LazyLock<Vocabulary> = LazyLock::new(multilingual);
        let tokens = VOCABULARY.encode(&text);
        prop_assert_eq!(VOCABULARY.decode(&tokens), text.as_bytes());
    }
}
