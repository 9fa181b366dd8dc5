use std::collections::BTreeMap;
use std::fs;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::stream::BoxStream;
use object_store::memory::InMemory;
use object_store::path::Path as Key;
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore,
    PutMultipartOptions, PutOptions, PutPayload, PutResult, Result,
};

use super::LakeMirror;
use crate::error::ObjectError;
use crate::mirror::{Mirror, Place};
use crate::remote::Remote;

/// A server that stops answering after so many changes: what a kill at that moment leaves.
#[derive(Debug)]
struct Failing {
    inner: Arc<InMemory>,
    left: AtomicUsize,
}

impl std::fmt::Display for Failing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("failing")
    }
}

impl Failing {
    fn change(&self) -> Result<()> {
        let left = self.left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
        left.map(drop).map_err(|_| Error::Generic { store: "failing", source: "gone".into() })
    }
}

#[async_trait]
impl ObjectStore for Failing {
    async fn put_opts(&self, location: &Key, payload: PutPayload, options: PutOptions) -> Result<PutResult> {
        self.change()?;
        self.inner.put_opts(location, payload, options).await
    }

    async fn put_multipart_opts(
        &self,
        location: &Key,
        options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        self.change()?;
        self.inner.put_multipart_opts(location, options).await
    }

    async fn get_opts(&self, location: &Key, options: GetOptions) -> Result<GetResult> {
        self.inner.get_opts(location, options).await
    }

    async fn get_ranges(&self, location: &Key, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        self.inner.get_ranges(location, ranges).await
    }

