//! `callsift transcribe`: single files to text.

use std::fmt::Write;
use std::path::Path;

use anyhow::{Context, Result};
use callsift_asr::{Session, Window};
use callsift_core::{SpeakerRole, Stage, Turn};
use callsift_dialogue::{TurnBuilder, lacks_punctuation, readable};
use callsift_pipeline::front::Front;
use callsift_pipeline::{Engine, Punctuation, WINDOWS_PER_JOB};

use crate::args::{TranscribeArgs, TranscriptFormat};
use crate::exit::Exit;
use crate::load;
use crate::output::{emit, emit_json, note};
use crate::{input, rule_folder};

/// The text of a turn as people read it. JSON has it as recognised.
type Say = fn(&Turn) -> String;

/// Transcribes each file; a file that fails is named, the others go on.
pub fn run(args: &TranscribeArgs) -> Result<Exit> {
    let config = load::config(&args.config)?;
    for file in &args.files {
        input::file("", Some(file))?;
    }
    load::warn_of_demo_model(&config, &args.files.iter().map(AsRef::as_ref).collect::<Vec<_>>())?;
    // Rules are not evaluated here; any valid set makes the engine whole.
    let engine = load::engine(config, rule_folder::all(None)?, true)?;
    let recognizer = engine.recognizer.as_deref().context("no speech model was loaded")?;
    let mut session = Session::open(recognizer, &engine.config.asr)?;
    let mut front = Front::new(&engine)?;
    let mut exit = Exit::Done;
    for file in &args.files {
        match transcribe(&engine, &mut front, &mut session, file) {
            Ok(turns) => {
                let marks = engine.config.text.punctuation == Punctuation::Auto && lacks_punctuation(&turns);
                let say: Say = if marks { readable } else { Turn::text };
                let print = if args.format == TranscriptFormat::Json { emit_json } else { emit };
                print(&render(file, &turns, args.format, say)?);
            }
            Err(error) => {
                let (file, error) = (file.display().to_string(), error.to_string());
                let place = if error.contains(&file) { String::new() } else { format!("{file}: ") };
                note(&format!("callsift: {place}{error}"));
                exit = Exit::Some;
            }
        }
    }
    Ok(exit)
}

fn transcribe(engine: &Engine, front: &mut Front<'_>, session: &mut Session, file: &Path) -> Result<Vec<Turn>> {
    let (mut utterances, mut open, mut failure) = (Vec::new(), Vec::new(), None);
    let mut recognize = |windows: &mut Vec<Window>| match session.recognize(windows, None) {
        Ok(found) => {
            windows.clear();
            utterances.extend(found.into_iter().flatten());
            true
        }
        Err(error) => {
            failure = Some(error);
            false
        }
    };
    let audio = front.run(file, &mut |window| {
        open.push(window);
        open.len() < WINDOWS_PER_JOB || recognize(&mut open)
    });
    let _ = audio.is_ok() && recognize(&mut open);
    if let Some(error) = failure {
        return Err(error.into());
    }
    let audio = audio.map_err(|(stage, reason)| anyhow::anyhow!("{}: {reason}", stage.as_str()))?;
    let mut builder = TurnBuilder::new(audio.layout, &engine.config.dialogue);
    let mut turns = Vec::new();
    for utterance in utterances {
        let Ok(()) = builder.push(utterance, &mut turns);
    }
    let Ok(()) = builder.finish(&mut turns);
    Ok(turns)
}

fn render(file: &Path, turns: &[Turn], format: TranscriptFormat, say: Say) -> Result<String> {
    Ok(match format {
        TranscriptFormat::Txt => txt(file, turns, say),
        TranscriptFormat::Json => {
            format!("{}\n", serde_json::to_string(&serde_json::json!({ "file": file, "turns": turns }))?)
        }
        TranscriptFormat::Srt => subtitles(turns, ',', "", say),
        TranscriptFormat::Vtt => subtitles(turns, '.', "WEBVTT\n\n", say),
    })
}

fn role_zh(turn: &Turn) -> &'static str {
    match turn.role {
        SpeakerRole::Agent => "坐席",
        SpeakerRole::Customer => "客户",
        SpeakerRole::Unknown => "未知",
    }
}

fn txt(file: &Path, turns: &[Turn], say: Say) -> String {
    let mut out = format!("# {}\n", file.display());
    for t in turns {
        let marks: Vec<&str> = t.marks.iter().map(|m| m.as_str()).collect();
        let marks = if marks.is_empty() { String::new() } else { format!("  [{}]", marks.join(" ")) };
        let _ = writeln!(out, "[{} {}] {}{marks}", time(t.span.start_ms, '.'), role_zh(t), say(t));
    }
    out
}

fn subtitles(turns: &[Turn], point: char, head: &str, say: Say) -> String {
    let mut out = head.to_owned();
    for (i, t) in turns.iter().filter(|t| !t.chars.is_empty() && !t.is_unusable()).enumerate() {
        let (start, end) = (time(t.span.start_ms, point), time(t.span.end_ms, point));
        let _ = write!(out, "{}\n{start} --> {end}\n{}：{}\n\n", i + 1, role_zh(t), say(t));
    }
    out
}

/// Milliseconds as `hh:mm:ss.mmm`.
fn time(ms: i64, point: char) -> String {
    format!("{:02}:{:02}:{:02}{point}{:03}", ms / 3_600_000, ms / 60_000 % 60, ms / 1000 % 60, ms % 1000)
}
