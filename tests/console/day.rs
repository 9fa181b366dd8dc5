//! A whole day of work in a real browser (`day.py` says what happens).

use std::path::Path;
use std::process::Command;

use super::Console;
use crate::support::{python, root, stderr, stdout};

#[test]
fn a_day_at_the_console() {
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
    let people = ["zhijian", "zuoxi", "zhuguan", "admin"].map(|name| format!("{name}:{}", console.password(name)));
    let day = Command::new(python())
        .arg(root().join("tests/console/day.py"))
        .arg(&console.base)
        .arg(&shots)
        .args(people)
        .output()
        .unwrap();
    assert!(day.status.success(), "{}{}", stdout(&day), stderr(&day));
}
