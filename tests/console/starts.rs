//! How the console starts, and when it does not.

use std::process::Stdio;

use super::lake;
use crate::support::{callsift, code, run, stderr, stdout};

#[test]
fn other_machines_are_let_in_only_with_tls() {
    let data = tempfile::tempdir().unwrap();
    let (folder, lake) =
        (data.path().to_string_lossy().into_owned(), lake().join("lake").to_string_lossy().into_owned());
    let base = ["console", "--lake", &lake, "--data", &folder, "--first-users", "3021"];
    let open = run(&[&base[..], &["--listen", "0.0.0.0:0"]].concat());
    assert!(code(&open) == 2 && stderr(&open).contains("--tls-cert"), "{}", stderr(&open));
    assert_eq!(stdout(&open), "", "no passwords are shown for a console that does not start");
    let lost = run(&["console", "--lake", "/nowhere", "--data", &folder]);
    assert!(code(&lost) == 2 && stderr(&lost).contains("no lake"), "{}", stderr(&lost));
    let no_key =
        run(&[&base[..], &["--listen", "127.0.0.1:0", "--tls-cert", "/nowhere.pem", "--tls-key", "/nowhere.pem"]]
            .concat());
    assert!(code(&no_key) == 2 && stderr(&no_key).contains("/nowhere.pem"), "{}", stderr(&no_key));
}

#[test]
fn a_backup_is_made_while_it_runs() {
    let console = super::Console::start();
    let copy = console.data.path().join("copy.db");
    let (folder, lake) = (console.data.path().to_string_lossy().into_owned(), lake().join("lake"));
    let backed_up = callsift()
        .args(["reviews", "--data", &folder, "--lake"])
        .arg(lake)
        .arg("backup")
        .arg(&copy)
        .stdout(Stdio::null())
        .output()
        .unwrap();
    assert_eq!(code(&backed_up), 0, "{}", stderr(&backed_up));
    assert_eq!(callsift_reviews::Db::open(&copy).unwrap().users().unwrap().len(), 6);
}

#[test]
fn no_console_starts_as_new_over_a_lost_database_and_a_copy_is_put_back() {
    let data = tempfile::tempdir().unwrap();
    let (folder, lake) =
        (data.path().to_string_lossy().into_owned(), lake().join("lake").to_string_lossy().into_owned());
    let at = ["--lake", &lake, "--data", &folder];
    let said = |command: &[&str], more: &[&str]| run(&[command, &at[..], more].concat());
    let added = said(&["users"], &["add", "wang", "--role", "lead"]);
    assert_eq!(code(&added), 0, "{}", stderr(&added));
    let copy = data.path().join("copy.db").to_string_lossy().into_owned();
    assert_eq!(code(&said(&["reviews"], &["backup", &copy])), 0);
    let database = data.path().join("reviews.db");
    for lost in [&b""[..], b"another program's notes"] {
        std::fs::write(&database, lost).unwrap();
        for command in [
            said(&["console"], &["--listen", "127.0.0.1:0", "--first-users", "3021"]),
            said(&["users"], &["list"]),
            said(&["reviews"], &["check"]),
        ] {
            assert!(code(&command) != 0 && stderr(&command).contains("restore COPY"), "{}", stderr(&command));
            assert_eq!(stdout(&command), "", "no first users, no list");
        }
        let back = said(&["reviews"], &["restore", &copy]);
        assert!(code(&back) == 0 && stderr(&back).contains("reviews.db.before-"), "{}", stderr(&back));
        assert!(stdout(&said(&["users"], &["list"])).contains("wang"));
        assert!(stdout(&said(&["reviews"], &["check"])).contains("sound"));
    }
}

#[test]
fn the_console_copies_the_reviews_by_itself() {
    let console = super::Console::start();
    let copied = || callsift_reviews::backups(console.data.path());
    let until = std::time::Instant::now() + std::time::Duration::from_secs(30);
    while copied().is_empty() && std::time::Instant::now() < until {
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
    assert_eq!(callsift_reviews::Db::open(&copied()[0]).unwrap().users().unwrap().len(), 6);
    let (folder, lake) = (console.data.path().to_string_lossy().into_owned(), lake().join("lake"));
    let copy = copied()[0].to_string_lossy().into_owned();
    let restored = run(&["reviews", "--lake", &lake.to_string_lossy(), "--data", &folder, "restore", &copy]);
    assert!(code(&restored) != 0 && stderr(&restored).contains("a console runs"), "{}", stderr(&restored));
}
