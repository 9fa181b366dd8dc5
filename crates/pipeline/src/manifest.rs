//! A manifest: a table that names the recordings to inspect, one row each, with what is known of each call.
//!
//! `recording_id` (or `call_id`) is the call's id, `uri` (or `file`) where its recording lies, `dt` its day where
//! `started_at` does not say it; other columns are metadata, under the names that docs/input.md lists.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use callsift_core::{Recording, StageName, name_of_path};
use percent_encoding::percent_decode_str;

use crate::config::MetadataConfig;
use crate::error::PipelineError;
use crate::front::recording_sha256;
use crate::identity::{Job, job};
use crate::input::{Day, InputPlan, Planned, bare_meta, plain_id};
use crate::metadata::sheet::read_sheet;
use crate::metadata::{Fields, MetadataReader, UNREADABLE_TIME, canonical, check_date};
use crate::shard::Share;

/// Turns rows of a manifest into recordings.
pub struct ManifestReader {
    reader: MetadataReader,
    base: PathBuf,
    /// Day of rows that name none.
    day: Option<String>,
    fetch: Option<Fetch>,
}

/// Brings a recording that lies elsewhere to this machine: by its address the path of its file, or why that cannot be.
pub type Fetch = Box<dyn Fn(&str) -> Result<PathBuf, String> + Send + Sync>;

impl ManifestReader {
    /// A reader. Relative paths are looked for below `base`; `day` is the day of rows that name none.
    ///
    /// # Errors
    /// The configuration of metadata is wrong.
    pub fn new(config: &MetadataConfig, base: &Path, day: Option<&str>) -> Result<Self, PipelineError> {
        Ok(Self {
            reader: MetadataReader::new(config)?,
            base: base.to_owned(),
            day: day.map(str::to_owned),
            fetch: None,
        })
    }

    /// Recordings of other schemes than `file` are fetched when their turn comes.
    #[must_use]
    pub fn fetching(self, fetch: Fetch) -> Self {
        Self { fetch: Some(fetch), ..self }
    }

    /// The recording of a row.
    ///
    /// # Errors
    /// The row has no id, no place or a day that is none; the text says which.
    pub fn planned(&self, row: Fields) -> Result<Planned, String> {
        let mut fields = canonical(row);
        let mut take = |names: &[&str]| {
            let values: Vec<_> = names.iter().filter_map(|name| fields.remove(*name)).collect();
            values.into_iter().find(|value| !value.trim().is_empty())
        };
        let id = take(&["recording_id", "call_id"]).ok_or("a row has neither `recording_id` nor `call_id`")?;
        let uri = take(&["uri", "file"]).ok_or_else(|| format!("{id}: the row has neither `uri` nor `file`"))?;
        let dt = take(&["dt"]).map(|dt| check_date(dt.trim()).map_err(|e| format!("{id}: dt: {e}"))).transpose()?;
        let elsewhere = self.fetch.is_some() && uri.contains("://") && !uri.starts_with("file://");
        let path = if elsewhere { Ok(PathBuf::new()) } else { local(&uri) };
        let path = path.map_err(|why| format!("{id}: {why}"))?;
        let mut meta = self.reader.meta(plain_id(&id), fields);
        let unreadable = dt.is_none() && meta.date.is_none() && meta.extra.contains_key(UNREADABLE_TIME);
        meta.date = dt.or(meta.date);
        let day = match (&meta.date, unreadable) {
            (Some(_), _) => Day::Given,
            (None, true) => Day::Unreadable,
            (None, false) => Day::Assumed,
        };
        meta.date = meta.date.or_else(|| self.day.clone());
        let path = if elsewhere { path } else { self.base.join(path) };
        let name = if elsewhere { uri } else { name_of_path(path.strip_prefix(&self.base).unwrap_or(&path)) };
        Ok(Planned { recording: Recording { path, name, sha256: String::new(), meta }, claimed: true, day })
    }

    /// The job of a row: what cannot be inspected is one that fails, with the reason.
    pub fn job(&self, recording_id: &str, row: Fields) -> Job {
        let mut planned = match self.planned(row) {
            Ok(planned) => planned,
            Err(why) => return refused(recording_id, why),
        };
        if planned.recording.meta.date.is_none() && planned.day == Day::Assumed {
            return refused(
                recording_id,
                "nothing says which day the call is of: give `dt` or `started_at`".to_owned(),
            );
        }
        if let (Some(fetch), true) = (&self.fetch, planned.recording.path.as_os_str().is_empty()) {
            match fetch(&planned.recording.name) {
                Ok(path) => planned.recording.path = path,
                Err(why) => return Job { recording: planned.recording, refused: Some((StageName::Input, why)) },
            }
        }
        planned.recording.sha256 = recording_sha256(&planned.recording.path);
        job(planned)
    }
}

fn refused(id: &str, why: String) -> Job {
    let meta = callsift_core::CallMeta { date: None, ..bare_meta(plain_id(id), "") };
    let recording = Recording { path: PathBuf::new(), name: String::new(), sha256: String::new(), meta };
    Job { recording, refused: Some((StageName::Input, why)) }
}

/// The path of an address on this machine.
fn local(uri: &str) -> Result<PathBuf, String> {
    match uri.split_once("://") {
        None => Ok(PathBuf::from(uri)),
        Some(("file", rest)) => {
            let path = rest.strip_prefix("localhost").unwrap_or(rest);
            let decoded = percent_decode_str(path).decode_utf8();
            decoded.map(|path| PathBuf::from(path.as_ref())).map_err(|_| format!("`{uri}` is no path in UTF-8"))
        }
        Some((scheme, _)) => Err(format!("recordings are not read from `{scheme}://`; mount or copy them: {uri}")),
    }
}

