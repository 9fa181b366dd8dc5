//! Samples out of an `ffmpeg` process, for the telephone codecs that no maintained Rust crate decodes.
//!
//! A process, not a library: a crash or a hang of a decoder stays outside, and nothing is linked. ffmpeg writes WAV of
//! 32-bit floats to its standard output, so rate and channels come from a header that [`RiffSource`] reads.

use std::env;
use std::ffi::OsString;
use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread;
use std::time::Duration;

use crate::formats::{Format, Sign};
use crate::remarks::Remarks;
use crate::riff_source::RiffSource;
use crate::stream::{ChannelStream, StreamSpec};
use crate::{AudioError, AudioLimits};

/// Environment variable that names the `ffmpeg` program to use.
pub const FFMPEG_ENV: &str = "CALLSIFT_FFMPEG";
/// A decoder that gives nothing for so long hangs: it decodes a thousand times faster than speech.
const STALL: Duration = Duration::from_mins(1);
/// Bytes per piece handed over by the reading thread; four may wait.
const PIECE_BYTES: usize = 64 * 1024;
/// Last words of ffmpeg that are kept.
const STDERR_BYTES: u64 = 4096;

/// The `ffmpeg` to use: `$CALLSIFT_FFMPEG` if that is set, else the first on the search path.
pub fn ffmpeg_program() -> Option<PathBuf> {
    if let Some(named) = env::var_os(FFMPEG_ENV) {
        return Some(PathBuf::from(named)).filter(|path| path.is_file());
    }
    let path = env::var_os("PATH")?;
    env::split_paths(&path).map(|dir| dir.join("ffmpeg")).find(|program| program.is_file())
}

/// Streams the first audio track that ffmpeg finds; the process ends with it.
pub(crate) struct FfmpegSource {
    stream: RiffSource<BufReader<Pipe>>,
    process: Process,
    format: String,
    path: PathBuf,
}

impl FfmpegSource {
    /// Starts `program`, or says that it is missing. `input_args` stand before `-i` and force the demuxer.
    pub(crate) fn open(
        program: Option<&Path>,
        path: &Path,
        start: u64,
        format: &str,
        input_args: &[&str],
        limits: &AudioLimits,
    ) -> Result<Self, AudioError> {
        let program = program.ok_or_else(|| AudioError::ffmpeg_missing(format, path))?;
        let mut process = Process::start(program, path, start, input_args)
            .map_err(|error| failed(format, &format!("cannot be started: {error}"), path))?;
        let pipe = process.pipe().map_err(|error| AudioError::io(error, path))?;
        // What has no header states no length.
        let sized = !input_args.contains(&"-ar") && Format::named(format).is_none_or(|f| f.sign != Sign::Extension);
        match RiffSource::open(BufReader::new(pipe), limits, path) {
            Ok(stream) => {
                let mut stream = stream.renamed(format, "ffmpeg");
                if sized {
                    stream.promise(promised_ms(program, path, start, input_args));
                }
                Ok(Self { stream, process, format: format.to_owned(), path: path.to_owned() })
            }
            Err(error @ AudioError::Limit { .. }) => Err(error),
            Err(_) => Err(failed(format, &process.last_words(), path)),
        }
    }
}

impl ChannelStream for FfmpegSource {
    fn spec(&self) -> &StreamSpec {
        self.stream.spec()
    }

    fn read(&mut self, out: &mut Vec<f32>) -> Result<bool, AudioError> {
        self.stream.read(out).map_err(|_| {
            failed(
                &self.format,
                &format!("no output for {} s, {}", STALL.as_secs(), self.process.last_words()),
                &self.path,
            )
        })
    }

    fn remarks(&self) -> Remarks {
        self.stream.remarks()
    }
}

/// What ffmpeg may read.
const PROTOCOLS: &str = "file,pipe,subfile";

/// The file for ffmpeg, from a byte on. `file:` keeps names such as `-x` or `http:…` from being taken for options or
/// protocols.
fn input(path: &Path, start: u64) -> OsString {
    let mut input = OsString::new();
    if start > 0 {
        input.push(format!("subfile,,start,{start},end,0,,:"));
    }
    input.push("file:");
    input.push(path);
    input
}

/// Length that the container promises, milliseconds, as far as ffmpeg reads it there and does not guess it.
fn promised_ms(program: &Path, path: &Path, start: u64, input_args: &[&str]) -> Option<u64> {
    let mut command = Command::new(program);
    command.args(["-nostdin", "-hide_banner", "-protocol_whitelist", PROTOCOLS]).args(input_args);
    let output = command.arg("-i").arg(input(path, start)).stdin(Stdio::null()).output().ok()?;
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    let stated = text.split_once("Duration: ")?.1.split_once(',')?.0;
    let mut parts = stated.split(':').map(str::parse::<f64>);
    let (Some(Ok(hours)), Some(Ok(minutes)), Some(Ok(seconds))) = (parts.next(), parts.next(), parts.next()) else {
        return None;
    };
    (!text.contains("Estimating duration")).then_some(((hours * 60.0 + minutes) * 60_000.0 + seconds * 1000.0) as u64)
}

