//! `callsift doctor`: what is installed, and how fast this machine is.

use std::time::Instant;

use anyhow::Result;
use callsift_asr::{DecodeEffort, Recognizer, Window};
use callsift_models::onnx::{library, ready};
use callsift_models::locate_file;

use crate::args::ConfigArgs;
use crate::exit::Exit;
use crate::load::{self, SpeechModel};
use crate::output::{emit, table};

/// Prints one line per part; exit 1 where something that the configuration needs is missing.
pub fn run(args: &ConfigArgs) -> Result<Exit> {
    let config = load::config(args)?;
    let mut rows: Vec<Vec<String>> = Vec::new();
    let mut sound = true;
    let mut line = |name: &str, result: Result<String, String>, needed: bool| {
        let (mark, text) = match result {
            Ok(text) => ("ok", text),
            Err(text) if needed => {
                sound = false;
                ("MISSING", text)
            }
            Err(text) => ("absent", text),
        };
        rows.push(vec![mark.to_owned(), name.to_owned(), text]);
    };
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    line(
        "callsift",
        Ok(format!(
            "{} on {cores} cores, OpenBLAS {}",
            env!("CARGO_PKG_VERSION"),
            if cfg!(feature = "openblas") { "on" } else { "off" }
        )),
        true,
    );
    let runtime = ready().and_then(|()| library()).map(|p| p.display().to_string()).map_err(|e| e.to_string());
    line("onnxruntime", runtime, true);
    line(
        "silero-vad",
        locate_file("silero_vad.onnx").map(|p| p.display().to_string()).map_err(|e| e.to_string()),
        true,
    );
    let model = load::asr_model(&config);
    let shown = model.as_ref().map_err(ToString::to_string).and_then(|SpeechModel { path, name, .. }| {
        let sha = load::asr_sha256(path).map_err(|e| e.to_string())?;
        Ok(format!("{name} ({}), sha256 {}", path.display(), &sha[..16]))
    });
    line("speech model", shown, true);
    let text = load::text_model(&config).map_err(|e| e.to_string());
    line("text model", text.map(|p| p.map_or_else(|| "none configured".to_owned(), |p| p.display().to_string())), true);
    let rules = load::all_rules(None).map(|r| format!("{} rules, ruleset {}", r.rules().len(), &r.hash()[..12]));
    line("rules", rules.map_err(|e| e.to_string()), true);
    let ffmpeg = callsift_audio::ffmpeg_program().map(|p| p.display().to_string());
    line(
        "ffmpeg",
        ffmpeg.ok_or_else(|| "not found: AMR, GSM, G.722, G.729, WMA and VOX recordings will fail".to_owned()),
        false,
    );
    if let Ok(SpeechModel { path, name, .. }) = &model {
        let loaded = load::recognizer(path, name, &config.asr);
        line("speed", loaded.and_then(|m| speed(m.as_ref(), cores)).map_err(|e| e.to_string()), true);
    }
    emit(&table(&rows));
    Ok(if sound { Exit::Done } else { Exit::Some })
}

/// Times the second of two full 30 s windows of faint noise: the encoder's cost does not depend on what is said.
fn speed(model: &dyn Recognizer, cores: usize) -> Result<String> {
    let mut decoder = model.decoder()?;
    // A plain congruential sequence: noise at about −60 dBFS without a random number crate.
    let mut seed = 1u32;
    let noise: Vec<f32> = (0..30 * 16_000)
        .map(|_| {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            ((seed >> 16) as f32 / 65_536.0 - 0.5) * 0.002
        })
        .collect();
    let window = Window::of_samples(0, &noise);
    decoder.decode(&[&window], "", DecodeEffort::Greedy)?;
    let start = Instant::now();
    decoder.decode(&[&window], "", DecodeEffort::Greedy)?;
    let seconds = start.elapsed().as_secs_f64();
    Ok(format!(
        "{seconds:.2} s per 30 s window on one core; about {:.0} h of speech an hour on {cores} cores",
        30.0 / seconds * cores as f64
    ))
}
