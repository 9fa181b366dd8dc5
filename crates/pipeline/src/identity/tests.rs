use std::path::{Path, PathBuf};

use callsift_core::{CallMeta, CallReport, Outcome, Provenance, Recording, SentimentTrend, StageName, TalkMetrics};
use callsift_store::Lake;

use super::{Job, Todo, resolve, source};
use crate::input::{Day, Planned, default_id};
use crate::intake::NoteKind;

const DAY: &str = "2026-11-16";
const NEXT: &str = "2026-11-17";

/// A folder with recordings and a lake.
struct Centre(tempfile::TempDir);

impl Centre {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn put(&self, name: &str, bytes: &str) -> &Self {
        let path = self.0.path().join("rec").join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
        self
    }

    fn lake(&self) -> Lake {
        Lake::open(&self.0.path().join("lake"), callsift_text::Segmenter::default()).unwrap()
    }

    /// A run over `rec/<folder>` with these files below it; a file `bad…` fails. The ids that were done, as `name=id`.
    fn run(&self, folder: &str, names: &[&str], day: (Day, &str)) -> (Vec<String>, Todo) {
        self.run_as(folder, &names.iter().map(|n| (*n, None)).collect::<Vec<_>>(), day)
    }

    fn run_as(&self, folder: &str, names: &[(&str, Option<&str>)], (day, date): (Day, &str)) -> (Vec<String>, Todo) {
        let root = self.0.path().join("rec").join(folder);
        let planned = names.iter().map(|(name, id)| planned(&root, name, *id, day, date)).collect();
        let mut lake = self.lake();
        let todo = resolve(&lake, planned).unwrap();
        for Job { recording, refused } in &todo.jobs {
            let report = report(recording.clone(), refused.is_some());
            let (id, from) = (recording.meta.call_id.clone(), source(&recording.path));
            lake.remember_sources(date, [(id.as_str(), from.as_slice())].into_iter()).unwrap();
            lake.write_part(date, &[report], &Provenance::default()).unwrap();
        }
        let done = todo.jobs.iter().map(|j| format!("{}={}", j.recording.name, j.recording.meta.call_id));
        (done.collect(), todo)
    }

    fn ids(&self) -> Vec<String> {
        let lake = self.lake();
        assert!(lake.doubles().unwrap().is_empty());
        lake.done().unwrap().keys().cloned().collect()
    }
}

fn planned(root: &Path, name: &str, id: Option<&str>, day: Day, date: &str) -> Planned {
    let call_id = id.map_or_else(|| default_id(name), str::to_owned);
    let meta = CallMeta { call_id, date: Some(date.to_owned()), ..CallMeta::default() };
    let recording = Recording { path: root.join(name), name: name.to_owned(), sha256: String::new(), meta };
    Planned { recording, claimed: id.is_some(), day }
}

fn report(recording: Recording, refused: bool) -> CallReport {
    let stage = if refused { StageName::Input } else { StageName::Audio };
    let bad = refused || recording.name.contains("bad");
    let outcome = if bad { Outcome::Failed { stage, reason: "x".to_owned() } } else { Outcome::Empty };
    CallReport {
        recording,
        outcome,
        audio: None,
        turns: Vec::new(),
        metrics: TalkMetrics::default(),
        trend: SentimentTrend::default(),
        findings: Vec::new(),
        score: None,
    }
}

const GIVEN: (Day, &str) = (Day::Given, DAY);

#[test]
fn another_file_of_the_same_name_changes_no_id() {
    let centre = Centre::new();
    centre.put("3021/0001.wav", "a");
    assert_eq!(centre.run("", &["3021/0001.wav"], GIVEN).0, ["3021/0001.wav=0001"]);
    centre.put("2205/0001.wav", "b").put("1086/0001.wav", "a");
    let (done, todo) = centre.run("", &["1086/0001.wav", "2205/0001.wav", "3021/0001.wav"], GIVEN);
    assert_eq!((done.len(), todo.skipped, todo.intake.count(NoteKind::SharedId)), (2, 1, 2));
    assert_eq!(centre.ids(), ["0001", "0001~3e23e816", "0001~ca978112"]);
    // Whatever is run again, from whatever folder: nothing is done twice.
    for (folder, names) in
        [("", &["2205/0001.wav", "3021/0001.wav"][..]), ("2205", &["0001.wav"]), ("3021", &["0001.wav"])]
    {
        assert_eq!(centre.run(folder, names, GIVEN).1.skipped, names.len(), "{folder}");
    }
}

#[test]
fn a_folder_a_day_or_an_agent_each_with_the_same_names_loses_no_call() {
    let centre = Centre::new();
    centre.put("16/0001.wav", "a").put("17/0001.wav", "b").put("3021/0001.wav", "c");
    centre.run("16", &["0001.wav"], GIVEN);
    centre.run("17", &["0001.wav"], (Day::Given, NEXT));
    centre.run("3021", &["0001.wav"], GIVEN);
    assert_eq!(centre.ids().len(), 3);
    // Empty files are all alike, and each is a call that failed.
    centre.put("16/bad.wav", "").put("17/bad.wav", "");
    centre.run("16", &["bad.wav"], GIVEN);
    centre.run("17", &["bad.wav"], (Day::Given, NEXT));
    assert_eq!(centre.ids().len(), 5);
}

