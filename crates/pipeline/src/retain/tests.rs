use std::collections::BTreeMap;
use std::fs;
use std::io::{Error, Result as IoResult};
use std::path::{Path, PathBuf};

use callsift_audio::file_sha256;
use callsift_core::{
    AudioInfo, CallMeta, CallReport, ChannelLayout, Outcome, Provenance, Recording, SentimentTrend, TalkMetrics,
};

use super::remove::carry_out_with;
use super::{RetainRequest, RetainSummary, open, plan};
use crate::error::PipelineError;

const OLD: &str = "2026-05-01";
const NEW: &str = "2026-11-16";

/// A lake and a recordings folder beside each other.
struct Centre {
    dir: tempfile::TempDir,
    held: BTreeMap<String, &'static str>,
}

impl Centre {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir_all(dir.path().join("recordings/day")).unwrap();
        Self { dir, held: BTreeMap::new() }
    }

    fn at(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Adds a part; a call is its id and the name of its recording. What lies there is what it was made from.
    fn add(&self, date: &str, calls: &[(&str, &str)]) {
        let reports: Vec<CallReport> = calls.iter().map(|(id, name)| self.report(id, name)).collect();
        open(&self.at("lake")).unwrap().write_part(date, &reports, &Provenance::default()).unwrap();
    }

    fn report(&self, id: &str, name: &str) -> CallReport {
        let path = self.at("recordings").join(name);
        let audio = file_sha256(&path).ok().filter(|_| path.is_file()).map(|sha256| AudioInfo {
            sha256,
            format: "wav/alaw".to_owned(),
            decoder: "callsift-riff".to_owned(),
            sample_rate: 8000,
            channels: 2,
            layout: ChannelLayout::Stereo,
            duration_ms: 2000,
            quality: Vec::new(),
            marks: Vec::new(),
            gaps: Vec::new(),
            levels: Vec::new(),
        });
        let meta = CallMeta { call_id: id.to_owned(), ..CallMeta::default() };
        CallReport {
            recording: Recording { path, name: name.to_owned(), sha256: String::new(), meta },
            outcome: Outcome::Ok,
            audio,
            turns: Vec::new(),
            metrics: TalkMetrics::default(),
            trend: SentimentTrend::default(),
            findings: Vec::new(),
            score: Some(100.0),
        }
    }

    fn sound(&self, name: &str) {
        fs::write(self.at("recordings").join(name), format!("sound of {name}")).unwrap();
    }

    fn is_there(&self, name: &str) -> bool {
        self.at("recordings").join(name).symlink_metadata().is_ok()
    }

    fn calls(&self) -> Vec<String> {
        open(&self.at("lake")).unwrap().done().unwrap().keys().cloned().collect()
    }

    fn retain(&self, calls_before: Option<&str>) -> Result<RetainSummary, PipelineError> {
        self.retain_with(calls_before, &|path| fs::remove_file(path))
    }

    fn retain_with(
        &self,
        calls_before: Option<&str>,
        remove_file: &dyn Fn(&Path) -> IoResult<()>,
    ) -> Result<RetainSummary, PipelineError> {
        let mut lake = open(&self.at("lake"))?;
        let (root, recordings) = (self.at("lake"), self.at("recordings"));
        let plan = plan(RetainRequest {
            lake: &root,
            recordings: Some(&recordings),
            calls_before,
            recordings_before: Some(NEW),
            held: &self.held,
        })?;
        let mut summary = RetainSummary::default();
        carry_out_with(&plan, &mut lake, &mut summary, remove_file)?;
        let planned = (plan.summary.calls, plan.summary.recordings, plan.summary.days);
        if summary.failed.is_empty() && summary.left == plan.summary.left {
            assert_eq!(planned, (summary.calls, summary.recordings, summary.days), "what was promised was done");
        }
        Ok(summary)
    }
}

#[test]
fn recordings_go_with_their_calls_and_shared_ones_stay() {
    let mut centre = Centre::new();
    for name in ["a.wav", "day/b.wav", "shared.wav", "kept.wav", "new.wav"] {
        centre.sound(name);
    }
    centre.add(OLD, &[("a", "a.wav"), ("b", "day/b.wav"), ("s", "shared.wav"), ("k", "kept.wav"), ("gone", "no.wav")]);
    centre.add(NEW, &[("s2", "day/../shared.wav"), ("new", "new.wav")]);
    centre.held.insert("k".to_owned(), "training");
    let s = centre.retain(Some(NEW)).unwrap();
    assert_eq!((s.calls, s.recordings, s.parts_removed, s.parts_rewritten), (4, 2, 0, 1));
    assert_eq!((s.held["training"], s.left.len(), s.failed.len()), (1, 1, 0), "{s:?}");
    assert_eq!(["a.wav", "day/b.wav"].map(|n| centre.is_there(n)), [false; 2]);
    assert_eq!(["shared.wav", "kept.wav", "new.wav"].map(|n| centre.is_there(n)), [true; 3]);
    assert_eq!(centre.calls(), ["k", "new", "s2"]);
    let again = centre.retain(Some(NEW)).unwrap();
    assert_eq!((again.calls, again.recordings, again.bytes.len()), (0, 0, 0));
}

