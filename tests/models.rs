//! Models on the command line: what is imported is listed, verified and used; what is wrong names its remedy.

use std::path::Path;
use std::process::Output;

use crate::support::{callsift, code, root, stderr, stdout};

/// Runs `callsift models …` with a models folder of its own.
fn models(home: &Path, args: &[&str]) -> Output {
    callsift().env("CALLSIFT_HOME", home).arg("models").args(args).output().unwrap()
}

#[test]
fn an_imported_model_is_listed_verified_and_used() {
    let home = tempfile::tempdir().unwrap();
    let mini = root().join("models/whisper-mini-zh/ggml-model-q8_0.bin");
    let mini = mini.to_str().unwrap();
    let made = models(home.path(), &["import", mini, "--name", "own"]);
    assert_eq!(code(&made), 0, "{}", stderr(&made));
    assert!(stdout(&made).contains("--model own") && stderr(&made).contains("51865 tokens"), "{}", stderr(&made));
    let listed: serde_json::Value = serde_json::from_str(&stdout(&models(home.path(), &["list", "--json"]))).unwrap();
    let find = |table: &str, name: &str| {
        listed[table].as_array().unwrap().iter().find(|model| model["name"] == name).expect("is listed").clone()
    };
    let own = find("installed", "own");
    assert_eq!((&own["form"], &own["licence"]), (&"engine int8, of ggml".into(), &"by its publisher".into()), "{own}");
    assert!(own["path"].as_str().unwrap().ends_with("models/own"), "{own}");
    assert_eq!(find("known", "whisper-mini-zh")["here"], "embedded, verified");
    assert!(stdout(&models(home.path(), &["list"])).contains("whisper-large-v3-turbo"));
    assert_eq!(code(&models(home.path(), &["verify", "own"])), 0);
    // It hears what the embedded model hears: the same weights.
    let hear = |model: &str| {
        let file = "tests/demo/recordings/c01-clean-order.wav";
        let args = ["transcribe", file, "--model", model];
        let output = callsift().env("CALLSIFT_HOME", home.path()).args(args).output().unwrap();
        assert_eq!(code(&output), 0, "{}", stderr(&output));
        stdout(&output)
    };
    assert!(hear("own").contains("红塔山"), "{}", hear("own"));
    // The name is taken, and so are those of known models.
    let again = models(home.path(), &["import", mini, "--name", "own"]);
    assert!(code(&again) == 2 && stderr(&again).contains("--replace"), "{}", stderr(&again));
    assert_eq!(code(&models(home.path(), &["import", mini, "--name", "own", "--replace", "--precision", "fp32"])), 0);
    assert!(stdout(&models(home.path(), &["list", "--json"])).contains("engine fp32, of ggml"));
    for name in ["whisper-base", "../own", ".own"] {
        let refused = models(home.path(), &["import", mini, "--name", name]);
        assert!(code(&refused) == 2 && stderr(&refused).contains("name"), "{}", stderr(&refused));
    }
    // A changed byte is found.
    let weights = home.path().join("models/own/weights.bin");
    let mut bytes = std::fs::read(&weights).unwrap();
    bytes[1000] ^= 1;
    std::fs::write(&weights, bytes).unwrap();
    let changed = models(home.path(), &["verify", "own"]);
    assert!(code(&changed) == 1 && stdout(&changed).contains("wrong sha256"), "{}", stdout(&changed));
}

#[test]
fn what_is_no_model_and_what_is_not_here_name_the_remedy() {
    let home = tempfile::tempdir().unwrap();
    let wav = models(home.path(), &["import", "tests/demo/recordings/c01-clean-order.wav"]);
    assert!(code(&wav) == 2 && stderr(&wav).contains("CTranslate2"), "{}", stderr(&wav));
    assert!(!home.path().join("models/c01-clean-order").exists());
    let folder = callsift()
        .args(["transcribe", "tests/demo/recordings/c01-clean-order.wav", "--model", "tests"])
        .output()
        .unwrap();
    assert!(stderr(&folder).contains("callsift models import tests"), "{}", stderr(&folder));
    let small = callsift()
        .env("CALLSIFT_HOME", home.path())
        .env("HOME", home.path())
        .args(["transcribe", "tests/demo/recordings/c01-clean-order.wav", "--model", "whisper-small"])
        .output()
        .unwrap();
    assert!(stderr(&small).contains("callsift models pull whisper-small"), "{}", stderr(&small));
    let none = models(home.path(), &["pull", "whisper-base", "--offline"]);
    assert!(code(&none) == 2 && stderr(&none).contains("not fetched whole"), "{}", stderr(&none));
}

#[test]
fn the_embedded_model_is_loud_on_other_recordings() {
    let loud = |file: &str| {
        let output = callsift().args(["transcribe", file, "--model", "whisper-mini-zh"]).output().unwrap();
        stderr(&output).contains("WARNING: whisper-mini-zh")
    };
    let folder = tempfile::tempdir().unwrap();
    let other = folder.path().join("other.wav");
    std::fs::copy(root().join("tests/demo/recordings/c01-clean-order.wav"), &other).unwrap();
    assert!(loud(other.to_str().unwrap()));
    assert!(!loud("tests/demo/recordings/c01-clean-order.wav"));
}

/// The runtime is told before it is opened: what it would keep in the home folder and for temporary files it also
/// sends.
#[test]
fn the_runtime_keeps_and_sends_nothing_of_its_own() {
    let (home, temporary) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let heard = callsift()
        .env_remove("ORT_DISABLE_TELEMETRY")
        .env("HOME", home.path())
        .env("XDG_CACHE_HOME", home.path().join("cache"))
        .env("TMPDIR", temporary.path())
        .args(["transcribe", "tests/demo/recordings/c01-clean-order.wav", "--model", "whisper-mini-zh"])
        .output()
        .unwrap();
    assert!(code(&heard) == 0 && !heard.stdout.is_empty(), "{}", stderr(&heard));
    for folder in [&home, &temporary] {
        let left: Vec<_> = std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert!(left.is_empty(), "{left:?}");
    }
}
