//! The engine on real weights: the embedded model, imported. What a window becomes depends on no other window.

#![expect(clippy::unwrap_used, reason = "a test stops where its own preparation fails")]

use std::path::Path;

use callsift_asr::{Answer, AsrOptions, DecodeEffort, Decoded, Inquiry, OnnxModel, Recognizer, Window};
use callsift_whisper::{Precision, folder, import};

/// The embedded model as the engine's folder.
fn model(folder: &Path) -> OnnxModel {
    let ggml = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../models/whisper-mini-zh/ggml-model-q8_0.bin");
    let mut checkpoint = import::open(&ggml).unwrap();
    let path = folder.join("mini");
    folder::write(&mut *checkpoint, &path, Precision::Int8, import::origin(&ggml).unwrap()).unwrap();
    OnnxModel::load(&path, "mini", &AsrOptions::default()).unwrap()
}

/// Harmonics of a voice that opens and closes some four times a second: enough for the model to write something.
fn voice(seconds: f32, pitch: f32) -> Window {
    let sample = |n: usize| {
        let t = n as f32 / 16_000.0;
        let open = (t * 4.0 * std::f32::consts::PI).sin().abs();
        let tone = |k: usize| (t * pitch * k as f32 * std::f32::consts::TAU).sin() / k as f32;
        0.2 * open * (1..12).map(tone).sum::<f32>()
    };
    Window::of_samples(0, &(0..(seconds * 16_000.0) as usize).map(sample).collect::<Vec<_>>())
}

#[test]
fn a_window_is_heard_the_same_alone_and_among_others() {
    let folder = tempfile::tempdir().unwrap();
    let model = model(folder.path());
    let windows: Vec<Window> =
        [(3.0, 120.0), (8.5, 210.0), (1.2, 170.0), (5.0, 95.0), (2.4, 240.0)].map(|(s, p)| voice(s, p)).into();
    for effort in [DecodeEffort::Greedy, DecodeEffort::Beam] {
        let all: Vec<&Window> = windows.iter().collect();
        let together = model.decoder().unwrap().decode(&all, "", effort).unwrap();
        let mut decoder = model.decoder().unwrap();
        let alone: Vec<Decoded> = all.iter().map(|w| decoder.decode(&[*w], "", effort).unwrap().remove(0)).collect();
        assert_eq!(together, alone, "{effort:?}");
        assert!(together.iter().any(|d| !d.text().is_empty()), "nothing was written, so nothing was compared");
        for (decoded, window) in together.iter().zip(&windows) {
            let spans: Vec<_> = decoded.texts.iter().flat_map(|t| &t.chars).filter_map(|c| c.span).collect();
            assert!(spans.iter().all(|s| s.end_ms <= window.len_ms() + 20), "{spans:?}");
            assert!(spans.is_sorted_by_key(|s| s.start_ms), "{spans:?}");
        }
    }
}

#[test]
fn a_text_weighs_the_same_alone_and_among_others_and_what_was_heard_weighs_most() {
    let folder = tempfile::tempdir().unwrap();
    let model = model(folder.path());
    let window = voice(3.0, 120.0);
    let mut decoder = model.decoder().unwrap();
    let heard = decoder.decode(&[&window], "", DecodeEffort::Greedy).unwrap().remove(0).text();
    let texts: Vec<String> = (0..10).map(|n| format!("今天天气{}不错", "很".repeat(n + 1))).collect();
    let inquiry = |texts| Inquiry { written: &heard, texts, phrases: &[] };
    let together = decoder.inquire(&window, &inquiry(&texts)).unwrap().unwrap().texts;
    for (text, weight) in texts.iter().zip(&together) {
        let alone = decoder.inquire(&window, &inquiry(std::slice::from_ref(text))).unwrap().unwrap().texts;
        assert!((alone[0] - weight).abs() < 1e-3, "{text}: {alone:?} and {weight}");
    }
    assert!(together.iter().all(|w| *w < 0.0 && w.is_finite()), "{together:?}");
    let long = ["很".repeat(600)];
    assert_eq!(decoder.inquire(&window, &inquiry(&long)).unwrap(), None, "longer than the decoder can take");
    assert_eq!(decoder.inquire(&window, &inquiry(&[])).unwrap(), Some(Answer::default()));
}

/// Two characters of what was heard are replaced by others; the phrase that was there is found in their place.
#[test]
fn a_phrase_is_found_where_something_else_was_written_down() {
    let folder = tempfile::tempdir().unwrap();
    let model = model(folder.path());
    let window = voice(3.0, 120.0);
    let mut decoder = model.decoder().unwrap();
    let heard: Vec<char> =
        decoder.decode(&[&window], "", DecodeEffort::Greedy).unwrap().remove(0).text().chars().collect();
    let phrase: String = heard[2..4].iter().collect();
    let written: String = heard[..2].iter().chain(&['狮', '舞']).chain(&heard[4..]).collect();
    let phrases = [vec![phrase.clone(), "红塔山".to_owned()], vec!["感谢您的来电".to_owned()]];
    let inquiry = Inquiry { written: &written, texts: &[], phrases: &phrases };
    let answer = decoder.inquire(&window, &inquiry).unwrap().unwrap();
    let best = answer.spotted.iter().max_by(|a, b| a.score.total_cmp(&b.score)).unwrap();
    assert!((&best.phrase, &best.range) == (&phrase, &(2..4)) && best.score > 0.0, "{answer:?}");
    let asked = |group: &[String]| answer.spotted.iter().any(|s| group.contains(&s.phrase));
    assert!(phrases.iter().all(|group| asked(group)), "one of each group: {answer:?}");
    let again = decoder.inquire(&window, &inquiry).unwrap().unwrap();
    assert_eq!(answer, again);
}

#[test]
fn a_prompt_and_silence_are_no_trouble() {
    let folder = tempfile::tempdir().unwrap();
    let model = model(folder.path());
    let silence = Window::of_samples(0, &[0.0; 1600]);
    let prompt = "以下是普通话的客服通话。".repeat(60);
    let heard = model.decoder().unwrap().decode(&[&silence], &prompt, DecodeEffort::Greedy).unwrap();
    assert_eq!(heard.len(), 1);
}

#[test]
fn a_language_that_the_model_lacks_is_named() {
    let folder = tempfile::tempdir().unwrap();
    drop(model(folder.path()));
    let options = AsrOptions { language: "tlh".to_owned(), ..AsrOptions::default() };
    let refused = OnnxModel::load(&folder.path().join("mini"), "mini", &options).err().unwrap().to_string();
    assert!(refused.contains("tlh") && refused.contains("mini"), "{refused}");
}