#[test]
fn recordings_may_go_before_their_calls() {
    let centre = Centre::new();
    centre.sound("a.wav");
    centre.sound("n.wav");
    centre.add(OLD, &[("a", "a.wav")]);
    centre.add(NEW, &[("n", "n.wav")]);
    let s = centre.retain(None).unwrap();
    assert_eq!((s.calls, s.recordings, centre.is_there("a.wav"), centre.is_there("n.wav")), (0, 1, false, true));
    assert_eq!(centre.calls(), ["a", "n"]);
    assert_eq!(centre.retain(None).unwrap().recordings_missing, 1);
}

#[test]
fn nothing_outside_the_folder_is_touched() {
    let centre = Centre::new();
    fs::write(centre.at("secret"), "x").unwrap();
    std::os::unix::fs::symlink(centre.at("secret"), centre.at("recordings/out.wav")).unwrap();
    std::os::unix::fs::symlink(centre.dir.path(), centre.at("recordings/up")).unwrap();
    centre.sound("true.wav");
    std::os::unix::fs::symlink("true.wav", centre.at("recordings/link.wav")).unwrap();
    let absolute = centre.at("secret").to_string_lossy().into_owned();
    let names = ["out.wav", "up/secret", "../secret", absolute.as_str(), "link.wav", "day", "", "a\0b", "day/", "."];
    let calls: Vec<(String, &str)> = names.iter().enumerate().map(|(i, n)| (format!("c{i}"), *n)).collect();
    centre.add(OLD, &calls.iter().map(|(id, n)| (id.as_str(), *n)).collect::<Vec<_>>());
    let s = centre.retain(Some(NEW)).unwrap();
    assert_eq!((s.calls, s.recordings, s.left.len(), s.failed.len()), (10, 1, 4, 0), "{s:?}");
    assert!(centre.at("secret").exists() && centre.is_there("out.wav") && centre.is_there("day"));
    assert!(!centre.is_there("true.wav") && !centre.is_there("link.wav"), "a link inside goes with its file");
    // The links out are still there: the next run must not take these calls for new ones.
    let lake = open(&centre.at("lake")).unwrap();
    assert!(lake.was_removed("c0", || file_sha256(&centre.at("secret")).unwrap()).unwrap());
}

#[test]
fn a_recording_that_cannot_be_removed_keeps_its_call_and_the_rest_goes() {
    let centre = Centre::new();
    for name in ["a.wav", "b.wav"] {
        centre.sound(name);
    }
    centre.add(OLD, &[("a", "a.wav"), ("b", "b.wav")]);
    let refuse = |path: &Path| {
        if path.ends_with("a.wav") { Err(Error::other("read-only file system")) } else { fs::remove_file(path) }
    };
    let s = centre.retain_with(Some(NEW), &refuse).unwrap();
    assert_eq!((s.calls, s.recordings, s.failed[0].recording.as_str()), (1, 1, "a.wav"));
    assert_eq!((centre.calls(), centre.is_there("b.wav")), (vec!["a".to_owned()], false));
    let s = centre.retain(Some(NEW)).unwrap();
    assert_eq!((s.calls, s.parts_removed, centre.is_there("a.wav")), (1, 1, false));
}

#[test]
fn another_file_of_the_same_name_is_not_the_recording() {
    let centre = Centre::new();
    centre.sound("1.wav");
    centre.add(OLD, &[("a", "1.wav")]);
    fs::write(centre.at("recordings/1.wav"), "of today, not inspected yet").unwrap();
    let s = centre.retain(Some(NEW)).unwrap();
    assert_eq!((s.calls, s.recordings, s.left.len()), (1, 0, 1));
    assert!(centre.is_there("1.wav"));
}

#[test]
fn a_folder_that_is_not_mounted_is_refused() {
    let centre = Centre::new();
    for name in ["a.wav", "b.wav"] {
        centre.sound(name);
    }
    centre.add(OLD, &[("a", "a.wav")]);
    centre.add(NEW, &[("b", "b.wav")]);
    fs::rename(centre.at("recordings"), centre.at("elsewhere")).unwrap();
    assert!(matches!(centre.retain(Some(NEW)), Err(PipelineError::Io { .. })));
    fs::create_dir(centre.at("recordings")).unwrap();
    assert!(matches!(centre.retain(Some(NEW)), Err(PipelineError::OtherRecordings(_))));
    assert_eq!(centre.calls(), ["a", "b"]);
}

#[test]
fn a_folder_that_is_no_day_is_left_alone() {
    let centre = Centre::new();
    centre.add("1", &[("a", "a.wav")]);
    centre.add("2026-5-1", &[("b", "b.wav")]);
    centre.add(OLD, &[("c", "c.wav")]);
    for name in ["a.wav", "c.wav"] {
        centre.sound(name);
    }
    let s = centre.retain(Some(NEW)).unwrap();
    assert_eq!((s.calls, s.recordings, s.left.len()), (1, 1, 0), "{s:?}");
    // Such folders belong to nothing: neither they nor what their calls name is touched, and the lake does not count them.
    assert!(centre.calls().is_empty() && centre.is_there("a.wav") && !centre.is_there("c.wav"));
    for day in ["1", "2026-5-1"] {
        assert!(centre.at(&format!("lake/calls/dt={day}/part-00000.parquet")).is_file());
    }
}
