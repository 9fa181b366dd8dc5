//! The life of a rule: checked, tested under noise, measured, compared with the one in force, and replayed.

use std::fs;
use std::path::{Path, PathBuf};

use crate::support::{code, parquet_bytes, root, run, stderr, stdout};

/// A folder of rules: the shipped ones, with one file changed.
fn rules_with(folder: &Path, file: &str, change: impl Fn(String) -> String) -> PathBuf {
    let to = folder.join("rules-new");
    copy(&root().join("rules"), &to);
    let path = to.join(file);
    let text = fs::read_to_string(&path).unwrap();
    let changed = change(text.clone());
    assert_ne!(changed, text, "the change must change something");
    fs::write(path, changed).unwrap();
    to
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy(&path, &target);
        } else {
            fs::copy(&path, &target).unwrap();
        }
    }
}

/// Some labelled calls in a lake.
fn lake(folder: &Path, name: &str, rules: &Path) -> PathBuf {
    let calls = folder.join("calls.jsonl");
    let all = fs::read_to_string(root().join("tests/labelled/dev.jsonl")).unwrap();
    fs::write(&calls, all.lines().take(60).collect::<Vec<_>>().join("\n")).unwrap();
    let lake = folder.join(name);
    let args = ["run", "--transcripts", calls.to_str().unwrap(), "--out", lake.to_str().unwrap(), "--rules"];
    let output = run(&[&args[..], &[rules.to_str().unwrap(), "--json", "--calls-per-part", "25"]].concat());
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    lake
}

#[test]
fn a_change_of_rules_is_seen_before_it_goes_live_and_then_replayed() {
    let folder = tempfile::tempdir().unwrap();
    let old = root().join("rules");
    // Whoever says 您好 no longer greets.
    let new = rules_with(folder.path(), "opening/greeting-missing.yaml", |text| text.replace("您好", "泥嚎嚎"));
    let lake_a = lake(folder.path(), "a", &old);
    let diff = |from: &Path, to: &Path| {
        run(&["rules", "diff", from.to_str().unwrap(), to.to_str().unwrap(), "--lake", lake_a.to_str().unwrap()])
    };
    let same = diff(&old, &old);
    assert_eq!(code(&same), 0, "{}", stdout(&same));
    let changed = diff(&old, &new);
    assert_eq!(code(&changed), 1);
    let text = stdout(&changed);
    assert!(text.contains("greeting-missing：新增违规") && text.contains("clear → hit"), "{text}");

    let args = ["replay", "--lake", lake_a.to_str().unwrap(), "--rules", new.to_str().unwrap()];
    let replayed = run(&args);
    assert_eq!(code(&replayed), 0, "{}", stderr(&replayed));
    assert!(stdout(&replayed).contains("重判 60 通"), "{}", stdout(&replayed));
    // The lake is now what a run with the new rules would have made, byte for byte.
    let lake_b = lake(folder.path(), "b", &new);
    assert!(parquet_bytes(&lake_a) == parquet_bytes(&lake_b));
    assert_eq!(code(&diff(&new, &new)), 0);
}

#[test]
fn a_replay_of_some_days_leaves_the_others_alone_and_other_options_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let new = rules_with(folder.path(), "opening/greeting-missing.yaml", |text| text.replace("您好", "泥嚎嚎"));
    let lake = lake(folder.path(), "a", &root().join("rules"));
    let before = parquet_bytes(&lake);
    let rules = new.to_str().unwrap();
    let args = ["replay", "--lake", lake.to_str().unwrap(), "--rules", rules];
    let none = run(&[&args[..], &["--from", "1999-01-01", "--to", "1999-12-31"]].concat());
    assert!(code(&none) == 2 && stderr(&none).contains("no calls from 1999-01-01"), "{}", stderr(&none));
    assert!(parquet_bytes(&lake) == before);
    let config = folder.path().join("c.toml");
    fs::write(&config, "[rules]\nmin_confidence = 0.6\n").unwrap();
    let refused = run(&[&args[..], &["--config", config.to_str().unwrap()]].concat());
    assert_eq!(code(&refused), 2);
    assert!(stderr(&refused).contains("--other-options"), "{}", stderr(&refused));
    assert!(parquet_bytes(&lake) == before);
}

