//! That what people said is not lost: damage is told apart from a new start, copies are made night by night and put back.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use rusqlite::{Connection, ErrorCode, OpenFlags};

use crate::db::{Db, migrations};
use crate::error::ReviewsError;
use crate::private;

/// Folder of the nightly copies, in the console's folder.
pub const BACKUPS: &str = "backups";
/// Held by every console that runs over a folder, and by whoever puts a copy back.
const LOCK: &str = "console.lock";

/// Names of a database's own files: itself, its log and the index of the log.
fn files(path: &Path) -> [PathBuf; 3] {
    let beside = |end: &str| PathBuf::from(format!("{}{end}", path.display()));
    [path.to_owned(), beside("-wal"), beside("-shm")]
}

/// Removes those of the files that are there.
fn remove(files: &[PathBuf]) {
    for file in files {
        let _ = fs::remove_file(file);
    }
}

/// The nightly copies in a console's folder, oldest first.
pub fn backups(folder: &Path) -> Vec<PathBuf> {
    let is_copy = |path: &PathBuf| {
        let name = path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
        name.starts_with("reviews-") && path.extension().is_some_and(|end| end == "db")
    };
    let entries = fs::read_dir(folder.join(BACKUPS)).into_iter().flatten().flatten();
    let mut found: Vec<PathBuf> = entries.map(|entry| entry.path()).filter(is_copy).collect();
    found.sort_unstable();
    found
}

/// The error of a file that is no sound database, with what can be put in its place.
pub(crate) fn damaged(path: &Path, reason: impl Into<String>) -> ReviewsError {
    let newest = path.parent().and_then(|folder| backups(folder).pop());
    let newest = match newest {
        Some(copy) => format!("the newest nightly copy is {}", copy.display()),
        None => "there is no nightly copy beside it".to_owned(),
    };
    ReviewsError::Damaged { path: path.to_owned(), reason: reason.into(), newest }
}

/// Makes the database where there is none. It gets its name when it is whole, so that a file without content is never a new one.
///
/// # Errors
/// There was one: its log or copies of it are still there. The file cannot be made.
pub(crate) fn make(path: &Path) -> Result<(), ReviewsError> {
    let fail = |source| ReviewsError::Folder { path: path.to_owned(), source };
    let left = files(path)[1].exists() || path.parent().is_some_and(|folder| !backups(folder).is_empty());
    if left {
        return Err(damaged(path, "it is gone, but what belongs to it is still there"));
    }
    // A name of its own for each process and thread: several may come first at once.
    let new = path.with_added_extension(format!("{}-{:?}.new", std::process::id(), std::thread::current().id()));
    let _ = fs::remove_file(&new);
    let made = private::file(&new).map_err(fail).and_then(|()| {
        let mut conn = Connection::open(&new)?;
        migrations()
            .to_latest(&mut conn)
            .map_err(|e| ReviewsError::Version { path: path.to_owned(), reason: e.to_string() })?;
        drop(conn);
        match fs::hard_link(&new, path) {
            Err(e) if e.kind() != io::ErrorKind::AlreadyExists => Err(fail(e)),
            _ => Ok(()),
        }
    });
    let _ = fs::remove_file(&new);
    made
}

/// That a file may be opened: it holds something, and it is a reviews database.
pub(crate) fn look(path: &Path, conn: &Connection) -> Result<(), ReviewsError> {
    if fs::metadata(path).is_ok_and(|meta| meta.len() == 0) {
        return Err(damaged(path, "it is empty"));
    }
    let known = "SELECT count(*) FROM sqlite_schema WHERE name IN ('users', 'verdicts', 'audit')";
    match conn.query_row(known, [], |r| r.get::<_, i64>(0)) {
        Ok(3) => Ok(()),
        Ok(_) => Err(damaged(path, "it is no reviews database")),
        Err(e) => Err(of(path, e)),
    }
}

/// What an error of `SQLite` says about the file.
pub(crate) fn of(path: &Path, error: rusqlite::Error) -> ReviewsError {
    match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => damaged(path, error.to_string()),
        _ => ReviewsError::Open { path: path.to_owned(), source: error },
    }
}

impl Db {
    /// Opens the database of a folder as [`Db::open_in`] does, and goes through all of it: for the start of a program.
    ///
    /// # Errors
    /// As [`Db::open_in`]; it is damaged.
    pub fn open_whole(folder: &Path) -> Result<Self, ReviewsError> {
        let db = Self::open_in(folder)?;
        db.check(&folder.join(Self::FILE))?;
        Ok(db)
    }

    /// That every page and index of the file is sound.
    ///
    /// # Errors
    /// They are not.
    pub fn check(&self, path: &Path) -> Result<(), ReviewsError> {
        let found = self.conn.query_row("PRAGMA integrity_check(1)", [], |r| r.get::<_, String>(0));
        match found {
            Ok(said) if said == "ok" => Ok(()),
            Ok(said) => Err(damaged(path, said.replace('\n', " "))),
            Err(e) => Err(of(path, e)),
        }
    }

