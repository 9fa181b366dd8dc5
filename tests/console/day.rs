//! Whole days of work in a real browser (`day.py` and `handover.py` say what happens).

use std::path::Path;
use std::process::Command;

use super::Console;
use crate::support::{python, root, stderr, stdout};

/// Plays a script in a browser over a new console.
fn play(script: &str, people: &[&str]) {
    for program in ["/usr/bin/chromium", "/usr/bin/chromedriver"] {
        assert!(
            Path::new(program).exists(),
            "{program} is missing: run `make setup` as root, or install chromium-driver"
        );
    }
    let console = Console::start();
    // Pictures of the last run, to be looked at.
    let shots = root().join("target/console");
    std::fs::create_dir_all(&shots).unwrap();
    let people = people.iter().map(|name| format!("{name}:{}", console.password(name)));
    let day = Command::new(python())
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .arg(root().join("tests/console").join(script))
        .arg(&console.base)
        .arg(&shots)
        .args(people)
        .output()
        .unwrap();
    assert!(day.status.success(), "{}{}", stdout(&day), stderr(&day));
}

#[test]
fn a_day_at_the_console() {
    play("day.py", &["zhijian", "zuoxi", "zhuguan", "admin"]);
}

#[test]
fn work_goes_from_one_to_the_next() {
    play("handover.py", &["zhuguan", "zhijian", "banzhang", "jingli", "zuoxi"]);
}