#[test]
fn rules_are_explained_step_by_step() {
    let folder = tempfile::tempdir().unwrap();
    let lake = lake(folder.path(), "a", &root().join("rules"));
    let calls = fs::read_to_string(root().join("tests/labelled/dev.jsonl")).unwrap();
    let first: serde_json::Value = serde_json::from_str(calls.lines().next().unwrap()).unwrap();
    let id = first["call_id"].as_str().unwrap();
    let output = run(&["rules", "explain", "greeting-missing", "--lake", lake.to_str().unwrap(), "--call", id]);
    let text = stdout(&output);
    for part in ["检查范围", "条件：", "condition.", "结论："] {
        assert!(text.contains(part), "{text}");
    }
    let missing = run(&["rules", "explain", "greeting-missing", "--lake", lake.to_str().unwrap(), "--call", "none"]);
    assert_eq!(code(&missing), 2);
    assert!(stderr(&missing).contains("no call `none`"), "{}", stderr(&missing));
}

#[test]
fn tests_are_repeated_under_noise_and_accuse_nobody() {
    let output = run(&["rules", "test", "--noise", "--repeats", "2"]);
    assert_eq!(code(&output), 0, "{}", stdout(&output));
    assert!(stdout(&output).contains("合计"), "{}", stdout(&output));
}

#[test]
fn labelled_calls_give_precision_and_recall() {
    let output = run(&["eval", "--labelled", "tests/labelled/dev.jsonl", "--json", "--profile", "all"]);
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    let measures: serde_json::Value = serde_json::from_str(&stdout(&output)).unwrap();
    let greeting = &measures["greeting-missing"];
    assert!(greeting["true_hits"].as_u64().unwrap() >= 10, "{greeting}");
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("x.jsonl");
    fs::write(&file, "{\"call_id\":\"a\",\"turns\":[],\"expect\":{\"greeting-missing\":\"maybe\"}}\n").unwrap();
    let wrong = run(&["eval", "--labelled", file.to_str().unwrap()]);
    assert_eq!(code(&wrong), 2);
    assert!(stderr(&wrong).contains("line 1") && stderr(&wrong).contains("maybe"), "{}", stderr(&wrong));
}

#[test]
fn every_profile_loads_and_an_unknown_one_names_the_others() {
    let ok = run(&["rules", "check"]);
    assert_eq!(code(&ok), 0, "{}", stderr(&ok));
    assert!(stdout(&ok).contains("3 profiles"), "{}", stdout(&ok));
    let folder = tempfile::tempdir().unwrap();
    let lake = folder.path().join("lake");
    let unknown = run(&[
        "run",
        "--transcripts",
        "tests/labelled/dev.jsonl",
        "--out",
        lake.to_str().unwrap(),
        "--profile",
        "nope",
    ]);
    assert_eq!(code(&unknown), 2);
    assert!(stderr(&unknown).contains("order-hotline"), "{}", stderr(&unknown));
}

#[test]
fn changed_points_and_severities_are_seen_before_they_go_live() {
    let folder = tempfile::tempdir().unwrap();
    let old = root().join("rules");
    let new = rules_with(folder.path(), "opening/greeting-missing.yaml", |text| {
        let line = |start: &str| text.lines().find(|line| line.starts_with(start)).unwrap().to_owned();
        text.replace(&line("points:"), "points: 9").replace(&line("severity:"), "severity: severe")
    });
    fs::remove_file(new.join("language/unclear-speech.yaml")).unwrap();
    let lake = lake(folder.path(), "a", &old);
    let args = [
        "rules",
        "diff",
        old.to_str().unwrap(),
        new.to_str().unwrap(),
        "--profile=all",
        "--lake",
        lake.to_str().unwrap(),
    ];
    let output = run(&args);
    let text = stdout(&output);
    assert_eq!(code(&output), 1, "{text}{}", stderr(&output));
    assert!(text.contains("greeting-missing：扣分") && text.contains("→ 9 分（severe）"), "{text}");
    assert!(text.contains("unclear-speech：规则已删除"), "{text}");
    let json: serde_json::Value = serde_json::from_str(&stdout(&run(&[&args[..], &["--json"]].concat()))).unwrap();
    assert_eq!(json["rules"]["greeting-missing"]["new"]["points"], 9.0);
    assert_eq!(json["rules"]["unclear-speech"]["new"], serde_json::Value::Null);
    assert!(json["changes"]["greeting-missing"].is_null(), "no verdict of it changes: {}", json["changes"]);
}
