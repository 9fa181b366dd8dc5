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
    assert_eq!(callsift_reviews::Db::open(&copy).unwrap().users().unwrap().len(), 4);
}
