//! Samples out of an `ffmpeg` process, for the telephone codecs that no maintained Rust crate decodes.
//!
//! A process, not a library: a crash or a hang of a decoder stays outside, and nothing is linked. ffmpeg writes WAV of
//! 32-bit floats to its standard output, so rate and channels come from a header that [`RiffSource`] reads.
//!
//! It reads what it was given and nothing else: the file is its standard input, opened here; no other protocol is allowed, and
//! no other container than the one that the table of formats names. Playlists and references to other files lead nowhere.

use std::env;
use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
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
/// ffmpeg computes at most a twentieth of the longest recording, and so much more, in seconds.
const START_S: u64 = 60;
/// Most bytes that it takes in one piece: headers may ask for any.
const MOST_ALLOC: &str = "268435456";
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
        let given = Given { program, path, start, args: input_args, limits };
        let file = given.file().map_err(|error| AudioError::io(error, path))?;
        let mut process = Process::start(&given, file)
            .map_err(|error| failed(format, &format!("cannot be started: {error}"), path))?;
        let pipe = process.pipe().map_err(|error| AudioError::io(error, path))?;
        // What has no header states no length.
        let sized = !input_args.contains(&"-ar") && Format::named(format).is_none_or(|f| f.sign != Sign::Extension);
        match RiffSource::open(BufReader::new(pipe), limits, path) {
            Ok(stream) => {
                let mut stream = stream.renamed(format, "ffmpeg");
                if sized {
                    stream.promise(promised_ms(&given));
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

/// A recording for ffmpeg.
struct Given<'a> {
    program: &'a Path,
    path: &'a Path,
    /// First byte of the recording in the file.
    start: u64,
    /// Arguments before the input; they force the container.
    args: &'a [&'a str],
    limits: &'a AudioLimits,
}

impl Given<'_> {
    /// The file, from its first byte on.
    fn file(&self) -> io::Result<File> {
        let mut file = File::open(self.path)?;
        file.seek(SeekFrom::Start(self.start))?;
        Ok(file)
    }

    /// ffmpeg with its input: the pipe, and in the one container whose index may stand behind the sound a copy of it that can be
    /// gone back in.
    fn command(&self, file: File) -> Command {
        let demuxer = self.args.iter().skip_while(|arg| **arg != "-f").nth(1).copied().unwrap_or("wav");
        let (protocols, input) = if demuxer == "mov" { ("cache,pipe", "cache:pipe:0") } else { ("pipe", "pipe:0") };
        let mut command = Command::new(self.program);
        command.args(["-nostdin", "-hide_banner", "-max_alloc", MOST_ALLOC, "-protocol_whitelist", protocols]);
        command.args(["-format_whitelist", demuxer]).args(self.args).args(["-i", input]).stdin(Stdio::from(file));
        command
    }

    /// Seconds of computing, and of sound.
    fn limits(&self) -> [String; 2] {
        let s = self.limits.max_duration_ms / 1000;
        // A second more than is allowed, so that too long is told from just long enough.
        [(s / 20 + START_S).to_string(), (s + 2).to_string()]
    }
}

/// Length that the container promises, milliseconds, as far as ffmpeg reads it there and does not guess it.
fn promised_ms(given: &Given<'_>) -> Option<u64> {
    let mut child = given.command(given.file().ok()?).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().ok()?;
    let (sender, said) = sync_channel(1);
    let pipe = child.stderr.take()?;
    let reader = thread::Builder::new().name("ffmpeg-stderr".to_owned()).spawn(move || {
        let mut text = Vec::new();
        let _ = pipe.take(STDERR_BYTES * 16).read_to_end(&mut text);
        let _ = sender.send(text);
    });
    let stderr = reader.ok().and_then(|_| said.recv_timeout(STALL).ok());
    let _ = child.kill();
    let _ = child.wait();
    let text = String::from_utf8_lossy(&stderr?).into_owned();
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
    fn start(given: &Given<'_>, file: File) -> io::Result<Self> {
        let [computing, sound] = given.limits();
        let mut child = given
            .command(file)
            .args(["-v", "error", "-threads", "1", "-timelimit", &computing, "-t", &sound])
            .args(["-map", "0:a:0", "-vn", "-c:a", "pcm_f32le", "-f", "wav", "pipe:1"])
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
        let call = dir.path().join("call.amr");
        std::fs::write(&call, "#!AMR").unwrap();
        let error = open(Some(&program), &call).err().unwrap();
        assert!(matches!(&error, AudioError::Ffmpeg { detail, .. } if detail == "no such codec"), "{error}");
    }

    /// A name such as `concat:…` or `-i` would be an order; so the name is not said at all.
    #[test]
    fn ffmpeg_gets_bytes_and_no_names() {
        let dir = tempfile::tempdir().unwrap();
        let (program, told) = (dir.path().join("ffmpeg"), dir.path().join("told"));
        let script = format!("#!/bin/sh\necho \"$@\" >'{0}'\ncat >>'{0}'\nexit 1\n", told.display());
        std::fs::write(&program, script).unwrap();
        std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
        let call = dir.path().join("concat:secret");
        std::fs::write(&call, "junkBYTES").unwrap();
        let limits = AudioLimits::default();
        for (demuxer, protocols) in [("mp3", "-protocol_whitelist pipe "), ("mov", "-protocol_whitelist cache,pipe ")] {
            assert!(FfmpegSource::open(Some(&program), &call, 4, "x", &["-f", demuxer], &limits).is_err());
            let told = std::fs::read_to_string(&told).unwrap();
            assert!(told.ends_with("\nBYTES") && !told.contains("secret") && !told.contains("file"), "{told}");
            assert!(
                told.contains(protocols) && told.contains(&format!("-format_whitelist {demuxer} -f {demuxer} -i "))
            );
            assert!(told.contains("-timelimit 2220 -t 43202") && told.contains("-max_alloc"), "{told}");
        }
    }
}