fn failed(format: &str, detail: &str, path: &Path) -> AudioError {
    AudioError::Ffmpeg { format: format.to_owned(), detail: detail.to_owned(), path: path.to_owned() }
}

/// The running decoder; killed when dropped.
struct Process {
    child: Child,
    stderr: Option<thread::JoinHandle<String>>,
}

impl Process {
    fn start(program: &Path, path: &Path, start: u64, input_args: &[&str]) -> io::Result<Self> {
        let mut child = Command::new(program)
            .args(["-nostdin", "-v", "error", "-threads", "1", "-protocol_whitelist", PROTOCOLS])
            .args(input_args)
            .arg("-i")
            .arg(input(path, start))
            .args(["-map", "0:a:0", "-vn", "-c:a", "pcm_f32le", "-f", "wav", "pipe:1"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        let stderr = child.stderr.take().map(|pipe| {
            thread::Builder::new().name("ffmpeg-stderr".to_owned()).spawn(move || {
                let mut text = Vec::new();
                // The rest is drained so that ffmpeg never blocks on a full pipe.
                let mut pipe = pipe;
                let _ = pipe.by_ref().take(STDERR_BYTES).read_to_end(&mut text);
                let _ = io::copy(&mut pipe, &mut io::sink());
                String::from_utf8_lossy(&text).into_owned()
            })
        });
        Ok(Self { child, stderr: stderr.transpose()? })
    }

    fn pipe(&mut self) -> io::Result<Pipe> {
        let stdout = self.child.stdout.take().ok_or_else(|| io::Error::other("ffmpeg has no standard output"))?;
        let (sender, pieces) = sync_channel(4);
        thread::Builder::new().name("ffmpeg-stdout".to_owned()).spawn(move || pump(stdout, &sender))?;
        Ok(Pipe { pieces, piece: Vec::new(), at: 0 })
    }

    /// Ends the process and returns its last line of complaint.
    fn last_words(&mut self) -> String {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let text = self.stderr.take().and_then(|thread| thread.join().ok()).unwrap_or_default();
        let line = text.lines().map(str::trim).rfind(|line| !line.is_empty());
        line.unwrap_or("it gave no reason").to_owned()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn pump(mut stdout: ChildStdout, sender: &SyncSender<io::Result<Vec<u8>>>) {
    loop {
        let mut piece = vec![0; PIECE_BYTES];
        let read = stdout.read(&mut piece).map(|got| {
            piece.truncate(got);
            piece
        });
        let last = !matches!(&read, Ok(piece) if !piece.is_empty());
        if sender.send(read).is_err() || last {
            return;
        }
    }
}

/// Standard output of the process, with a limit on how long a piece may take.
struct Pipe {
    pieces: Receiver<io::Result<Vec<u8>>>,
    piece: Vec<u8>,
    at: usize,
}

impl Read for Pipe {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if self.at == self.piece.len() {
            self.at = 0;
            self.piece = match self.pieces.recv_timeout(STALL) {
                Ok(piece) => piece?,
                Err(RecvTimeoutError::Disconnected) => Vec::new(),
                Err(RecvTimeoutError::Timeout) => return Err(io::ErrorKind::TimedOut.into()),
            };
        }
        let got = out.len().min(self.piece.len() - self.at);
        out[..got].copy_from_slice(&self.piece[self.at..self.at + got]);
        self.at += got;
        Ok(got)
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn open(program: Option<&Path>, path: &Path) -> Result<FfmpegSource, AudioError> {
        FfmpegSource::open(program, path, 0, "amr-nb", &["-f", "amr"], &AudioLimits::default())
    }

    #[test]
    fn a_missing_ffmpeg_names_the_format_and_the_mend() {
        let text = open(None, Path::new("call.amr")).err().unwrap().to_string();
        assert!(text.starts_with("amr-nb needs ffmpeg") && text.contains("apt-get install ffmpeg"), "{text}");
        assert!(text.ends_with("call.amr"));
    }

    #[test]
    fn a_program_that_fails_gives_its_last_words() {
        let dir = tempfile::tempdir().unwrap();
        let program = dir.path().join("ffmpeg");
        std::fs::write(&program, "#!/bin/sh\necho first >&2\necho 'no such codec' >&2\nexit 1\n").unwrap();
        std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
        let error = open(Some(&program), Path::new("call.amr")).err().unwrap();
        assert!(matches!(&error, AudioError::Ffmpeg { detail, .. } if detail == "no such codec"), "{error}");
    }
}
