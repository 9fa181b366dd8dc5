//! The configuration: every option with its default; unknown keys are errors with line and column.

use std::path::{Path, PathBuf};

use callsift_asr::AsrOptions;
use callsift_audio::AudioLimits;
use callsift_dialogue::DialogueOptions;
use callsift_rules::EvalOptions;
use callsift_vad::VadOptions;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::error::PipelineError;

/// What finds speech.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VadBackend {
    /// Silero, a small network; needs the ONNX runtime.
    #[default]
    Silero,
    /// Level against an adaptive noise floor; only where asked for.
    Energy,
}

/// Voice activity detection.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct VadConfig {
    /// What finds speech.
    pub backend: VadBackend,
    /// Thresholds and padding.
    pub options: VadOptions,
}

/// The models to use, by name of the manifest or by path.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ModelConfig {
    /// Speech model: a name of `callsift models list`, the path of a folder that `models import` wrote, or of a ggml
    /// file.
    pub asr: String,
    /// Text model: a name, the path of a folder, or empty for none.
    pub text: String,
}

impl Default for ModelConfig {
    fn default() -> Self {
        Self { asr: "whisper-base".to_owned(), text: "text-mini-zh".to_owned() }
    }
}

/// Metadata of calls.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct MetadataConfig {
    /// Regular expression with named groups over the recording's relative path, e.g.
    /// `(?<agent_id>\d{4})_(?<started_at>\d{8}T\d{6})`; empty: none.
    pub filename: String,
    /// Offset from UTC of times without one. Default `+08:00`.
    pub utc_offset: String,
}

impl Default for MetadataConfig {
    fn default() -> Self {
        Self { filename: String::new(), utc_offset: "+08:00".to_owned() }
    }
}

/// Whether text that is shown gets marks that the recogniser did not give.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Punctuation {
    /// Where the turns of a call hold hardly any.
    #[default]
    Auto,
    /// Never.
    Off,
}

impl Punctuation {
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "the shape that serde wants")]
    fn is_auto(&self) -> bool {
        *self == Self::Auto
    }
}

/// Words of the centre.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TextConfig {
    /// User dictionary for word cutting, one `word [frequency [tag]]` a line; empty: none.
    pub user_dictionary: PathBuf,
    /// Marks in text that is shown. Not written where it is the default: lakes keep the hash that they have.
    #[serde(skip_serializing_if = "Punctuation::is_auto")]
    pub punctuation: Punctuation,
}

/// Files of the lake. They change no result, and are no part of the hash.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LakeConfig {
    /// Whether a run that has done all its calls makes the days that got some few large files.
    pub compact: bool,
    /// Size of a compacted part's `turns`, the largest of its tables, from which the next part begins, MiB.
    pub part_mib: u32,
}

impl Default for LakeConfig {
    fn default() -> Self {
        Self { compact: false, part_mib: 128 }
    }
}

impl LakeConfig {
    fn is_default(&self) -> bool {
        *self == Self::default()
    }

    /// The size in bytes; 1 MiB at least.
    pub fn part_bytes(&self) -> u64 {
        u64::from(self.part_mib.max(1)) << 20
    }
}

/// Everything that can change a result.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Which models.
    pub models: ModelConfig,
    /// Caps on recordings.
    pub audio: AudioLimits,
    /// Voice activity detection.
    pub vad: VadConfig,
    /// Packing and recognition.
    pub asr: AsrOptions,
    /// Turns and roles.
    pub dialogue: DialogueOptions,
    /// Words.
    pub text: TextConfig,
    /// Limits below which rules do not answer.
    pub rules: EvalOptions,
    /// Metadata.
    pub metadata: MetadataConfig,
    /// Files of the lake.
    #[serde(skip_serializing_if = "LakeConfig::is_default")]
    pub lake: LakeConfig,
}

impl Config {
    /// Reads a configuration file.
    ///
    /// # Errors
    /// The file cannot be read; a key is unknown or has the wrong type: with line, column and excerpt.
    pub fn load(path: &Path) -> Result<Self, PipelineError> {
        let text =
            std::fs::read_to_string(path).map_err(|source| PipelineError::Io { path: path.to_owned(), source })?;
        toml::from_str(&text).map_err(|e| PipelineError::Config { path: path.to_owned(), reason: e.to_string() })
    }

