//! The process that was started: reads the manifest, keeps a child at work, and writes each answer on.

use std::collections::VecDeque;
use std::io::{self, Write};
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

use anyhow::{Context, Result, bail};
use callsift_store::{ManifestRows, ResultsReader, ResultsWriter, recording_id_of};
use serde_json::json;

use super::{Task, tell};
use crate::args::WorkerArgs;
use crate::exit::Exit;

/// Deaths one after the other before the models were loaded from which the machine is at fault.
const FAILED_STARTS: u32 = 3;

/// News for the main thread.
enum Event {
    Recording(Task),
    ManifestEnds,
    ManifestIsBad(String),
    Ready(u32),
    Answer(u32, Box<callsift_store::ResultBatch>),
    Closed(u32),
}

/// A child at work.
struct Running {
    process: Child,
    /// Number among all children, so that late news of an earlier one is known for what it is.
    number: u32,
    ready: bool,
}

struct Supervisor<'a> {
    args: &'a WorkerArgs,
    /// Where a child keeps what it fetches; whatever becomes of it, this goes at the end.
    spool: tempfile::TempDir,
    out: ResultsWriter<io::Stdout>,
    events: Sender<Event>,
    /// Recordings in work at once.
    ahead: usize,
    child: Option<Running>,
    children: u32,
    failed_starts: u32,
    deaths: u32,
    /// To be handed out, in order.
    waiting: VecDeque<Task>,
    /// Handed out and not answered, in order.
    in_work: VecDeque<Task>,
    /// Rows of the manifest that were asked for and have not come.
    asked: usize,
    ends: bool,
    bad: Option<String>,
    answered: u64,
}

/// Answers every row of stdin's manifest on stdout.
pub fn run(args: &WorkerArgs, ahead: usize) -> Result<Exit> {
    let (events, news) = channel();
    let (ask, asked) = channel();
    let manifest = events.clone();
    thread::Builder::new().name("manifest".to_owned()).spawn(move || read_manifest(&asked, &manifest))?;
    let out = ResultsWriter::new(io::stdout());
    let Ok(out) = out else { return Ok(Exit::Temporary) };
    let mut supervisor = Supervisor {
        args,
        spool: tempfile::tempdir().context("cannot make a folder for recordings")?,
        out,
        events,
        ahead,
        child: None,
        children: 0,
        failed_starts: 0,
        deaths: 0,
        waiting: VecDeque::new(),
        in_work: VecDeque::new(),
        asked: 0,
        ends: false,
        bad: None,
        answered: 0,
    };
    let exit = supervisor.work(&news, &ask);
    supervisor.end(exit)
}

/// Reads a row for each time that one is asked for.
fn read_manifest(asked: &Receiver<()>, events: &Sender<Event>) {
    let bad = |e: &dyn std::fmt::Display| events.send(Event::ManifestIsBad(e.to_string()));
    let mut rows = match ManifestRows::new(io::stdin(), &["recording_id", "uri"]) {
        Ok(rows) => rows,
        Err(e) => return drop(bad(&e)),
    };
    while asked.recv().is_ok() {
        let sent = match rows.next() {
            None => return drop(events.send(Event::ManifestEnds)),
            Some(Err(e)) => return drop(bad(&e)),
            Some(Ok(row)) => match row.get("recording_id").filter(|id| !id.trim().is_empty()).cloned() {
                None => return drop(bad(&"a row has no recording_id")),
                Some(recording_id) => {
                    events.send(Event::Recording(Task { recording_id, row, attempt: 1, refused: None }))
                }
            },
        };
        if sent.is_err() {
            return;
        }
    }
}

