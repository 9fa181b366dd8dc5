//! Walking a folder of recordings: each file once, links followed once, and what cannot be looked at named, not fatal.

use std::collections::{BTreeSet, VecDeque};
use std::fs::Metadata;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use callsift_core::name_of_path;

use crate::error::PipelineError;
use crate::intake::{Intake, NoteKind};

/// Extensions that never are recordings: metadata, notes, tables, pictures, checksums and subtitles that lie beside them.
const NOT_RECORDINGS: [&str; 61] = [
    "csv", "tsv", "json", "jsonl", "txt", "md", "toml", "yaml", "yml", "xml", "log", "ini", "db", "parquet", "part",
    "tmp", "py", "sh", "xlsx", "xls", "xlsm", "et", "ods", "pdf", "doc", "docx", "wps", "odt", "rtf", "ppt", "pptx",
    "srt", "vtt", "ass", "lrc", "htm", "html", "css", "js", "bat", "cmd", "ps1", "lnk", "url", "md5", "sha1", "sha256",
    "sha512", "sfv", "crc", "sum", "sig", "asc", "png", "jpg", "jpeg", "gif", "bmp", "tif", "tiff", "webp",
];

/// A file that may be a recording.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundFile {
    /// Where it lies.
    pub path: PathBuf,
    /// Path relative to the folder, as tables show it.
    pub name: String,
    /// Bytes and time of the last change when it was found; nothing where that cannot be known.
    state: Option<(u64, SystemTime)>,
}

/// What a folder holds.
#[derive(Debug, Default)]
pub struct Walk {
    /// The folder; that of the file where one file was given.
    pub root: PathBuf,
    /// Sorted by name.
    pub files: Vec<FoundFile>,
    /// What was passed over.
    pub intake: Intake,
}

/// The clock and the pause that a caller above lends: nothing below `cli` reads a clock.
pub struct Quiet<'a> {
    /// A file is whole once it did not change for so long; zero asks for nothing.
    pub time: Duration,
    /// Now.
    pub now: &'a dyn Fn() -> SystemTime,
    /// Waits; it may come back sooner, when the run is to stop.
    pub pause: &'a dyn Fn(Duration),
}

/// Finds what may be recordings below a folder, or takes one file. Names that begin with a dot are passed over.
///
/// # Errors
/// The folder itself cannot be read.
pub fn walk(root: &Path) -> Result<Walk, PipelineError> {
    let io = |source| PipelineError::Io { path: root.to_owned(), source };
    let is_file = std::fs::metadata(root).map_err(io)?.is_file();
    let base = if is_file { root.parent().unwrap_or(root) } else { root };
    let mut walker = Walker { walk: Walk { root: base.to_owned(), ..Walk::default() }, ..Walker::default() };
    if is_file {
        walker.file(root, false);
    } else {
        std::fs::read_dir(root).map_err(io)?;
        walker.folders.push_back(root.to_owned());
        walker.run();
    }
    let mut walk = walker.walk;
    walk.files.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(walk)
}

#[derive(Default)]
struct Walker {
    walk: Walk,
    folders: VecDeque<PathBuf>,
    /// Links wait until all that lies in the folder itself was seen: a recording goes by its own name, not by a link's.
    links: BTreeSet<PathBuf>,
    /// True paths of folders and files that were seen.
    seen: BTreeSet<PathBuf>,
}

impl Walker {
    fn run(&mut self) {
        loop {
            while let Some(folder) = self.folders.pop_front() {
                if let Err(error) = self.folder(&folder) {
                    self.unreadable(&folder, &error);
                }
            }
            let Some(link) = self.links.pop_first() else { return };
            self.link(&link);
        }
    }

    fn folder(&mut self, folder: &Path) -> io::Result<()> {
        if !self.seen.insert(folder.canonicalize()?) {
            return Ok(());
        }
        let mut entries = std::fs::read_dir(folder)?.collect::<io::Result<Vec<_>>>()?;
        entries.sort_by_key(std::fs::DirEntry::file_name);
        for entry in entries {
            let path = entry.path();
            if entry.file_name().as_encoded_bytes().starts_with(b".") {
                continue;
            }
            match entry.file_type() {
                Ok(kind) if kind.is_symlink() => drop(self.links.insert(path)),
                Ok(kind) if kind.is_dir() => self.folders.push_back(path),
                Ok(_) if is_sidecar(&path) => {}
                Ok(_) => self.file(&path, false),
                Err(error) => self.unreadable(&path, &error),
            }
        }
        Ok(())
    }

