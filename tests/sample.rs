//! A listening plan is drawn, handed out, drawn again by somebody else, and a changed one is found out.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use callsift_reviews::Db;

use crate::support::{code, root, run, stderr, stdout};

#[test]
fn a_draw_can_be_checked_by_anyone() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name).to_string_lossy().into_owned();
    let (calls, lake, out, csv) = (at("calls.jsonl"), at("lake"), at("draw.json"), at("list.csv"));
    // Twelve agents over ten days, thirty calls each, from the labelled ones.
    let labelled = fs::read_to_string(root().join("tests/labelled/dev.jsonl")).unwrap();
    let mut lines = Vec::new();
    for (i, line) in labelled.lines().cycle().take(360).enumerate() {
        let mut call: serde_json::Value = serde_json::from_str(line).unwrap();
        call["call_id"] = format!("k{i:04}").into();
        call["agent_id"] = format!("30{:02}", i % 12).into();
        call["unit"] = ["甲组", "乙组"][i % 2].into();
        call["started_at"] = format!("2026-11-{:02}T{:02}:{:02}:00+08:00", 2 + i / 36, 9 + i % 8, i % 60).into();
        lines.push(call.to_string());
    }
    fs::write(&calls, lines.join("\n")).unwrap();
    let made = run(&["run", "--transcripts", &calls, "--out", &lake, "--json", "--calls-per-part", "400"]);
    assert_eq!(code(&made), 0, "{}", stderr(&made));

    let plan = ["sample", "--lake", &lake, "--plan", "plans/half-month.toml", "--seed", "2026-11-1"];
    let rest = ["--to", "2026-11-15", "--reviewers", "王芳,李强,周敏", "--out", &out, "--csv", &csv];
    let drawn = run(&[&plan[..], &rest[..]].concat());
    assert_eq!(code(&drawn), 0, "{}", stderr(&drawn));
    let text = stdout(&drawn);
    assert!(text.contains("半月抽检：60 通，坐席 12 人") && text.contains("时长接近当日平均"), "{text}");
    let list = fs::read_to_string(&csv).unwrap();
    for reviewer in ["王芳", "李强", "周敏"] {
        assert_eq!(list.matches(reviewer).count(), 20, "{list}");
    }

    let verify = |file: &str| run(&["sample", "verify", file, "--lake", &lake]);
    assert_eq!(code(&verify(&out)), 0, "{}", stdout(&verify(&out)));
    assert!(stdout(&verify(&out)).contains("未登记"), "{}", stdout(&verify(&out)));
    // Somebody swaps one call for another.
    let record = fs::read_to_string(&out).unwrap();
    let mut changed: serde_json::Value = serde_json::from_str(&record).unwrap();
    changed["picked"][0]["call_id"] = "k0359".into();
    let forged = at("forged.json");
    fs::write(&forged, changed.to_string()).unwrap();
    let found_out = verify(&forged);
    assert_eq!(code(&found_out), 1);
    assert!(stdout(&found_out).contains("文件被改过"), "{}", stdout(&found_out));
    // Somebody draws until a list pleases, and shows a file that was never announced.
    let log = folder.path().join("lake/console/draws.jsonl");
    let begun = fs::read_to_string(&log).unwrap();
    fs::write(&log, begun.replace("2026-11-1", "another seed")).unwrap();
    let secret = verify(&out);
    assert!(code(&secret) == 1 && stdout(&secret).contains("没有这次抽取"), "{}", stdout(&secret));
    fs::write(&log, begun).unwrap();
    nothing_is_drawn_of_nothing(&lake);
    people_who_draw_at_once_do_not_get_the_same_calls(&lake);
    let no_plan = run(&["sample", "--lake", &lake, "--seed", "x"]);
    assert_eq!(code(&no_plan), 2);
}

/// Days without calls, and folders without reviews, are mistakes that are said.
fn nothing_is_drawn_of_nothing(lake: &str) {
    let base = ["sample", "--lake", lake, "--plan", "plans/random-share.toml", "--seed", "s"];
    let none = run(&[&base[..], &["--from", "2027-01-01", "--save"]].concat());
    assert!(code(&none) == 2 && stderr(&none).contains("no calls since 2027-01-01"), "{}", stderr(&none));
    let elsewhere = run(&["reviews", "--lake", lake, "--data", "/nowhere/at/all", "export"]);
    assert!(code(&elsewhere) == 2 && stderr(&elsewhere).contains("no reviews database"), "{}", stderr(&elsewhere));
}

/// Three draws by risk and by lot, saved at one time: each knows of the others.
fn people_who_draw_at_once_do_not_get_the_same_calls(lake: &str) {
    let people = ["wang", "li", "zhou"];
    for name in people {
        assert_eq!(code(&run(&["users", "--lake", lake, "add", name, "--role", "reviewer"])), 0);
    }
    let draw = |i: usize| {
        let base = ["sample", "--lake", lake, "--plan", "plans/risk-queue.toml", "--save", "--reviewers", people[i]];
        run(&[&base[..], &["--seed", &i.to_string()]].concat())
    };
    std::thread::scope(|s| {
        let draws: Vec<_> = (0..3).map(|i| s.spawn(move || draw(i))).collect();
        for draw in draws {
            assert_eq!(code(&draw.join().unwrap()), 0);
        }
    });
    let db = Db::open(&Path::new(lake).join("console/reviews.db")).unwrap();
    let mut hearers: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for draw in db.draws().unwrap() {
        for call in db.draw_calls(draw.id).unwrap() {
            hearers.entry(call.call_id).or_default().extend(call.reviewer);
        }
    }
    assert!(hearers.values().filter(|h| !h.is_empty()).count() > 100);
    assert!(hearers.values().all(|h| h.len() <= 1), "{hearers:?}");
}

#[test]
fn all_shipped_plans_draw() {
    let folder = tempfile::tempdir().unwrap();
    let lake = folder.path().join("lake").to_string_lossy().into_owned();
    let made = run(&["run", "--transcripts", "tests/labelled/dev.jsonl", "--out", &lake, "--json"]);
    assert_eq!(code(&made), 0, "{}", stderr(&made));
    for entry in fs::read_dir(root().join("plans")).unwrap() {
        let plan = entry.unwrap().path().to_string_lossy().into_owned();
        let drawn = run(&["sample", "--lake", &lake, "--plan", &plan, "--seed", "s"]);
        assert_eq!(code(&drawn), 0, "{plan}: {}", stderr(&drawn));
    }
}
