//! What is installed without a compiler: packages of this binary, each in an empty root, run from another folder by a
//! user without rights. `make dist` makes the same of the binary that is shipped.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::Instant;

use crate::support::{code, root, stderr, stdout};

/// Packages of one kind, made of the binary under test.
fn pack(out: &Path, kind: &str) -> PathBuf {
    let made = Command::new("python3")
        .arg(root().join("packaging/build.py"))
        .args(["--binary", env!("CARGO_BIN_EXE_callsift"), "--kinds", kind, "--out"])
        .arg(out)
        .output()
        .unwrap();
    assert_eq!(code(&made), 0, "{}", stderr(&made));
    let size = stdout(&made).split("binary ").nth(1).unwrap().split(' ').next().unwrap().parse::<f64>().unwrap();
    assert!(size <= 60.0, "the stripped binary has {size} MB");
    let ends = [("tar", ".gz"), ("deb", ".deb"), ("wheel", ".whl")].into_iter().find(|(k, _)| *k == kind).unwrap().1;
    let files = std::fs::read_dir(out).unwrap().map(|entry| entry.unwrap().path());
    files.into_iter().find(|file| file.to_string_lossy().ends_with(ends)).unwrap()
}

fn done(command: &mut Command) -> Output {
    let output = command.output().unwrap();
    assert_eq!(code(&output), 0, "{command:?}: {}{}", stdout(&output), stderr(&output));
    output
}

/// A folder that everybody may look into.
fn open_folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    done(Command::new("chmod").arg("755").arg(folder.path()));
    folder
}

/// An installed command, and a user without rights who starts it at the root of the file system with nothing in the
/// environment.
struct Installed {
    command: PathBuf,
    home: tempfile::TempDir,
}

impl Installed {
    fn new(command: PathBuf) -> Self {
        let home = open_folder();
        if is_root() {
            done(Command::new("chown").arg("65534:65534").arg(home.path()));
        }
        Self { command, home }
    }

    fn run(&self, line: &str) -> Output {
        let mut command = if is_root() {
            let mut nobody = Command::new("setpriv");
            nobody.args(["--reuid=65534", "--regid=65534", "--clear-groups"]).arg(&self.command);
            nobody
        } else {
            Command::new(&self.command)
        };
        let home = self.home.path().to_string_lossy().into_owned();
        let words = line.split(' ').map(|word| word.replace("HOME", &home));
        command.env_clear().env("PATH", "/usr/bin:/bin").env("HOME", &home).current_dir("/").args(words);
        command.output().unwrap()
    }

    /// What a stranger does first: the bundled calls are inspected, and the planted faults are found.
    fn finds(&self) {
        let demo = self.run("demo --dir HOME/demo");
        assert!(code(&demo) == 0 && stdout(&demo).contains("建议先听"), "{}{}", stdout(&demo), stderr(&demo));
        let report = self.run("report --lake HOME/demo/lake --json");
        let report: serde_json::Value = serde_json::from_str(&stdout(&report)).unwrap();
        assert_eq!((&report["calls"], &report["inspected"]), (&14.into(), &13.into()), "{report}");
        let doctor = stdout(&self.run("doctor --model whisper-mini-zh"));
        assert!(!doctor.contains("MISSING"), "{doctor}");
    }
}

fn is_root() -> bool {
    stdout(&Command::new("id").arg("-u").output().unwrap()).trim() == "0"
}

