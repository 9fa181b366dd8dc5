//! From arguments to an engine: configuration, rules, models.

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use callsift_asr::{AsrOptions, Backend, OnnxModel, Recognizer, WhisperModel};
use callsift_core::Provenance;
use callsift_models::{Manifest, Places, file_sha256, locate, locate_file, locate_in};
use callsift_pipeline::{Config, Engine, VadBackend};
use callsift_rules::RuleSet;
use callsift_whisper::{ModelFolder, folder};

use crate::args::ConfigArgs;
use crate::commands::models::{find_installed, unknown};
use crate::input;
use crate::output::{note, warning};

/// The configuration in force: the file, then the command line.
pub fn config(args: &ConfigArgs) -> Result<Config> {
    input::file("--config", args.config.as_deref())?;
    let mut config = args.config.as_deref().map(Config::load).transpose()?.unwrap_or_default();
    if let Some(model) = &args.model {
        config.models.asr.clone_from(model);
    }
    Ok(config)
}

/// A speech model: its file, its name, and the longest window that it was trained for.
pub struct SpeechModel {
    pub path: PathBuf,
    pub name: String,
    pub max_window_ms: Option<i64>,
}

/// The speech model by name of the manifest or by path.
pub fn asr_model(config: &Config) -> Result<SpeechModel> {
    let wanted = config.models.asr.as_str();
    let as_path = Path::new(wanted);
    if ModelFolder::is_one(as_path) && config.asr.backend == Backend::WhisperCpp {
        bail!("{wanted} is a folder of callsift's own engine: asr.backend = \"whisper-cpp\" needs a ggml file");
    }
    if as_path.is_file() || ModelFolder::is_one(as_path) {
        let name = as_path.file_stem().map_or_else(|| wanted.to_owned(), |s| s.to_string_lossy().into_owned());
        return Ok(SpeechModel { path: as_path.to_owned(), name, max_window_ms: None });
    }
    if as_path.is_dir() {
        bail!("{wanted} is no model of the engine; make one of it with `callsift models import {wanted}`");
    }
    by_name(&Manifest::builtin()?, wanted, config.asr.backend, &Places::of_process().model_folders())
}

/// The speech model of a name: the engine's folder before the ggml file, or for whisper.cpp the ggml file alone.
fn by_name(manifest: &Manifest, wanted: &str, backend: Backend, folders: &[PathBuf]) -> Result<SpeechModel> {
    let entry = manifest.get(wanted);
    let max_window_ms = entry.as_ref().ok().and_then(|entry| entry.max_window_ms);
    let found = |path| SpeechModel { path, name: wanted.to_owned(), max_window_ms };
    let folder = find_installed(wanted, folders);
    if let (Some(path), Backend::Onnx) = (&folder, backend) {
        return Ok(found(path.clone()));
    }
    if backend == Backend::WhisperCpp && (folder.is_some() || entry.is_ok()) {
        let ggml = entry.ok().filter(|entry| entry.published.is_empty());
        return match ggml.map(|entry| locate_in(entry, folders)) {
            Some(path) => Ok(found(path?)),
            None => bail!("{}", no_ggml_file(manifest, wanted)),
        };
    }
    let entry = entry.map_err(|_| unknown(manifest, wanted))?;
    Ok(found(locate_in(entry, folders)?))
}

fn no_ggml_file(manifest: &Manifest, wanted: &str) -> String {
    let others = manifest.models.iter().filter(|entry| entry.name.starts_with(&format!("{wanted}-")));
    let names: Vec<&str> = others.filter(|entry| entry.published.is_empty()).map(|entry| entry.name.as_str()).collect();
    let others =
        if names.is_empty() { String::new() } else { format!("a name that has one ({}), or ", names.join(", ")) };
    format!(
        "{wanted} has no ggml file, which asr.backend = \"whisper-cpp\" needs: use {others}the path of a ggml file; \
         or set asr.backend = \"onnx\""
    )
}

/// Says loudly that the embedded speech model is not for the recordings at hand, unless they are those of the demo.
pub fn warn_of_demo_model(config: &Config, recordings: &[&Path]) -> Result<()> {
    let manifest = Manifest::builtin()?;
    let embedded = manifest.get(&config.models.asr).is_ok_and(|entry| entry.embedded);
    let of_demo = |path: &&Path| {
        let whole = path.canonicalize().unwrap_or_default();
        let of_demo = ["tests/demo/recordings", "callsift/demo/recordings"];
        whole.ancestors().any(|folder| of_demo.iter().any(|end| folder.ends_with(end)))
    };
    if embedded && !recordings.iter().all(of_demo) {
        warning(&format!(
            "警告：{} 只供演示和测试，真实录音几乎全部听错；请用 whisper-base 或更大的模型\
             （callsift models pull whisper-base）。\n\
             WARNING: {0} is for the demo and tests only and hears almost nothing right in real calls; use whisper-base\n\
             or a larger one.",
            config.models.asr
        ));
    }
    Ok(())
}

