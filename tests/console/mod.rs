//! The console over a real lake: what it refuses, what it keeps, and a whole day of work in a browser.

mod addresses;
mod client;
mod corrected;
mod damaged;
mod day;
mod keeps;
mod killed;
mod links;
mod load;
mod old_lake;
mod refuses;
mod reviewed;
mod sound;
mod starts;
mod workflow;

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;

use crate::support::{callsift, code, recordings, run, stderr, stdout};
use client::Client;

/// Names that would be scripts if anything were not escaped.
const EVIL: &str = "<script>alert(1)</script>\"><img src=x onerror=alert(1)>";

/// A lake of two recordings and two transcripts, made once for all tests, each of which works on a copy.
fn lake() -> &'static Path {
    static LAKE: OnceLock<tempfile::TempDir> = OnceLock::new();
    LAKE.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        let sounds = recordings(&["c05-rhetorical-question.wav", "c03-greeting-missing.wav"]);
        // A file may have any name.
        let named = "<img src=x onerror=alert(1)>.wav";
        std::fs::rename(sounds.path().join("c03-greeting-missing.wav"), sounds.path().join(named)).unwrap();
        std::fs::rename(sounds.path(), folder.path().join("recordings")).unwrap();
        let metadata = format!(
            "call_id,file,agent_id,agent_name,unit,started_at\n\
             c05,c05-rhetorical-question.wav,3021,陈晓,一组,2026-11-16T09:12:30+08:00\n\
             c03,\"{named}\",1086,\"{}\",\"{}\",2026-11-16T10:12:30+08:00\n",
            EVIL.replace('"', "\"\""),
            EVIL.replace('"', "\"\""),
        );
        std::fs::write(folder.path().join("metadata.csv"), metadata).unwrap();
        let turn = |role: &str, at: i64, text: &str| {
            serde_json::json!({"role": role, "start_ms": at, "end_ms": at + 3000, "text": text})
        };
        let calls = [
            serde_json::json!({"call_id": EVIL, "agent_id": "1086", "started_at": "2026-11-16T11:00:00+08:00",
                "turns": [turn("agent", 0, &format!("你自己不会看吗{EVIL}")), turn("customer", 4000, EVIL)]}),
            serde_json::json!({"call_id": "t2", "agent_id": "3021", "agent_name": "陈晓", "unit": "一组",
                "customer_id": "13912345678", "recording": "t2.wav", "started_at": "2026-11-16T12:00:00+08:00",
                "turns": [turn("agent", 0, "这不归我管，你找别人去"), turn("customer", 4000, "我的电话是一三八零零一三八零零零"), turn("agent", 8000, "说了这事不归我们管")]}),
        ];
        let lines: Vec<String> = calls.iter().map(ToString::to_string).collect();
        std::fs::write(folder.path().join("calls.jsonl"), lines.join("\n")).unwrap();
        let at = |name: &str| folder.path().join(name).to_string_lossy().into_owned();
        let (out, metadata) = (at("lake"), at("metadata.csv"));
        let heard = run(&["run", "--model=whisper-mini-zh", "--recordings", &at("recordings"), "--metadata", &metadata, "--out", &out]);
        assert_eq!(code(&heard), 0, "{}", stderr(&heard));
        // Comes later, or it would be a call of its own.
        let c05 = folder.path().join("recordings/c05-rhetorical-question.wav");
        std::fs::copy(c05, folder.path().join("recordings/t2.wav")).unwrap();
        let read = run(&["run", "--transcripts", &at("calls.jsonl"), "--out", &out]);
        assert_eq!(code(&read), 0, "{}", stderr(&read));
        folder
    })
    .path()
}

/// callsift, to be started by a shell with this umask.
fn under_umask(umask: &str) -> Command {
    let plain = callsift();
    let mut shell = Command::new("sh");
    shell.args(["-c", &format!("umask {umask}; exec \"$@\""), "sh"]).arg(plain.get_program()).args(plain.get_args());
    shell.current_dir(crate::support::root());
    shell.envs(plain.get_envs().filter_map(|(name, value)| Some((name, value?))));
    shell
}

