//! Real runs of two tiny models (testdata/make.py) through the real runtime.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use std::fs;
use std::path::{Path, PathBuf};

use callsift_core::LabelScore;
use callsift_sentiment::{SentimentError, TextClassifier};

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