impl Supervisor<'_> {
    fn work(&mut self, news: &Receiver<Event>, ask: &Sender<()>) -> Result<Exit> {
        loop {
            self.hand_out()?;
            while !self.ends && self.asked + self.waiting.len() + self.in_work.len() < self.ahead {
                // Nobody hears where the manifest has ended: its last word is under way.
                let _ = ask.send(());
                self.asked += 1;
            }
            if self.ends && self.waiting.is_empty() && self.in_work.is_empty() {
                return Ok(if self.bad.is_some() { Exit::BadInput } else { Exit::Done });
            }
            let current = |number: u32| self.child.as_ref().is_some_and(|child| child.number == number);
            match news.recv().context("all threads are gone")? {
                Event::Recording(task) => {
                    self.asked = self.asked.saturating_sub(1);
                    self.waiting.push_back(task);
                }
                Event::ManifestEnds => self.ends = true,
                Event::ManifestIsBad(why) => (self.ends, self.bad) = (true, Some(why)),
                Event::Ready(number) if current(number) => {
                    self.failed_starts = 0;
                    self.child.iter_mut().for_each(|child| child.ready = true);
                }
                Event::Answer(number, batch) if current(number) => {
                    if self.pass_on(&batch)? == Exit::Temporary {
                        return Ok(Exit::Temporary);
                    }
                }
                Event::Closed(number) if current(number) => {
                    if let Some(exit) = self.died()? {
                        return Ok(exit);
                    }
                }
                Event::Ready(_) | Event::Answer(..) | Event::Closed(_) => {}
            }
        }
    }

    /// Hands recordings to the child; one that was in work when a child died goes alone.
    fn hand_out(&mut self) -> Result<()> {
        while let Some(task) = self.waiting.front() {
            let alone = |task: &Task| task.attempt > 1 || task.refused.is_some();
            let room = if alone(task) { self.in_work.is_empty() } else { self.in_work.len() < self.ahead };
            if !room || self.in_work.iter().any(alone) {
                break;
            }
            let mut line = serde_json::to_string(task)?;
            line.push('\n');
            if self.child.is_none() {
                self.child = Some(self.start()?);
            }
            // Where it cannot be written the child is dead, which its closed stdout will say.
            let stdin = self.child.as_mut().and_then(|child| child.process.stdin.as_mut());
            if let Some(stdin) = stdin {
                let _ = stdin.write_all(line.as_bytes()).and_then(|()| stdin.flush());
            }
            self.in_work.extend(self.waiting.pop_front());
        }
        Ok(())
    }

    fn start(&mut self) -> Result<Running> {
        let program = std::env::current_exe().context("cannot find this program")?;
        let mut process = Command::new(program)
            .args(std::env::args_os().skip(1))
            .arg("--child")
            .arg("--spool")
            .arg(self.spool.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("cannot start the process that does the work")?;
        self.children += 1;
        let number = self.children;
        let stdout = process.stdout.take().context("the child has no stdout")?;
        let events = self.events.clone();
        thread::Builder::new().name(format!("child-{number}")).spawn(move || listen(stdout, number, &events))?;
        Ok(Running { process, number, ready: false })
    }

    /// Writes an answer; the first recording in work is done.
    fn pass_on(&mut self, batch: &callsift_store::ResultBatch) -> Result<Exit> {
        let first = self.in_work.pop_front();
        let id = recording_id_of(batch);
        if first.as_ref().map(|task| task.recording_id.as_str()) != id {
            bail!("an answer for {id:?} came in the place of {:?}", first.map(|task| task.recording_id));
        }
        if let Err(why) = self.out.write(batch) {
            tell(json!({"event": "stopped", "why": format!("the reader of the results is gone: {why}")}));
            return Ok(Exit::Temporary);
        }
        self.answered += 1;
        Ok(Exit::Done)
    }

    /// Puts what was in work in front again; gives the exit where there is no use in going on.
    fn died(&mut self) -> Result<Option<Exit>> {
        let Some(mut child) = self.child.take() else { return Ok(None) };
        drop(child.process.stdin.take());
        let status = child.process.wait()?;
        // It said why on stderr.
        for exit in [Exit::Usage, Exit::Temporary] {
            if status.code() == Some(exit as i32) {
                return Ok(Some(exit));
            }
        }
        self.deaths += 1;
        let why = describe(status);
        let ids: Vec<&str> = self.in_work.iter().map(|task| task.recording_id.as_str()).collect();
        tell(json!({"event": "died", "why": why, "deaths": self.deaths, "ready": child.ready, "in_work": ids}));
        if child.ready {
            let alone = self.in_work.len() == 1;
            for task in &mut self.in_work {
                if alone && task.attempt > 1 {
                    let times = task.attempt;
                    task.refused =
                        Some(format!("the process died {times} times at this recording, at last alone ({why})"));
                } else {
                    task.attempt += 1;
                }
            }
        } else {
            self.failed_starts += 1;
        }
        while let Some(task) = self.in_work.pop_back() {
            self.waiting.push_front(task);
        }
        let hopeless = self.deaths > self.args.max_deaths || self.failed_starts >= FAILED_STARTS;
        Ok(hopeless.then_some(Exit::Temporary))
    }

    /// Ends the child and, where all was answered, the stream.
    fn end(mut self, exit: Result<Exit>) -> Result<Exit> {
        let done = matches!(exit, Ok(Exit::Done));
        if let Some(mut child) = self.child.take() {
            if done {
                drop(child.process.stdin.take());
            } else {
                let _ = child.process.kill();
            }
            child.process.wait()?;
        }
        let bad = self.bad.take();
        let exit = match exit {
            Ok(Exit::Done) if self.out.finish().is_err() => Exit::Temporary,
            Ok(exit) => exit,
            Err(error) => {
                crate::output::error(&error);
                Exit::Internal
            }
        };
        tell(json!({
            "event": "end", "code": exit as u8, "recordings": self.answered, "deaths": self.deaths, "bad_input": bad,
        }));
        Ok(exit)
    }
}

fn describe(status: ExitStatus) -> String {
    #[cfg(unix)]
    if let Some(signal) = std::os::unix::process::ExitStatusExt::signal(&status) {
        return format!("signal {signal}");
    }
    status.code().map_or_else(|| status.to_string(), |code| format!("exit code {code}"))
}

/// Reads a child's answers until it closes its stdout.
fn listen(stdout: ChildStdout, number: u32, events: &Sender<Event>) {
    if let Ok(rows) = ResultsReader::new(stdout) {
        let _ = events.send(Event::Ready(number));
        for batch in rows.map_while(Result::ok) {
            if events.send(Event::Answer(number, Box::new(batch))).is_err() {
                return;
            }
        }
    }
    let _ = events.send(Event::Closed(number));
}