    /// Makes the copy of a day (`at_us`, the centre's hours) in the console's folder, where there is none yet, and removes the
    /// oldest beyond `keep`. `None` where the day has its copy.
    ///
    /// # Errors
    /// It cannot be written; then no older one is removed.
    pub fn nightly(&self, folder: &Path, at_us: i64, keep: usize) -> Result<Option<PathBuf>, ReviewsError> {
        let day: String =
            self.conn.query_row("SELECT date(?1, 'unixepoch')", [at_us.div_euclid(1_000_000)], |r| r.get(0))?;
        let to = folder.join(BACKUPS).join(format!("reviews-{day}.db"));
        if keep == 0 || to.exists() {
            return Ok(None);
        }
        private::folder(&folder.join(BACKUPS)).map_err(|source| ReviewsError::Folder { path: to.clone(), source })?;
        self.backup(&to)?;
        let all = backups(folder);
        for old in &all[..all.len().saturating_sub(keep)] {
            let _ = fs::remove_file(old);
        }
        Ok(Some(to))
    }
}

/// Says that a console runs over this folder, for as long as the file is held.
///
/// # Errors
/// The file cannot be made; a copy is being put back just now.
pub fn hold(folder: &Path) -> Result<File, ReviewsError> {
    let path = folder.join(LOCK);
    let fail = |source| ReviewsError::Folder { path: path.clone(), source };
    private::folder(folder).and_then(|()| private::file(&path)).map_err(fail)?;
    let file = File::open(&path).map_err(fail)?;
    file.try_lock_shared().map_err(|e| fail(e.into()))?;
    Ok(file)
}

/// Puts a copy in the place of the database of a folder. The copy is looked through first; what was there stays beside it, and
/// its new name is given.
///
/// # Errors
/// The copy is no sound reviews database; a console runs over the folder; the disk refuses. Then all is as it was.
pub fn restore(folder: &Path, from: &Path) -> Result<Option<PathBuf>, ReviewsError> {
    let path = folder.join(Db::FILE);
    let fail = |source| ReviewsError::Folder { path: path.clone(), source };
    private::folder(folder).and_then(|()| private::file(&folder.join(LOCK))).map_err(fail)?;
    let lock = File::open(folder.join(LOCK)).map_err(fail)?;
    if lock.try_lock().is_err() {
        return Err(ReviewsError::InUse(folder.to_owned()));
    }
    let [_, log, _] = files(from);
    if fs::metadata(&log).is_ok_and(|meta| meta.len() > 0) {
        let reason = format!("{} belongs to it: make copies with `callsift reviews backup`", log.display());
        return Err(ReviewsError::Backup { path: from.to_owned(), reason });
    }
    let new = path.with_added_extension("restored");
    let _ = fs::remove_file(&new);
    let sound = copy_checked(from, &new);
    if let Err(e) = sound {
        remove(&files(&new));
        return Err(e);
    }
    let aside = put_aside(&path).map_err(fail)?;
    fs::rename(&new, &path).and_then(|()| File::open(folder)?.sync_all()).map_err(fail)?;
    Ok(aside)
}

