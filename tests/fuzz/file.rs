//! What targets share that read files.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// Panics of foreign decoders and readers are contained by design; one that is not still ends the run, since the fuzzer
/// catches it itself.
pub fn let_panics_be_contained() {
    std::panic::set_hook(Box::new(|_| {}));
}

/// The folder of this run (`run.sh`), or one of this process.
pub fn folder() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| {
        let given = std::env::var_os("CALLSIFT_FUZZ_FOLDER").map_or_else(std::env::temp_dir, PathBuf::from);
        let folder = given.join(format!("callsift-fuzz-{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a folder can be made");
        folder
    })
}

/// The bytes as a file of this name.
pub fn written(name: &str, bytes: &[u8]) -> PathBuf {
    let path = folder().join(name);
    std::fs::write(&path, bytes).expect("a file can be written");
    path
}

/// The bytes as a recording. Their first chooses its name, since formats without a header are known by it.
#[allow(dead_code, reason = "not every target reads recordings")]
pub fn recording(bytes: &[u8]) -> Option<PathBuf> {
    let (choice, bytes) = bytes.split_first()?;
    let names = ["a.wav", "a.g722", "a.vox", "a.ulaw", "a.sln16", "a.gsm"];
    Some(written(names[usize::from(*choice) % names.len()], bytes))
}