    /// SHA-256 over all options in their written form. The default speech model counts as that of older versions, whose
    /// lakes keep their hash; which model heard a call is said by `asr_model` and `asr_sha256`.
    pub fn hash(&self) -> String {
        let mut named = Self { lake: LakeConfig::default(), ..self.clone() };
        if named.models.asr == ModelConfig::default().asr {
            "whisper-mini-zh".clone_into(&mut named.models.asr);
        }
        let written = toml::to_string(&named).unwrap_or_default();
        callsift_core::hex(&Sha256::digest(written.as_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use super::Config;

    const HASH_V2: &str = "6cc48868b59b43949ad160aa44c32aba7137a890c62b9ee29c48f1feb57568d9";

    #[test]
    fn the_shipped_file_states_every_default() {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../callsift.toml");
        assert_eq!(Config::load(&path).unwrap(), Config::default());
        let shipped = std::fs::read_to_string(path).unwrap();
        for line in toml::to_string(&Config::default()).unwrap().lines().filter(|l| l.contains(" = ")) {
            let key = line.split(" = ").next().unwrap();
            assert!(shipped.contains(&format!("{key} = ")), "callsift.toml does not show `{key}`");
        }
    }

    /// Lakes keep the hash of the options that made them; an option that came later must not change that of who never
    /// set it.
    #[test]
    fn options_that_came_later_leave_the_hash_of_old_lakes_alone() {
        // Of the lake in crates/store/test-data/v2.
        assert_eq!(Config::default().hash(), HASH_V2);
        let noted = r#"[audio]
            headerless = [{ files = "*.raw", encoding = "s16le", channels = 2 }]
            [dialogue]
            channel_roles_for = [{ when = { queue = "a", trunk = "7" }, roles = ["customer", "agent"] }]"#;
        let noted: Config = toml::from_str(noted).unwrap();
        assert_eq!((noted.audio.headerless[0].sample_rate, noted.dialogue.channel_roles_for[0].roles.len()), (8000, 2));
        assert_ne!(noted.hash(), Config::default().hash());
        let other: Config = toml::from_str("[models]\nasr = \"whisper-small\"").unwrap();
        assert_ne!(other.hash(), Config::default().hash());
        let again: Config = toml::from_str(&toml::to_string(&noted).unwrap()).unwrap();
        assert_eq!(again, noted);
        let roles = |queue: &str| {
            let field = |name: &str| Some(if name == "queue" { queue } else { "7" }.to_owned());
            noted.dialogue.for_call(field).channel_roles
        };
        assert_ne!(roles("a"), roles("b"));
    }

    /// Every example of the shipped file is read as it stands there.
    #[test]
    fn examples_in_the_shipped_file_are_right() {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../callsift.toml");
        let shipped = std::fs::read_to_string(path).unwrap();
        for (section, key) in [("audio", "headerless"), ("dialogue", "channel_roles_for")] {
            let at = shipped.find(&format!("# {key} = [")).unwrap();
            let lines = shipped[at..].lines().map(|l| l.trim_start_matches("# "));
            let example: Vec<&str> = lines.take_while(|l| *l != "]").collect();
            let text = format!("[{section}]\n{}\n]", example.join("\n"));
            assert_ne!(toml::from_str::<Config>(&text).unwrap(), Config::default(), "{text}");
        }
    }

    #[test]
    fn unknown_keys_are_shown_at_their_place() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "[asr]\nmax_window_ms = 20000\nbeam_sise = 3\n").unwrap();
        let error = Config::load(file.path()).unwrap_err().to_string();
        assert!(error.contains("line 3, column 1") && error.contains("beam_sise"), "{error}");
    }

    #[test]
    fn the_hash_follows_the_options() {
        let mut other = Config::default();
        other.asr.beam_size = 3;
        assert_ne!(Config::default().hash(), other.hash());
        let other: Config = toml::from_str("[asr]\nbackend = \"whisper-cpp\"").unwrap();
        assert_ne!(Config::default().hash(), other.hash());
        let other: Config = toml::from_str("[lake]\ncompact = true\npart_mib = 64").unwrap();
        assert_eq!(Config::default().hash(), other.hash(), "how files are cut changes no result");
        assert!(toml::to_string(&other).unwrap().contains("part_mib = 64"));
    }
}
