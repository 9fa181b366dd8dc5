//! A second hearing: what rules ask about, put to the recogniser over the recording.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::Path;

use callsift_asr::{AsrError, Session, Window};
use callsift_audio::{AudioError, AudioLimits, AudioReader};
use callsift_core::{Alternative, SAMPLE_RATE, SampleBlock, TimeSpan, Turn};
use callsift_rules::Question;

use crate::engine::Engine;
use crate::error::PipelineError;
use crate::front::raise;

/// Longest stretch that is heard again as a whole; of longer turns so much around the place, milliseconds.
const LONGEST_MS: i64 = 12_000;
/// Sound before and after the words, milliseconds.
const RIM_MS: i64 = 200;
/// Samples per millisecond.
const PER_MS: i64 = SAMPLE_RATE as i64 / 1000;

/// A recogniser that is asked about what was written down.
pub struct SecondHearing<'a> {
    session: Session,
    limits: &'a AudioLimits,
}

/// A stretch of a turn and the readings of it that are asked about.
struct Stretch {
    turn: usize,
    chars: Range<usize>,
    span: TimeSpan,
    questions: Vec<usize>,
}

impl<'a> SecondHearing<'a> {
    /// Opens a recogniser of its own; `None` where the engine has none.
    ///
    /// # Errors
    /// No memory for another state.
    pub fn open(engine: &'a Engine) -> Result<Option<Self>, PipelineError> {
        let open = |recognizer| Session::open(recognizer, &engine.config.asr);
        let session = engine.recognizer.as_deref().map(open).transpose()?;
        Ok(session.map(|session| Self { session, limits: &engine.config.audio }))
    }

    /// Puts the questions, and keeps the answers with the turns, the likeliest first. A backend that cannot say leaves them as
    /// they are.
    ///
    /// # Errors
    /// The recording cannot be read again, or the backend failed: in words.
    pub fn ask(&mut self, path: &Path, turns: &mut [Turn], questions: &[Question]) -> Result<(), String> {
        let stretches = stretches(turns, questions);
        let wanted: Vec<(u16, TimeSpan)> = stretches.iter().map(|s| (turns[s.turn].channel, s.span)).collect();
        let clips = clips(path, self.limits, &wanted).map_err(|e| e.to_string())?;
        for (stretch, samples) in stretches.iter().zip(&clips) {
            let turn = &turns[stretch.turn];
            let asked: Vec<&Question> = stretch.questions.iter().map(|i| &questions[*i]).collect();
            let Some(scores) = self.scores(turn, &stretch.chars, samples, &asked).map_err(|e| e.to_string())? else {
                return Ok(());
            };
            let answers = asked.iter().zip(scores).map(|(q, score)| Alternative { text: q.text(turn), score });
            let answers: Vec<Alternative> = answers.collect();
            turns[stretch.turn].alternatives.extend(answers);
        }
        for turn in turns {
            turn.alternatives.sort_by(|a, b| b.score.total_cmp(&a.score).then_with(|| a.text.cmp(&b.text)));
            turn.alternatives.dedup_by(|later, kept| later.text == kept.text);
        }
        Ok(())
    }

    /// Log-likelihood of each reading beside what was written down, to a hundredth.
    fn scores(
        &mut self,
        turn: &Turn,
        chars: &Range<usize>,
        samples: &[f32],
        asked: &[&Question],
    ) -> Result<Option<Vec<f64>>, AsrError> {
        let text = |range: Range<usize>| turn.chars.get(range).unwrap_or_default().iter().map(|c| c.ch);
        let written: String = text(chars.clone()).collect();
        let mut texts = vec![written.trim().to_owned()];
        for question in asked {
            let before = text(chars.start..question.range.start);
            let after = text(question.range.end..chars.end);
            let read: String = before.chain(question.phrase.chars()).chain(after).collect();
            texts.push(read.trim().to_owned());
        }
        let weights = self.session.weigh(&Window::of_samples(turn.channel, samples), &texts)?;
        Ok(weights.map(|all| all[1..].iter().map(|w| ((w - all[0]) * 100.0).round() / 100.0).collect()))
    }
}

/// What is heard again: for each turn with questions the whole of it, or of a long one what lies around the place.
fn stretches(turns: &[Turn], questions: &[Question]) -> Vec<Stretch> {
    let mut found: BTreeMap<(usize, usize, usize), Stretch> = BTreeMap::new();
    for (number, question) in questions.iter().enumerate() {
        let turn = question.turn as usize;
        let Some(chars) = turns.get(turn).map(|turn| around(turn, &question.range)) else { continue };
        let inside = turns[turn].chars.get(chars.clone()).unwrap_or_default();
        let span = match (inside.first(), inside.last()) {
            _ if inside.len() == turns[turn].chars.len() => turns[turn].span,
            (Some(first), Some(last)) => first.span.union(last.span),
            _ => continue,
        };
        let span = TimeSpan::new((span.start_ms - RIM_MS).max(0), span.end_ms + RIM_MS);
        let stretch = Stretch { turn, chars: chars.clone(), span, questions: Vec::new() };
        found.entry((turn, chars.start, chars.end)).or_insert(stretch).questions.push(number);
    }
    found.into_values().collect()
}

/// The characters that are weighed together with those of a place.
fn around(turn: &Turn, place: &Range<usize>) -> Range<usize> {
    let count = turn.chars.len();
    if turn.span.len_ms() <= LONGEST_MS {
        return 0..count;
    }
    let at = turn.chars.get(place.start.min(count.saturating_sub(1))).map_or(turn.span.start_ms, |c| c.span.start_ms);
    let near = TimeSpan::new(at - LONGEST_MS / 2, at + LONGEST_MS / 2);
    let inside = |c: &callsift_core::TimedChar| near.start_ms <= c.span.start_ms && c.span.end_ms <= near.end_ms;
    let first = turn.chars.iter().position(inside).unwrap_or(place.start).min(place.start);
    let last = turn.chars.iter().rposition(inside).map_or(place.end, |i| i + 1).max(place.end);
    first..last
}

/// The sound of some stretches of a recording, as the recogniser hears it: 16 kHz, quiet channels raised.
fn clips(path: &Path, limits: &AudioLimits, wanted: &[(u16, TimeSpan)]) -> Result<Vec<Vec<f32>>, AudioError> {
    let mut clips = vec![Vec::new(); wanted.len()];
    let Some(end_ms) = wanted.iter().map(|(_, span)| span.end_ms).max() else { return Ok(clips) };
    let mut reader = AudioReader::open(path, limits)?;
    let gains: Vec<f32> = (0..reader.emitted_channels()).map(|channel| reader.gain(channel)).collect();
    let mut at = vec![0_i64; gains.len()];
    let (mut blocks, mut more): (Vec<SampleBlock>, bool) = (Vec::new(), true);
    while more && at.iter().any(|samples| *samples < end_ms * PER_MS) {
        more = reader.next_blocks(&mut blocks)?;
        for mut block in blocks.drain(..) {
            raise(&mut block, &gains);
            let Some(first) = at.get_mut(usize::from(block.channel)) else { continue };
            let here = *first..*first + block.samples.len() as i64;
            for (clip, (channel, span)) in clips.iter_mut().zip(wanted) {
                let from = (span.start_ms * PER_MS).max(here.start);
                let to = (span.end_ms * PER_MS).min(here.end);
                if *channel == block.channel && from < to {
                    clip.extend_from_slice(&block.samples[(from - here.start) as usize..(to - here.start) as usize]);
                }
            }
            *first = here.end;
        }
    }
    Ok(clips)
}