#[test]
fn the_tarball_works_from_any_folder_for_any_user() {
    let folder = open_folder();
    let packed = pack(folder.path(), "tar");
    done(Command::new("tar").arg("-xzf").arg(&packed).arg("-C").arg(folder.path()));
    let top = PathBuf::from(packed.to_string_lossy().strip_suffix(".tar.gz").unwrap());
    for file in
        ["share/man/man1/callsift-run.1", "share/bash-completion/completions/callsift", "share/doc/callsift/LICENSE"]
    {
        assert!(top.join(file).is_file(), "{file}");
    }
    let notices = std::fs::read_to_string(top.join("share/doc/callsift/THIRD-PARTY-NOTICES")).unwrap();
    for part in ["whisper-rs-sys", "arrow", "libsqlite3-sys", "Permission is hereby granted"] {
        assert!(notices.contains(part), "{part}");
    }
    let callsift = Installed::new(top.join("bin/callsift"));
    callsift.finds();
    let drawn = "sample --lake HOME/demo/lake --plan half-month --seed s --record HOME/drawn.json";
    for line in [
        "rules check",
        "rules test",
        "rules explain shirking --lake HOME/demo/lake --call c07",
        "compact --lake HOME/demo/lake",
        "replay --lake HOME/demo/lake",
        "snapshot --lake HOME/demo/lake --out HOME/now",
        drawn,
        "sample verify HOME/drawn.json --lake HOME/demo/lake",
        "users add wang --lake HOME/demo/lake --role lead",
        "reviews backup HOME/copy.db --lake HOME/demo/lake",
        "lake check --lake HOME/demo/lake",
        "retain --lake HOME/demo/lake --days 9999",
        "models list",
        "formats",
        "config",
    ] {
        let output = callsift.run(line);
        assert_eq!(code(&output), 0, "{line}: {}", stderr(&output));
        assert!(!(stdout(&output) + &stderr(&output)).contains("make setup"), "{line}");
    }
    // What is missing is got by a command that an installation has.
    let recordings = top.join("share/callsift/demo/recordings");
    let line = format!("run --recordings {} --lake HOME/lake --model whisper-large-v3", recordings.display());
    let base = callsift.run(&line);
    assert!(code(&base) == 2 && stderr(&base).contains("callsift models pull"), "{}", stderr(&base));
    std::fs::remove_file(top.join("share/callsift/models/silero_vad.onnx")).unwrap();
    for library in std::fs::read_dir(top.join("lib/callsift")).unwrap() {
        std::fs::remove_file(library.unwrap().path()).unwrap();
    }
    for line in ["doctor", "demo --dir HOME/again"] {
        let broken = callsift.run(line);
        let said = stdout(&broken) + &stderr(&broken);
        assert!(said.contains("install callsift again") && !said.contains("make setup"), "{line}: {said}");
    }
}

#[test]
fn the_debian_package_installs_into_an_empty_root() {
    let folder = open_folder();
    let packed = pack(folder.path(), "deb");
    let root = folder.path().join("root");
    std::fs::create_dir_all(root.join("var/lib/dpkg")).unwrap();
    if is_root() {
        let mut dpkg = Command::new("dpkg");
        dpkg.arg(format!("--root={}", root.display())).args(["--force-script-chrootless", "--force-depends", "-i"]);
        done(dpkg.arg(&packed));
    } else {
        done(Command::new("dpkg-deb").arg("-x").arg(&packed).arg(&root));
    }
    for file in
        ["usr/lib/systemd/system/callsift-run.timer", "etc/callsift/callsift.toml", "usr/share/man/man1/callsift.1.gz"]
    {
        assert!(root.join(file).is_file(), "{file}");
    }
    Installed::new(root.join("usr/bin/callsift")).finds();
}

/// From an empty environment to the first findings in a minute; its runtime comes from the package index, as for
/// everybody.
#[test]
fn the_wheel_gives_the_command() {
    let folder = open_folder();
    let packed = pack(folder.path(), "wheel");
    let venv = folder.path().join("venv");
    let begin = Instant::now();
    done(Command::new("python3").args(["-m", "venv"]).arg(&venv));
    let mut pip = Command::new(venv.join("bin/python"));
    done(pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]).arg(&packed));
    let callsift = Installed::new(venv.join("bin/callsift"));
    callsift.finds();
    println!("from an empty environment to the first findings: {:.0} s", begin.elapsed().as_secs_f64());
    let library = stdout(&callsift.run("doctor --model whisper-mini-zh --json"));
    assert!(library.contains("site-packages/onnxruntime/capi"), "{library}");
}