    fn link(&mut self, link: &Path) {
        let target = match link.canonicalize() {
            Ok(target) => target,
            Err(error) => {
                let text = format!("链接打不开（{error}）");
                return self.note(NoteKind::LinkPassedOver, link, text);
            }
        };
        // A link to a folder that holds the link, or that was seen, leads to nothing new.
        if self.seen.contains(&target) {
            self.note(NoteKind::LinkPassedOver, link, "链接指向已处理过的位置".to_owned());
        } else if target.is_dir() {
            self.folders.push_back(link.to_owned());
        } else if !is_sidecar(link) {
            self.file(link, true);
        }
    }

    fn file(&mut self, path: &Path, is_link: bool) {
        let meta = match std::fs::metadata(path) {
            Ok(meta) => meta,
            Err(error) => return self.unreadable(path, &error),
        };
        if !meta.is_file() {
            return self.note(NoteKind::NotReadable, path, "不是普通文件（管道、设备等）".to_owned());
        }
        // A file whose true path cannot be told is taken: to lose one is worse than to hear it twice.
        let first = path.canonicalize().map_or(true, |target| self.seen.insert(target));
        if first {
            let name = self.name(path);
            self.walk.files.push(FoundFile { path: path.to_owned(), name, state: state(&meta) });
        } else if is_link {
            self.note(NoteKind::LinkPassedOver, path, "链接指向已处理过的录音".to_owned());
        }
    }

    fn name(&self, path: &Path) -> String {
        name_of_path(path.strip_prefix(&self.walk.root).unwrap_or(path))
    }

    fn unreadable(&mut self, path: &Path, error: &io::Error) {
        self.note(NoteKind::NotReadable, path, error.to_string());
    }

    fn note(&mut self, kind: NoteKind, path: &Path, text: String) {
        let name = self.name(path);
        self.walk.intake.add(kind, name, text);
    }
}

fn state(meta: &Metadata) -> Option<(u64, SystemTime)> {
    meta.modified().ok().map(|modified| (meta.len(), modified))
}

fn is_sidecar(path: &Path) -> bool {
    path.extension().is_some_and(|e| NOT_RECORDINGS.iter().any(|n| e.eq_ignore_ascii_case(n)))
}

impl Walk {
    /// Leaves out files that are still being written. Files that changed within the quiet time are waited for, once and for all
    /// of them; those that changed meanwhile, or whose time lies in the future and moves, are left to the next run.
    pub fn settle(&mut self, quiet: &Quiet<'_>) {
        if quiet.time.is_zero() {
            return;
        }
        let recent = |file: &FoundFile, now: SystemTime| {
            // A time in the future is a clock that goes wrong: it says nothing, and the file is watched, too.
            file.state.is_some_and(|(_, at)| now.duration_since(at).map_or(true, |age| age < quiet.time))
        };
        let now = (quiet.now)();
        let (watched, mut settled): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.files).into_iter().partition(|f| recent(f, now));
        if !watched.is_empty() {
            let left = |f: &FoundFile| {
                let age = f.state.and_then(|(_, at)| now.duration_since(at).ok());
                age.map_or(quiet.time, |age| quiet.time.saturating_sub(age))
            };
            (quiet.pause)(watched.iter().map(left).max().unwrap_or_default());
        }
        for file in watched {
            let same = std::fs::metadata(&file.path).is_ok_and(|meta| state(&meta) == file.state);
            if same {
                settled.push(file);
            } else {
                let text = format!("{} 秒内还有变化", quiet.time.as_secs());
                self.intake.add(NoteKind::StillWritten, file.name, text);
            }
        }
        settled.sort_by(|a, b| a.path.cmp(&b.path));
        self.files = settled;
    }
}