    fn delete_stream(&self, locations: BoxStream<'static, Result<Key>>) -> BoxStream<'static, Result<Key>> {
        match self.change() {
            Ok(()) => self.inner.delete_stream(locations),
            Err(error) => futures_util::stream::iter([Err(error)]).boxed(),
        }
    }

    fn list(&self, prefix: Option<&Key>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.inner.list(prefix)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Key>) -> Result<ListResult> {
        self.inner.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Key, to: &Key, options: CopyOptions) -> Result<()> {
        self.change()?;
        self.inner.copy_opts(from, to, options).await
    }
}

/// A machine with the lake open; each has a cache of its own.
struct Machine {
    lake: LakeMirror,
    _cache: tempfile::TempDir,
}

fn machine(store: Arc<dyn ObjectStore>, place: Place) -> std::result::Result<Machine, ObjectError> {
    let cache = tempfile::tempdir().unwrap();
    let address = "s3://centre/lake".parse().unwrap();
    let lake = LakeMirror::over(Remote::over(store, &address)?, cache.path(), place, Duration::ZERO)?;
    Ok(Machine { lake, _cache: cache })
}

fn put(lake: &LakeMirror, files: &[(&str, &str)]) {
    for (name, text) in files {
        let path = lake.folder().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        // A new file each time, as the lake writes them.
        let _ = fs::remove_file(&path);
        fs::write(path, text).unwrap();
    }
}

fn shown(lake: &LakeMirror) -> BTreeMap<String, String> {
    let names = super::files(&lake.folder()).unwrap().into_iter().filter(|name| super::of_lake(name));
    names.map(|name| (name.clone(), fs::read_to_string(lake.folder().join(&name)).unwrap())).collect()
}

fn part(number: u32, text: &str) -> Vec<(String, String)> {
    let file = |table: &str| (format!("{table}/dt=2026-11-16/part-{number:05}.parquet"), format!("{table} {text}"));
    ["calls", "findings", "turns"].map(file).to_vec()
}

fn commit(number: u32) -> (String, String) {
    let text = format!("{{\"dt\":\"2026-11-16\",\"commit\":{number},\"writing\":false}}\n");
    ("commits/dt=2026-11-16.json".to_owned(), text)
}

fn put_all(lake: &LakeMirror, files: &[(String, String)]) {
    let files: Vec<(&str, &str)> = files.iter().map(|(a, b)| (a.as_str(), b.as_str())).collect();
    put(lake, &files);
}

#[test]
fn what_one_machine_publishes_another_reads_and_only_changes_travel() {
    let store = Arc::new(InMemory::new());
    let mut writer = machine(store.clone(), Place::Write).unwrap();
    assert_eq!(writer.lake.publish().unwrap(), 0, "nothing to say");
    put_all(&writer.lake, &[part(0, "a"), part(1, "b"), vec![commit(2)]].concat());
    put(
        &writer.lake,
        &[(".index/calls.db", "own"), (".lock", ""), ("console/reviews.db", "people's"), (".sources/2026-11-16", "x")],
    );
    assert_eq!(writer.lake.publish().unwrap(), 7);
    assert_eq!(writer.lake.publish().unwrap(), 0);
    let mut reader = machine(store, Place::Read).unwrap();
    assert!(shown(&reader.lake) == shown(&writer.lake));
    assert!(!reader.lake.folder().join("console").exists() && !reader.lake.folder().join(".index").exists());
    assert!(!reader.lake.refresh().unwrap());
    // A part is replaced, one goes; and what somebody spoilt in the mirror is mended.
    put_all(&writer.lake, &[part(0, "c"), vec![commit(3)]].concat());
    for (name, _) in part(1, "") {
        fs::remove_file(writer.lake.folder().join(name)).unwrap();
    }
    assert_eq!(writer.lake.publish().unwrap(), 6);
    fs::write(reader.lake.folder().join(".sources/2026-11-16"), "spoilt").unwrap();
    assert!(reader.lake.refresh().unwrap());
    assert!(shown(&reader.lake) == shown(&writer.lake));
    assert_eq!(shown(&reader.lake)["calls/dt=2026-11-16/part-00000.parquet"], "calls c");
}

#[test]
fn of_two_that_change_the_lake_at_once_one_is_refused_and_loses_nothing_of_the_other() {
    let store = Arc::new(InMemory::new());
    let mut one = machine(store.clone(), Place::Write).unwrap();
    let mut two = machine(store.clone(), Place::Write).unwrap();
    put_all(&one.lake, &[part(0, "one"), vec![commit(1)]].concat());
    put_all(&two.lake, &[part(0, "two"), vec![commit(1)]].concat());
    one.lake.publish().unwrap();
    assert!(matches!(two.lake.publish(), Err(ObjectError::Changed(_))));
    two.lake.refresh().unwrap();
    assert!(shown(&two.lake) == shown(&one.lake), "what was not published is gone here, too");
    // Also when so much happened meanwhile that the number that it wants is free again.
    for number in 2..12 {
        put_all(&one.lake, &[part(0, &format!("one {number}")), vec![commit(number)]].concat());
        one.lake.publish().unwrap();
    }
    put_all(&two.lake, &[part(0, "two"), vec![commit(2)]].concat());
    assert!(matches!(two.lake.publish(), Err(ObjectError::Changed(_))));
    let reader = machine(store, Place::Read).unwrap();
    assert!(shown(&reader.lake) == shown(&one.lake));
    let log = Remote::over(one.lake.mirror.remote.store_for_tests(), one.lake.mirror.remote.address()).unwrap();
    let left = log.list("").unwrap().into_iter().filter(|e| e.key.starts_with('.')).map(|e| e.key).collect::<Vec<_>>();
    assert!(left.len() <= 8 && !left.iter().any(|key| key.starts_with(".staging")), "{left:?}");
}

#[test]
fn a_publication_that_is_cut_off_anywhere_is_whole_or_never_was() {
    let old = [part(0, "old"), part(1, "old"), vec![commit(1)]].concat();
    let new = [part(0, "new"), part(2, "new"), vec![commit(2)]].concat();
    let (mut before, mut after) = (0, 0);
    for steps in 0..200 {
        let store = Arc::new(InMemory::new());
        let mut first = machine(store.clone(), Place::Write).unwrap();
        put_all(&first.lake, &old);
        first.lake.publish().unwrap();
        let failing = Arc::new(Failing { inner: store.clone(), left: AtomicUsize::new(usize::MAX) });
        let mut cut = machine(failing.clone(), Place::Write).unwrap();
        let was = shown(&cut.lake);
        put_all(&cut.lake, &new);
        for (name, _) in part(1, "") {
            fs::remove_file(cut.lake.folder().join(name)).unwrap();
        }
        let will = shown(&cut.lake);
        failing.left.store(steps, Ordering::SeqCst);
        let done = cut.lake.publish().is_ok();
        // A reader is never shown half of it.
        if let Ok(reader) = machine(store.clone(), Place::Read) {
            assert!([&was, &will].contains(&&shown(&reader.lake)), "{steps}");
        }
        let next = machine(store.clone(), Place::Write).unwrap();
        let found = shown(&next.lake);
        assert!(found == was || found == will, "{steps}: {found:?}");
        if found == was {
            before += 1;
        } else {
            after += 1;
        }
        let reader = machine(store, Place::Read).unwrap();
        assert!(shown(&reader.lake) == found);
        if done {
            assert!(found == will && before >= 6 && after >= 10, "{before} {after}");
            return;
        }
    }
    panic!("it takes more steps than were looked at");
}

#[test]
fn one_process_at_a_time_has_a_mirror_and_names_cannot_leave_it() {
    let store: Arc<dyn ObjectStore> = Arc::new(InMemory::new());
    let cache = tempfile::tempdir().unwrap();
    let address = "s3://centre/recordings".parse().unwrap();
    let open = || Mirror::over(Remote::over(store.clone(), &address).unwrap(), cache.path(), Place::Input);
    let mirror = open().unwrap();
    assert!(matches!(open(), Err(ObjectError::InUse(_))));
    for odd in ["../x", "a//b", "a/./b", "a\\b", ""] {
        assert!(matches!(mirror.path(odd), Err(ObjectError::Name { .. })), "{odd}");
    }
    drop(mirror);
    assert!(Path::new(&open().unwrap().folder()).is_dir());
}