/// Copies a file, looks through the copy and brings it up to date.
fn copy_checked(from: &Path, new: &Path) -> Result<(), ReviewsError> {
    let unread = |e: io::Error| ReviewsError::Backup { path: from.to_owned(), reason: e.to_string() };
    let unsound = |e: ReviewsError| ReviewsError::Backup {
        path: from.to_owned(),
        reason: match e {
            ReviewsError::Damaged { reason, .. } => reason,
            e => e.to_string(),
        },
    };
    private::file(new).map_err(unread)?;
    fs::copy(from, new).map_err(unread)?;
    // The rights came with the content.
    private::close(new).map_err(unread)?;
    let reader = Connection::open_with_flags(new, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    look(new, &reader).map_err(unsound)?;
    drop(reader);
    let db = Db::open(new).map_err(unsound)?;
    db.check(new).map_err(unsound)?;
    drop(db);
    remove(&files(new)[1..]);
    File::open(new).and_then(|file| file.sync_all()).map_err(unread)
}

/// Gives the files of a database another name; the name, where there was one.
fn put_aside(path: &Path) -> io::Result<Option<PathBuf>> {
    let present: Vec<usize> = (0..3).filter(|n| files(path)[*n].exists()).collect();
    if present.is_empty() {
        return Ok(None);
    }
    let free = (1..).map(|n| path.with_added_extension(format!("before-{n}")));
    let Some(aside) = free.into_iter().find(|name| files(name).iter().all(|file| !file.exists())) else {
        return Ok(None);
    };
    for n in present {
        fs::rename(&files(path)[n], &files(&aside)[n])?;
    }
    Ok(Some(aside))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::tests::centre;
    use std::os::unix::fs::PermissionsExt;

    const DAY_US: i64 = 86_400_000_000;

    fn error(folder: &Path) -> String {
        Db::open_whole(folder).err().map(|e| e.to_string()).unwrap_or_default()
    }

    #[test]
    fn a_database_that_was_lost_is_not_taken_for_a_new_one() {
        let (dir, db) = centre();
        let path = dir.path().join(Db::FILE);
        let copy = db.nightly(dir.path(), 20_000 * DAY_US, 14).unwrap().unwrap();
        drop(db);
        let whole = fs::read(&path).unwrap();
        let foreign = dir.path().join("foreign.db");
        Connection::open(&foreign).unwrap().execute_batch("CREATE TABLE contacts (name)").unwrap();
        let foreign = fs::read(&foreign).unwrap();
        let half = &whole[..whole.len() / 2 / 4096 * 4096];
        let mut flipped = whole.clone();
        flipped[4096..8192].fill(0x5a);
        for (what, content) in [
            ("empty", &b""[..]),
            ("half", half),
            ("flipped", &flipped),
            ("text", "not a database at all, but long enough to be looked at".repeat(90).as_bytes()),
            ("foreign", &foreign),
        ] {
            remove(&files(&path));
            fs::write(&path, content).unwrap();
            let said = error(dir.path());
            assert!(said.contains("restore") && said.contains(&*copy.to_string_lossy()), "{what}: {said}");
            assert_eq!(fs::read(&path).unwrap(), content, "{what}: nothing was changed");
        }
        remove(&files(&path));
        assert!(error(dir.path()).contains("it is gone"), "{}", error(dir.path()));
        assert!(!path.exists());
        let new = tempfile::tempdir().unwrap();
        assert!(Db::open_whole(new.path()).unwrap().users().unwrap().is_empty(), "a new start is one");
    }

    #[test]
    fn each_day_has_one_copy_and_the_newest_stay() {
        let (dir, db) = centre();
        for day in 20_000..20_005 {
            assert!(db.nightly(dir.path(), day * DAY_US + 5, 3).unwrap().is_some());
            assert!(db.nightly(dir.path(), day * DAY_US + 900, 3).unwrap().is_none(), "once a day");
        }
        let kept = backups(dir.path());
        let names: Vec<_> = kept.iter().map(|p| p.file_name().unwrap().to_string_lossy().into_owned()).collect();
        assert_eq!(names, ["reviews-2024-10-06.db", "reviews-2024-10-07.db", "reviews-2024-10-08.db"]);
        assert!(db.nightly(dir.path(), 20_009 * DAY_US, 0).unwrap().is_none(), "none are wanted");
        for (path, mode) in [(dir.path().join(BACKUPS), 0o700), (kept[0].clone(), 0o600)] {
            assert_eq!(fs::metadata(path).unwrap().permissions().mode() & 0o777, mode);
        }
        assert_eq!(Db::open(&kept[2]).unwrap().users().unwrap().len(), 4);
    }

    #[test]
    fn a_copy_is_put_back_and_the_damaged_one_stays_beside() {
        let (dir, mut db) = centre();
        let path = dir.path().join(Db::FILE);
        let copy = dir.path().join("copy.db");
        db.backup(&copy).unwrap();
        fs::set_permissions(&copy, fs::Permissions::from_mode(0o644)).unwrap();
        let more = crate::NewUser {
            name: "late".into(),
            display: "late".into(),
            role: crate::Role::Lead,
            agent_id: None,
            unit: None,
            may_see_numbers: false,
        };
        db.add_user(&more, "not a hash", 0).unwrap();
        drop(db);
        fs::write(&path, "").unwrap();
        let console = hold(dir.path()).unwrap();
        assert!(matches!(restore(dir.path(), &copy), Err(ReviewsError::InUse(_))), "a console runs");
        drop(console);
        let broken = dir.path().join("broken.db");
        fs::write(&broken, &fs::read(&copy).unwrap()[..8192]).unwrap();
        assert!(restore(dir.path(), &broken).is_err());
        assert_eq!(fs::read(&path).unwrap(), b"", "a copy that is unsound replaces nothing");
        let aside = restore(dir.path(), &copy).unwrap().unwrap();
        assert_eq!(fs::read(&aside).unwrap(), b"");
        assert_eq!(Db::open_whole(dir.path()).unwrap().users().unwrap().len(), 4);
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_ne!(restore(dir.path(), &copy).unwrap().unwrap(), aside, "nothing is ever overwritten");
    }

    #[test]
    fn what_a_full_disk_refuses_is_said_to_be_that() {
        let (_dir, mut db) = centre();
        let pages: i64 = db.conn.query_row("PRAGMA page_count", [], |r| r.get(0)).unwrap();
        db.conn.pragma_update(None, "max_page_count", pages).unwrap();
        let long = "x".repeat(100_000);
        let error = db.log(1, "r1", "listen", None, &long).unwrap_err();
        assert!(error.is_no_room(), "{error}");
        assert!(!ReviewsError::NotClaimed.is_no_room());
        // Whoever reads goes on.
        let token = db.open_session(2, 0);
        assert!(token.is_ok_and(|token| db.session(&token.0, 1).unwrap().is_some()));
    }
}