#[test]
fn a_recording_that_changed_replaces_its_row_under_its_id() {
    let centre = Centre::new();
    centre.put("k1.wav", "half").put("bad.wav", "half");
    centre.run("", &["bad.wav", "k1.wav"], GIVEN);
    centre.put("k1.wav", "half and the rest").put("bad.wav", "whole");
    let (done, todo) = centre.run("", &["bad.wav", "k1.wav"], GIVEN);
    assert_eq!(
        (done, todo.intake.count(NoteKind::Replaced)),
        (vec!["bad.wav=bad".to_owned(), "k1.wav=k1".to_owned()], 2)
    );
    assert_eq!(centre.ids(), ["bad", "k1"]);
    // The same file holds another day's call: both stay.
    centre.put("k1.wav", "another call");
    let (done, todo) = centre.run("", &["k1.wav"], (Day::Given, NEXT));
    assert_eq!((done.len(), todo.intake.count(NoteKind::ReusedName)), (1, 1));
    assert_eq!(centre.ids().len(), 3);
    // One that cannot be read any more keeps its row.
    std::fs::remove_file(centre.0.path().join("rec/bad.wav")).unwrap();
    std::fs::remove_file(centre.0.path().join("rec/k1.wav")).unwrap();
    let todo = centre.run("", &["k1.wav"], (Day::Given, NEXT)).1;
    assert_eq!((todo.jobs.len(), todo.intake.count(NoteKind::NowUnreadable)), (0, 1));
}

#[test]
fn a_recording_that_was_moved_is_known_by_its_bytes() {
    let centre = Centre::new();
    centre.put("a.wav", "a").put("b.wav", "b");
    centre.run("", &["a.wav", "b.wav"], GIVEN);
    std::fs::rename(centre.0.path().join("rec/a.wav"), centre.0.path().join("rec/c.wav")).unwrap();
    centre.put("a.wav", "new");
    let (done, todo) = centre.run("", &["a.wav", "b.wav", "c.wav"], GIVEN);
    // Its old name holds another call now, and its id is still taken.
    assert_eq!((done.len(), todo.skipped), (1, 2));
    assert!(done[0].starts_with("a.wav=a~"), "{done:?}");
}

#[test]
fn two_recordings_that_claim_one_id_are_both_kept() {
    let centre = Centre::new();
    centre.put("a.wav", "a").put("b.wav", "b");
    let (_, todo) = centre.run_as("", &[("a.wav", Some("k")), ("b.wav", Some("k"))], GIVEN);
    assert_eq!((todo.intake.count(NoteKind::SharedId), centre.ids().len()), (1, 2));
    assert_eq!(centre.run_as("", &[("a.wav", Some("k")), ("b.wav", Some("k"))], GIVEN).1.skipped, 2);
    // Metadata that comes later does not rename a call; metadata that names another call makes one.
    centre.put("c.wav", "c");
    centre.run("", &["c.wav"], GIVEN);
    assert_eq!(centre.run_as("", &[("c.wav", Some("k3"))], GIVEN).1.skipped, 1);
    centre.put("a.wav", "other");
    assert_eq!(centre.run_as("", &[("a.wav", Some("k9"))], GIVEN).0, ["a.wav=k9"]);
}

#[test]
fn a_start_time_that_is_mended_replaces_the_failed_row() {
    let centre = Centre::new();
    centre.put("a.wav", "a");
    let (_, todo) = centre.run("", &["a.wav"], (Day::Unreadable, DAY));
    assert!(todo.jobs[0].refused.is_some());
    assert_eq!(centre.run("", &["a.wav"], (Day::Unreadable, NEXT)).1.skipped, 1);
    let (done, todo) = centre.run("", &["a.wav"], (Day::Given, NEXT));
    assert_eq!((done.len(), todo.intake.count(NoteKind::Replaced), centre.ids()), (1, 1, vec!["a".to_owned()]));
}

#[test]
fn calls_that_are_done_again_keep_their_ids() {
    let centre = Centre::new();
    centre.put("3021/bad.wav", "a").put("2205/bad.wav", "b");
    centre.run("", &["3021/bad.wav"], GIVEN);
    centre.run("", &["2205/bad.wav", "3021/bad.wav"], GIVEN);
    let before = centre.ids();
    let mut lake = centre.lake();
    lake.forget_failed();
    let root: PathBuf = centre.0.path().join("rec");
    let again = ["2205/bad.wav", "3021/bad.wav"].map(|n| planned(&root, n, None, Day::Given, DAY)).to_vec();
    let mut ids: Vec<String> =
        resolve(&lake, again).unwrap().jobs.into_iter().map(|j| j.recording.meta.call_id).collect();
    ids.sort();
    assert_eq!(ids, before);
}

#[test]
fn a_call_that_another_system_transcribed_is_not_heard_again() {
    let centre = Centre::new();
    centre.put("k1.wav", "a");
    let line = planned(Path::new("calls.jsonl:1"), "", Some("k1"), Day::Given, DAY).recording;
    let line = Recording { name: "calls.jsonl:1".to_owned(), ..line };
    centre.lake().write_part(DAY, &[report(line, false)], &Provenance::default()).unwrap();
    assert_eq!(centre.run("", &["k1.wav"], GIVEN).1.skipped, 1);
    // Another day's call of that name is.
    assert_eq!(centre.run("", &["k1.wav"], (Day::Given, NEXT)).0.len(), 1);
}