#[cfg(unix)]
#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::Write;
    use std::os::unix::ffi::OsStrExt;
    use std::os::unix::fs::symlink;
    use std::path::Path;
    use std::time::{Duration, SystemTime};

    use super::{Quiet, walk};
    use crate::intake::NoteKind;

    fn put(root: &Path, names: &[&str]) {
        for name in names {
            let path = root.join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "x").unwrap();
        }
    }

    fn names(root: &Path) -> Vec<String> {
        walk(root).unwrap().files.into_iter().map(|f| f.name).collect()
    }

    #[test]
    fn links_that_lead_back_or_nowhere_are_passed_over_and_files_count_once() {
        let dir = tempfile::tempdir().unwrap();
        let (root, other) = (dir.path().join("rec"), dir.path().join("other"));
        put(&root, &["2026/k1.wav", "2026/k2.wav", "notes.txt", ".hidden.wav"]);
        put(&other, &["k3.wav", "deep/k4.wav"]);
        let links = [
            ("a", "2026"),
            ("self", "."),
            ("2026/up", ".."),
            ("gone", "nowhere"),
            ("2026/b.wav", "k1.wav"),
            ("z", "../other"),
            ("zz", "../other"),
        ];
        for (link, to) in links {
            symlink(to, root.join(link)).unwrap();
        }
        // One that leads back from outside.
        symlink(&root, other.join("deep/back")).unwrap();
        assert_eq!(names(&root), ["2026/k1.wav", "2026/k2.wav", "z/deep/k4.wav", "z/k3.wav"]);
        let intake = walk(&root).unwrap().intake;
        assert_eq!(intake.count(NoteKind::LinkPassedOver), 7, "{:?}", intake.notes);
        // The folder itself may be given by a link.
        symlink(&root, dir.path().join("given")).unwrap();
        assert_eq!(names(&dir.path().join("given")).len(), 4);
        // Whatever its name, one file that is given is taken.
        assert_eq!(
            (names(&root.join("2026/k1.wav")), names(&root.join("notes.txt"))),
            (vec!["k1.wav".to_owned()], vec!["notes.txt".to_owned()])
        );
    }

    #[test]
    fn what_lies_beside_recordings_is_none_and_what_may_be_one_is_taken() {
        let dir = tempfile::tempdir().unwrap();
        put(dir.path(), &["a.wav", "a.wav.md5", "a.pcmu", "说明.docx", "名单.XLSX", "list.sha256", "b.V3", "noname"]);
        assert_eq!(names(dir.path()), ["a.pcmu", "a.wav", "b.V3", "noname"]);
    }

    #[test]
    fn what_is_no_file_is_named_and_names_that_are_not_utf8_stay_apart() {
        let dir = tempfile::tempdir().unwrap();
        put(dir.path(), &["k1.wav"]);
        for bytes in [&b"\xc4\xe3.wav"[..], b"\xc4\xe4.wav"] {
            fs::write(dir.path().join(std::ffi::OsStr::from_bytes(bytes)), "x").unwrap();
        }
        let made = std::process::Command::new("mkfifo").arg(dir.path().join("pipe.wav")).status().unwrap();
        assert!(made.success());
        let found = walk(dir.path()).unwrap();
        assert_eq!(
            found.files.iter().map(|f| f.name.as_str()).collect::<Vec<_>>(),
            ["k1.wav", "\u{fffd}C4\u{fffd}E3.wav", "\u{fffd}C4\u{fffd}E4.wav"]
        );
        assert_eq!(
            found.intake.notes.iter().map(|n| (n.kind, n.place.as_str())).collect::<Vec<_>>(),
            [(NoteKind::NotReadable, "pipe.wav")]
        );
        assert!(walk(&dir.path().join("none")).is_err());
    }

    #[test]
    fn a_file_that_still_changes_is_left_to_the_next_run() {
        let dir = tempfile::tempdir().unwrap();
        put(dir.path(), &["growing.wav", "new.wav", "old.wav"]);
        let hour_ago = SystemTime::now() - Duration::from_hours(1);
        fs::File::options().write(true).open(dir.path().join("old.wav")).unwrap().set_modified(hour_ago).unwrap();
        let grow = |waited: Duration| {
            assert!(waited <= Duration::from_secs(2) && !waited.is_zero());
            fs::File::options().append(true).open(dir.path().join("growing.wav")).unwrap().write_all(b"more").unwrap();
        };
        let mut found = walk(dir.path()).unwrap();
        found.settle(&Quiet { time: Duration::from_secs(2), now: &SystemTime::now, pause: &grow });
        assert_eq!(found.files.iter().map(|f| f.name.as_str()).collect::<Vec<_>>(), ["new.wav", "old.wav"]);
        assert_eq!(
            (found.intake.notes[0].kind, found.intake.notes[0].place.as_str()),
            (NoteKind::StillWritten, "growing.wav")
        );
        // Nobody waits where all is old, or where nothing is asked for.
        let never = |_: Duration| panic!("nothing to wait for");
        found.files.retain(|f| f.name == "old.wav");
        found.settle(&Quiet { time: Duration::from_secs(2), now: &SystemTime::now, pause: &never });
        let mut all = walk(dir.path()).unwrap();
        all.settle(&Quiet { time: Duration::ZERO, now: &SystemTime::now, pause: &never });
        assert_eq!((found.files.len(), all.files.len()), (1, 3));
    }
}
