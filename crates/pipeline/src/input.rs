//! Giving each recording its metadata, its day and the id that it claims.

use std::path::Path;

use callsift_core::{CallMeta, Recording};

use crate::config::MetadataConfig;
use crate::error::PipelineError;
use crate::intake::{Intake, NoteKind};
use crate::metadata::sheet::read_sheet;
use crate::metadata::{Fields, MetadataReader, UNREADABLE_TIME, assign};
use crate::walk::Walk;

/// What is known of a call's day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Day {
    /// The metadata or the command line says it.
    Given,
    /// Nothing says it: the day of the run stands in.
    Assumed,
    /// The metadata says it in a form that is not read: the call is not inspected, its row says so.
    Unreadable,
}

/// A recording as it is found.
#[derive(Debug, Clone, PartialEq)]
pub struct Planned {
    /// File and metadata; `meta.call_id` is the id that it claims.
    pub recording: Recording,
    /// The metadata gives the id; otherwise it is the file's name without extension.
    pub claimed: bool,
    /// How its day is known.
    pub day: Day,
}

/// What a run is to work on.
#[derive(Debug, Clone, Default)]
pub struct InputPlan {
    /// Recordings, sorted by path.
    pub recordings: Vec<Planned>,
    /// What was passed over or is doubtful.
    pub intake: Intake,
}

/// Joins recordings with their metadata. Days come from the metadata; `fallback_date` is the day of calls without one, and
/// `force_date` overrides all.
///
/// # Errors
/// There are no recordings, or the metadata cannot be read.
pub fn plan_input(
    walk: Walk,
    sidecar: Option<&Path>,
    config: &MetadataConfig,
    fallback_date: &str,
    force_date: Option<&str>,
) -> Result<InputPlan, PipelineError> {
    let reader = MetadataReader::new(config)?;
    let left = walk.intake.count(NoteKind::StillWritten) + walk.intake.count(NoteKind::NotReadable);
    if walk.files.is_empty() && left == 0 {
        return Err(PipelineError::NoRecordings(walk.root));
    }
    let mut sheet = sidecar.map(read_sheet).transpose()?.unwrap_or_default();
    let names: Vec<String> = walk.files.iter().map(|f| f.name.clone()).collect();
    // Rows may name folders above the one that was given: what they are called in truth.
    let root = walk.root.canonicalize().unwrap_or_else(|_| walk.root.clone());
    let booked = assign(&mut sheet, &root, &names);
    let mut intake = walk.intake;
    let mut recordings = Vec::new();
    for (file, row) in walk.files.into_iter().zip(booked) {
        let mut fields = reader.from_filename(&file.name);
        // What the row says goes before the name, but for what it leaves empty.
        fields.extend(row.into_iter().filter(|(_, value)| !value.is_empty()));
        recordings.push(planned(&reader, file.path, file.name, fields, fallback_date, force_date, &mut intake));
    }
    intake.extend(sheet.intake);
    Ok(InputPlan { recordings, intake })
}

fn planned(
    reader: &MetadataReader,
    path: std::path::PathBuf,
    name: String,
    mut fields: Fields,
    fallback_date: &str,
    force_date: Option<&str>,
    intake: &mut Intake,
) -> Planned {
    let claim = fields.remove("call_id").filter(|id| !id.trim().is_empty());
    let claimed = claim.is_some();
    let call_id = claim.map_or_else(|| default_id(&name), |id| plain_id(&id));
    let mut meta = reader.meta(call_id, fields);
    let unreadable = meta.extra.get(UNREADABLE_TIME);
    if let Some(text) = unreadable {
        intake.add(NoteKind::UnreadableTime, name.clone(), format!("started_at “{text}” 读不出（unreadable）"));
    }
    let day = match (force_date, &meta.date, unreadable) {
        (Some(_), _, _) | (None, Some(_), _) => Day::Given,
        (None, None, Some(_)) => Day::Unreadable,
        (None, None, None) => Day::Assumed,
    };
    meta.date = Some(force_date.map(str::to_owned).or(meta.date).unwrap_or_else(|| fallback_date.to_owned()));
    Planned { recording: Recording { path, name, sha256: String::new(), meta }, claimed, day }
}

/// The id of a recording whose metadata gives none: its file name without extension, whatever folder it lies in.
pub(crate) fn default_id(name: &str) -> String {
    let file = name.rsplit('/').next().unwrap_or(name);
    let stem = file.rsplit_once('.').map_or(file, |(stem, _)| stem);
    plain_id(if stem.is_empty() { file } else { stem })
}

/// An id without signs that steer terminals: it is typed, linked and sent in forms.
pub(crate) fn plain_id(id: &str) -> String {
    callsift_core::visible_line(id.trim()).into_owned()
}

/// Metadata for a call that has no recording of its own.
pub(crate) fn bare_meta(call_id: String, date: &str) -> CallMeta {
    CallMeta { call_id, date: Some(date.to_owned()), ..CallMeta::default() }
}

#[cfg(test)]
mod tests {
    use super::{Day, default_id, plan_input};
    use crate::config::MetadataConfig;
    use crate::intake::NoteKind;
    use crate::walk::walk;

    #[test]
    fn recordings_are_found_and_named() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        std::fs::create_dir_all(root.join("sub")).unwrap();
        for name in ["b.wav", "a.mp3", "sub/a.wav", "notes.txt", ".hidden.wav"] {
            std::fs::write(root.join(name), b"x").unwrap();
        }
        let sidecar = root.join("calls.csv");
        let rows = "file,call_id,started_at\nb.wav,k1,2026-11-15 08:00:00\ngone.wav,k2,\nsub/a.wav,,16.11.26\n";
        std::fs::write(&sidecar, rows).unwrap();
        let plan = |force: Option<&str>| {
            plan_input(walk(root).unwrap(), Some(&sidecar), &MetadataConfig::default(), "2026-11-16", force).unwrap()
        };
        let found = plan(None);
        let seen: Vec<_> =
            found.recordings.iter().map(|r| (r.recording.meta.call_id.as_str(), r.claimed, r.day)).collect();
        assert_eq!(seen, [("a", false, Day::Assumed), ("k1", true, Day::Given), ("a", false, Day::Unreadable)]);
        assert_eq!(found.recordings[1].recording.meta.date.as_deref(), Some("2026-11-15"));
        assert_eq!(
            (found.intake.count(NoteKind::RowWithoutRecording), found.intake.count(NoteKind::UnreadableTime)),
            (1, 1)
        );
        let forced = plan(Some("2026-01-01")).recordings;
        assert!(forced.iter().all(|r| r.day == Day::Given && r.recording.meta.date.as_deref() == Some("2026-01-01")));
    }

    #[test]
    fn the_default_id_is_the_file_s_name_alone() {
        for (name, id) in [
            ("0001.wav", "0001"),
            ("rec/3021/0001.wav", "0001"),
            ("a/k.v2.mp3", "k.v2"),
            ("a/.wav", ".wav"),
            ("x\u{1b}y.wav", "x\u{241b}y"),
        ] {
            assert_eq!(default_id(name), id);
        }
    }
}