/// Opens a speech model by what it is: a folder of callsift's own engine, or a ggml file for whisper.cpp.
pub fn recognizer(path: &Path, name: &str, options: &AsrOptions) -> Result<Box<dyn Recognizer>> {
    if ModelFolder::is_one(path) {
        return Ok(Box::new(OnnxModel::load(path, name, options)?));
    }
    Ok(Box::new(WhisperModel::load(path, name, options)?))
}

/// What names the weights in results.
pub fn asr_sha256(path: &Path) -> Result<String> {
    if ModelFolder::is_one(path) {
        return Ok(folder::sha256(path)?);
    }
    Ok(file_sha256(path)?)
}

/// The folder of the text model; `None` where the configuration asks for none.
pub fn text_model(config: &Config) -> Result<Option<PathBuf>> {
    match config.models.text.as_str() {
        "" => Ok(None),
        wanted if Path::new(wanted).is_dir() => Ok(Some(PathBuf::from(wanted))),
        wanted => Ok(locate(Manifest::builtin()?.get(wanted)?, None)?.parent().map(Path::to_owned)),
    }
}

/// What a run needs, with or without the speech half.
pub fn engine(mut config: Config, rules: RuleSet, speech: bool) -> Result<Engine> {
    // Before the model's own limit is put in: the same options give the same hash, with and without a speech model.
    let config_hash = config.hash();
    let model = speech.then(|| asr_model(&config)).transpose()?;
    if let Some(limit) = model.as_ref().and_then(|m| m.max_window_ms) {
        config.asr.max_window_ms = config.asr.max_window_ms.min(limit);
    }
    let mut provenance = Provenance {
        code_version: env!("CARGO_PKG_VERSION").to_owned(),
        ruleset_hash: rules.hash().to_owned(),
        config_hash,
        asr_model: "external".to_owned(),
        ..Provenance::default()
    };
    let text_model = text_model(&config)?;
    if let Some(folder) = &text_model {
        provenance.text_model_sha256 = file_sha256(&folder.join("model.onnx"))?;
    }
    let mut engine = Engine { config, rules, recognizer: None, vad_model: PathBuf::new(), text_model, provenance };
    if let Some(SpeechModel { path, name, .. }) = model {
        engine.provenance.asr_sha256 = asr_sha256(&path)?;
        engine.provenance.asr_model.clone_from(&name);
        "energy".clone_into(&mut engine.provenance.vad_sha256);
        if engine.config.vad.backend == VadBackend::Silero {
            engine.vad_model = locate_file("silero_vad.onnx")?;
            engine.provenance.vad_sha256 = file_sha256(&engine.vad_model)?;
        }
        engine.recognizer = Some(recognizer(&path, &name, &engine.config.asr)?);
    }
    for line in engine.segmenter()?.odd_lines() {
        let path = engine.config.text.user_dictionary.display();
        note(&format!("用户词典第{}行不是“词 [词频] [词性]”，没有采用：{}（{path}）", line.number, line.text));
    }
    Ok(engine)
}

#[cfg(test)]
mod tests {
    use callsift_asr::Backend;
    use callsift_models::Manifest;

    use super::by_name;

    /// The engine's folder comes before the ggml file of a name; whisper.cpp takes the ggml file, or says what is
    /// missing.
    #[test]
    fn the_backend_decides_which_form_of_a_model_a_name_means() {
        let manifest = Manifest::builtin().unwrap();
        let dir = tempfile::tempdir().unwrap();
        let folders = [dir.path().to_owned()];
        let find = |name: &str, backend| by_name(&manifest, name, backend, &folders);
        let why = |name: &str, backend| find(name, backend).err().unwrap().to_string();
        assert!(why("whisper-tiny", Backend::Onnx).contains("callsift models pull whisper-tiny"));
        assert!(why("whisper-tiny", Backend::WhisperCpp).contains("callsift models pull whisper-tiny"));
        let ggml = dir.path().join(&manifest.get("whisper-tiny").unwrap().file);
        std::fs::write(&ggml, "ggml").unwrap();
        assert_eq!(find("whisper-tiny", Backend::Onnx).unwrap().path, ggml);
        for name in ["whisper-tiny", "whisper-base", "own"] {
            std::fs::create_dir(dir.path().join(name)).unwrap();
            std::fs::write(dir.path().join(name).join("model.json"), "{}").unwrap();
            assert_eq!(find(name, Backend::Onnx).unwrap().path, dir.path().join(name));
        }
        assert_eq!(find("whisper-tiny", Backend::WhisperCpp).unwrap().path, ggml);
        let error = why("whisper-base", Backend::WhisperCpp);
        assert!(error.contains("has no ggml file") && error.contains("whisper-base-f16"), "{error}");
        assert!(why("own", Backend::WhisperCpp).contains("use the path of a ggml file"));
        for backend in [Backend::Onnx, Backend::WhisperCpp] {
            assert!(why("whisper-bose", backend).contains("whisper-bose"));
        }
    }
}
