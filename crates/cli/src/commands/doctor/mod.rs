//! `callsift doctor`: what is installed, and how fast this machine is.

mod speed;

use anyhow::Result;
use callsift_models::locate_file;
use callsift_models::onnx::{library, ready};

use crate::args::DoctorArgs;
use crate::exit::Exit;
use crate::load::{self, SpeechModel};
use crate::output::{emit, emit_value, table};
use crate::rule_folder;

/// Prints one line per part; exit 1 where something that the configuration needs is missing.
pub fn run(args: &DoctorArgs) -> Result<Exit> {
    let config = load::config(&args.config)?;
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
    line("callsift", Ok(format!("{} on {cores} cores", env!("CARGO_PKG_VERSION"))), true);
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
    let rules = rule_folder::all(None).map(|r| format!("{} rules, ruleset {}", r.rules().len(), &r.hash()[..12]));
    line("rules", rules.map_err(|e| e.to_string()), true);
    let ffmpeg = callsift_audio::ffmpeg_program().map(|p| p.display().to_string());
    line(
        "ffmpeg",
        ffmpeg.ok_or_else(|| "not found: AMR, GSM, G.722, G.729, WMA and VOX recordings will fail".to_owned()),
        false,
    );
    if let Ok(model) = &model {
        line("speed", speed::measure(model, &config, cores).map_err(|e| format!("{e:#}")), true);
        let kernels = speed::Kernels::of_model(model);
        line("kernels", kernels.as_ref().map(ToString::to_string).map_err(|e| format!("{e:#}")), true);
        if let Ok(kernels) = kernels {
            line("faster", Ok(kernels.faster(model)), false);
        }
    }
    if args.json {
        let line = |row: &Vec<String>| serde_json::json!({ "state": row[0], "part": row[1], "text": row[2] });
        emit_value(&rows.iter().map(line).collect::<Vec<_>>())?;
    } else {
        rows.insert(0, ["", "PART", "STATE"].map(str::to_owned).to_vec());
        emit(&table(&rows));
    }
    Ok(if sound { Exit::Done } else { Exit::Some })
}
