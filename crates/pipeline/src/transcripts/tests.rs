use callsift_core::{CallReport, Outcome};

use super::Transcripts;
use crate::config::MetadataConfig;
use crate::intake::NoteKind;

fn call(id: &str, text: &str) -> String {
    format!(
        r#"{{"call_id":"{id}","agent_id":"3021","started_at":"2026-11-16T09:00:00+08:00","turns":[{{"role":"customer","start_ms":2500,"end_ms":4000,"text":"五条"}},{{"role":"agent","start_ms":0,"end_ms":2000,"text":"{text}"}}]}}"#
    )
}

fn open(bytes: &[u8]) -> Transcripts {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), bytes).unwrap();
    Transcripts::open(file.path(), &MetadataConfig::default(), "2026-11-20", None).unwrap()
}

fn reason(report: &CallReport) -> Option<&str> {
    match &report.outcome {
        Outcome::Failed { reason, .. } => Some(reason),
        _ => None,
    }
}

#[test]
fn good_lines_are_read_and_bad_ones_are_rows_under_their_own_id() {
    let good = call("k1", "您好");
    let calls = open(format!("{good}\n{{\"call_id\":\"k2\"}}\n{good}\nnot json\n{}\n", call("k1", "喂")).as_bytes());
    let reports = calls.read_all().unwrap();
    let ids: Vec<_> = reports.iter().map(|r| r.recording.meta.call_id.as_str()).collect();
    assert_eq!(reports.len(), 4, "{ids:?}");
    let k1 = reports.iter().find(|r| r.recording.meta.call_id == "k1").unwrap();
    assert_eq!((k1.turns[0].text().as_str(), k1.recording.meta.date.as_deref()), ("您好", Some("2026-11-16")));
    assert!(
        ids.contains(&"k2") && ids.iter().any(|id| id.starts_with("k1~")) && ids.iter().any(|id| id.ends_with(":4"))
    );
    assert_eq!((calls.intake().count(NoteKind::RepeatedCall), calls.intake().count(NoteKind::SharedId)), (1, 1));
    let failed: Vec<_> = reports.iter().filter_map(reason).collect();
    assert_eq!(failed.len(), 2);
    assert!(failed.iter().any(|r| r.contains(":2: missing field `turns`")), "{failed:?}");
}

#[test]
fn a_call_with_a_broken_turn_keeps_its_id_and_whose_it_is() {
    let calls = open(call("k1", "您好").replace("\"end_ms\":4000", "\"end_ms\":-1").as_bytes());
    let report = calls.read(0).unwrap();
    assert_eq!(
        (report.recording.meta.call_id.as_str(), report.recording.meta.agent_id.as_deref()),
        ("k1", Some("3021"))
    );
    assert!(reason(&report).unwrap().contains(":1: turn 0: `start_ms` 2500"), "{:?}", report.outcome);
}

#[test]
fn however_the_file_is_written_it_is_the_same_calls() {
    let lines = format!("{}\n{}\n", call("k1", "您好\u{2028}再见"), call("k2", "好的"));
    let array = format!("\u{feff} [\n{},\r\n{}\n]", call("k1", "您好\u{2028}再见"), call("k2", "好的"));
    let utf16 = |text: &str| -> Vec<u8> { text.encode_utf16().flat_map(u16::to_le_bytes).collect() };
    let plain = open(lines.as_bytes()).read_all().unwrap();
    assert_eq!(plain.len(), 2);
    for bytes in [
        format!("\u{feff}{}", lines.replace('\n', "\r\n")).into_bytes(),
        array.clone().into_bytes(),
        [b"\xff\xfe".to_vec(), utf16(&lines)].concat(),
        utf16(&array),
        encoding_rs::GB18030.encode(&lines).0.into_owned(),
    ] {
        let read = open(&bytes).read_all().unwrap();
        let of = |r: &CallReport| (r.recording.meta.clone(), r.turns.clone(), reason(r).map(str::to_owned));
        assert_eq!(read.iter().map(of).collect::<Vec<_>>(), plain.iter().map(of).collect::<Vec<_>>());
    }
}

#[test]
fn a_broken_element_of_an_array_costs_only_itself() {
    let calls = open(
        format!(
            "[{},\n{{\"call_id\":\"k2\",\"turns\":7}},\n{}",
            call("k1", "您好"),
            call("k3", "\\\"],[").trim_end_matches('}')
        )
        .as_bytes(),
    );
    let reports = calls.read_all().unwrap();
    let ids: Vec<_> = reports.iter().map(|r| (r.recording.meta.call_id.as_str(), reason(r).is_some())).collect();
    assert_eq!(ids, [("k1", false), ("k2", true), ("k3", true)]);
    assert!(reason(&reports[1]).unwrap().contains(":2: "));
}

#[test]
fn a_time_that_is_not_read_files_the_call_under_no_made_up_day() {
    let line = call("k1", "您好").replace("2026-11-16T09:00:00+08:00", "16/11/2026 9:00");
    assert!(reason(&open(line.as_bytes()).read(0).unwrap()).unwrap().contains("16/11/2026"));
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), line).unwrap();
    let forced = Transcripts::open(file.path(), &MetadataConfig::default(), "2026-11-20", Some("2026-11-16")).unwrap();
    let report = forced.read(0).unwrap();
    assert_eq!((reason(&report), report.recording.meta.started_at_us), (None, None));
    assert_eq!(report.recording.meta.extra["started_at_unreadable"], "16/11/2026 9:00");
}

#[test]
fn a_line_that_stays_broken_makes_no_second_row() {
    let folder = tempfile::tempdir().unwrap();
    let mut lake = callsift_store::Lake::open(folder.path(), callsift_text::Segmenter::default()).unwrap();
    let mut run = |bytes: &str| -> Vec<String> {
        let calls = open(bytes.as_bytes());
        let todo = super::resolve(&mut lake, &calls).unwrap();
        for (call, id) in &todo.calls {
            let mut report = calls.read(*call).unwrap();
            report.recording.meta.call_id.clone_from(id);
            lake.remember_sources("2026-11-16", [(id.as_str(), calls.hash(*call).as_bytes())].into_iter()).unwrap();
            lake.write_part("2026-11-16", &[report], &callsift_core::Provenance::default()).unwrap();
        }
        todo.calls.into_iter().map(|(_, id)| id).collect()
    };
    let broken = |more: &str| format!("{{\"call_id\":\"k1\",\"turns\":[{more}");
    assert_eq!(run(&broken("")), ["k1"]);
    assert!(run(&broken("")).is_empty() && run(&broken("{")).is_empty());
    assert_eq!(run(&call("k1", "您好")), ["k1"]);
    // What can be read is not given up for what cannot; the same call of the same day that changed is written anew.
    assert!(run(&broken("")).is_empty() && run(&call("k1", "您好")).is_empty());
    assert_eq!(run(&call("k1", "您好，再见")), ["k1"]);
    let other = run(&call("k1", "喂").replace("2026-11-16", "2026-11-17"));
    assert!(other.len() == 1 && other[0].starts_with("k1~"), "{other:?}");
}