/// A console that runs, with its people and their passwords. It ends when this goes.
struct Console {
    child: Child,
    base: String,
    passwords: Vec<(String, String)>,
    data: tempfile::TempDir,
}

impl Console {
    fn start() -> Self {
        Self::over(tempfile::tempdir().unwrap())
    }

    /// Starts over the data of an earlier one.
    fn over(data: tempfile::TempDir) -> Self {
        Self::with(&lake().join("lake"), data)
    }

    /// Starts over a lake.
    fn with(lake: &Path, data: tempfile::TempDir) -> Self {
        Self::hearing(lake, &self::lake().join("recordings"), data)
    }

    /// Starts over a lake with these recordings.
    fn hearing(lake: &Path, recordings: &Path, data: tempfile::TempDir) -> Self {
        Self::started(lake, recordings, data, &[])
    }

    /// Starts with more options.
    fn with_options(options: &[&str]) -> Self {
        let own = lake();
        Self::started(&own.join("lake"), &own.join("recordings"), tempfile::tempdir().unwrap(), options)
    }

    fn started(lake: &Path, recordings: &Path, data: tempfile::TempDir, options: &[&str]) -> Self {
        Self::by(callsift(), lake, recordings, data, options)
    }

    /// Starts where the umask is this one.
    fn under_umask(umask: &str) -> Self {
        let own = lake();
        Self::by(under_umask(umask), &own.join("lake"), &own.join("recordings"), tempfile::tempdir().unwrap(), &[])
    }

    fn by(mut program: Command, lake: &Path, recordings: &Path, data: tempfile::TempDir, options: &[&str]) -> Self {
        let folder = data.path().to_string_lossy().into_owned();
        let mut child = program
            .args(["console", "--listen", "127.0.0.1:0", "--first-users", "3021", "--data", &folder])
            .arg("--lake")
            .arg(lake)
            .arg("--recordings")
            .arg(recordings)
            .args(options)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let (mut base, mut passwords) = (String::new(), Vec::new());
        for line in BufReader::new(child.stdout.take().unwrap()).lines() {
            let line = line.unwrap();
            if let Some(at) = line.find("http://") {
                line[at..].trim_end_matches('/').clone_into(&mut base);
                break;
            }
            let words: Vec<&str> = line.split_whitespace().collect();
            if let [name, password, _] = words.as_slice() {
                passwords.push(((*name).to_owned(), (*password).to_owned()));
            }
        }
        assert!(!base.is_empty(), "the console said no address");
        Self { child, base, passwords, data }
    }

    /// Adds a person with the command line, while the console runs.
    fn add(&mut self, name: &str, role: &[&str]) {
        let folder = self.data.path().to_string_lossy().into_owned();
        let lake = lake().join("lake").to_string_lossy().into_owned();
        let args = [&["users", "--lake", &lake, "--data", &folder, "add", name, "--role"], role].concat();
        let added = run(&args);
        assert_eq!(code(&added), 0, "{}", stderr(&added));
        let text = stdout(&added);
        let password = text.split_whitespace().last().unwrap().to_owned();
        self.passwords.push((name.to_owned(), password));
    }

    fn password(&self, name: &str) -> &str {
        &self.passwords.iter().find(|(n, _)| n == name).unwrap().1
    }

    /// Somebody who is logged in.
    fn login(&self, name: &str) -> Client {
        let mut client = Client::new(&self.base);
        client.login(name, self.password(name));
        client
    }

    /// Kills it as a power cut would, and gives its data.
    fn kill(mut self) -> tempfile::TempDir {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        std::mem::replace(&mut self.data, tempfile::tempdir().unwrap())
    }
}

impl Drop for Console {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