/// The recordings of a manifest file (CSV, JSON lines), or one share of them. Relative paths are looked for below
/// `base`;
/// `fallback_date` is the day of rows that name none, `force_date` overrides all.
///
/// # Errors
/// The file cannot be read; a row has no id, no place or a bad day; an id stands twice.
pub fn plan_manifest(
    file: &Path,
    base: &Path,
    config: &MetadataConfig,
    fallback_date: &str,
    force_date: Option<&str>,
    share: Option<Share>,
) -> Result<InputPlan, PipelineError> {
    let reader = ManifestReader::new(config, base, Some(fallback_date))?;
    let sheet = read_sheet(file)?;
    let wrong = |line, reason| PipelineError::Metadata { path: file.to_owned(), line, reason };
    let (mut recordings, mut ids) = (Vec::new(), BTreeSet::new());
    for row in sheet.rows {
        let mut planned = reader.planned(row.fields).map_err(|reason| wrong(row.line, reason))?;
        if let Some(date) = force_date {
            (planned.recording.meta.date, planned.day) = (Some(date.to_owned()), Day::Given);
        }
        let id = &planned.recording.meta.call_id;
        if !ids.insert(id.clone()) {
            return Err(wrong(row.line, format!("the id `{id}` stands twice: every recording needs its own")));
        }
        if share.is_none_or(|share| share.has(id)) {
            recordings.push(planned);
        }
    }
    Ok(InputPlan { recordings, intake: sheet.intake })
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{ManifestReader, plan_manifest};
    use crate::config::MetadataConfig;
    use crate::input::Day;
    use crate::metadata::Fields;

    fn row(fields: &[(&str, &str)]) -> Fields {
        fields.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect()
    }

    #[test]
    fn a_row_becomes_a_recording_with_its_day_and_metadata() {
        let reader = ManifestReader::new(&MetadataConfig::default(), Path::new("/rec"), None).unwrap();
        let fields =
            [("recording_id", "k1"), ("uri", "a/k 1.wav"), ("工号", "3021"), ("started_at", "2026-11-16T17:00:00Z")];
        let planned = reader.planned(row(&fields)).unwrap();
        // 17:00 in Greenwich is the next day at the centre.
        assert_eq!(planned.recording.meta.date.as_deref(), Some("2026-11-17"));
        assert_eq!((planned.recording.name.as_str(), planned.recording.meta.call_id.as_str()), ("a/k 1.wav", "k1"));
        assert_eq!(planned.recording.path, Path::new("/rec/a/k 1.wav"));
        assert_eq!(planned.recording.meta.agent_id.as_deref(), Some("3021"));
        assert!(planned.recording.meta.extra.is_empty() && planned.claimed && planned.day == Day::Given);
        // The day that is said goes before that of the start; an address is a path.
        let fields =
            [("call_id", "k2"), ("file", "file:///x/%E5%90%AC.wav"), ("dt", "2026-11-16"), ("started_at", "x")];
        let planned = reader.planned(row(&fields)).unwrap();
        assert_eq!(planned.recording.meta.date.as_deref(), Some("2026-11-16"));
        assert_eq!(planned.recording.path, Path::new("/x/听.wav"));
    }

    #[test]
    fn what_a_row_lacks_is_said_and_makes_a_failed_job() {
        let reader = ManifestReader::new(&MetadataConfig::default(), Path::new("/rec"), None).unwrap();
        for (fields, why) in [
            (&[("uri", "a.wav")][..], "recording_id"),
            (&[("recording_id", "k")], "uri"),
            (&[("recording_id", "k"), ("uri", "ftp://x/a.wav"), ("dt", "2026-11-16")], "ftp://"),
            (&[("recording_id", "k"), ("uri", "a.wav"), ("dt", "16.11.2026")], "dt"),
        ] {
            assert!(reader.planned(row(fields)).unwrap_err().contains(why), "{fields:?}");
            let (stage, reason) = reader.job("k", row(fields)).refused.unwrap();
            assert!(stage.as_str() == "input" && reason.contains(why), "{reason}");
        }
        let no_day = reader.job("k", row(&[("recording_id", "k"), ("uri", "a.wav")]));
        assert!(no_day.refused.unwrap().1.contains("which day"));
        assert_eq!(no_day.recording.meta.date, None);
    }

    #[test]
    fn a_file_is_divided_among_shares_and_ids_stand_once() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("m.csv");
        let rows: Vec<String> = (0..40).map(|n| format!("k{n},rec/{n}.wav,2026-11-16")).collect();
        std::fs::write(&file, format!("recording_id,uri,dt\n{}\n", rows.join("\n"))).unwrap();
        let plan = |share: Option<&str>| {
            let share = share.map(|s| s.parse().unwrap());
            plan_manifest(&file, folder.path(), &MetadataConfig::default(), "2026-01-01", None, share)
        };
        let ids = |share| plan(share).unwrap().recordings.into_iter().map(|p| p.recording.meta.call_id);
        let mut all: Vec<String> = ["0/3", "1/3", "2/3"].into_iter().flat_map(|s| ids(Some(s))).collect();
        let mut whole: Vec<String> = ids(None).collect();
        all.sort();
        whole.sort();
        assert!(all == whole && whole.len() == 40);
        std::fs::write(&file, "recording_id,uri\nk1,a.wav\nk1,b.wav\n").unwrap();
        assert!(plan(Some("0/3")).unwrap_err().to_string().contains("stands twice"));
    }
}
