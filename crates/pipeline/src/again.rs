//! A second hearing: what rules ask about, put to the recogniser over the recording.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::Path;

use callsift_asr::{AsrError, Inquiry, Session, Window};
use callsift_audio::{AudioError, AudioLimits, AudioReader};
use callsift_core::{Alternative, SAMPLE_RATE, SampleBlock, TimeSpan, Turn};
use callsift_rules::{Doubts, Question, Wanted};

use crate::engine::Engine;
use crate::error::PipelineError;
use crate::front::raise;

/// Longest stretch that is heard again as a whole; of longer turns so much around the place, milliseconds.
const LONGEST_MS: i64 = 12_000;
/// Answers below this are not kept where somebody would be accused: of such readings hardly any was said.
const LEAST_ACCUSING: f64 = -6.0;
/// Stretches of one turn that are searched for phrases.
const STRETCHES: usize = 6;
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
    /// Phrases that are looked for in it.
    wanted: Option<usize>,
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
    pub fn ask(
        &mut self,
        path: &Path,
        turns: &mut [Turn],
        Doubts { questions, wanted }: &Doubts,
    ) -> Result<(), String> {
        let stretches = stretches(turns, questions, wanted);
        let spans: Vec<(u16, TimeSpan)> = stretches.iter().map(|s| (turns[s.turn].channel, s.span)).collect();
        let clips = clips(path, self.limits, &spans).map_err(|e| e.to_string())?;
        for (stretch, samples) in stretches.iter().zip(&clips) {
            let turn = &turns[stretch.turn];
            let asked: Vec<&Question> = stretch.questions.iter().map(|i| &questions[*i]).collect();
            let phrases = stretch.wanted.map_or(&[][..], |i| &wanted[i].groups);
            let answers = self.answers(turn, &stretch.chars, samples, (&asked, phrases)).map_err(|e| e.to_string())?;
            let Some(answers) = answers else { return Ok(()) };
            turns[stretch.turn].alternatives.extend(answers);
        }
        for turn in turns {
            turn.alternatives.sort_by(|a, b| b.score.total_cmp(&a.score).then_with(|| a.text.cmp(&b.text)));
            turn.alternatives.dedup_by(|later, kept| later.text == kept.text);
        }
        Ok(())
    }

    /// The readings that are asked about and those in which the recogniser finds one of the phrases, each with its
    /// log-likelihood beside what was written down, to a hundredth.
    fn answers(
        &mut self,
        turn: &Turn,
        chars: &Range<usize>,
        samples: &[f32],
        (asked, phrases): (&[&Question], &[Vec<String>]),
    ) -> Result<Option<Vec<Alternative>>, AsrError> {
        let text = |range: Range<usize>| turn.chars.get(range).unwrap_or_default().iter().map(|c| c.ch);
        let blank = text(chars.clone()).take_while(|ch| ch.is_whitespace()).count();
        let written: String = text(chars.clone()).collect();
        let read = |question: &&Question| -> String {
            let before = text(chars.start..question.range.start);
            let after = text(question.range.end..chars.end);
            let read: String = before.chain(question.phrase.chars()).chain(after).collect();
            read.trim().to_owned()
        };
        let texts: Vec<String> = asked.iter().map(read).collect();
        let inquiry = Inquiry { written: written.trim(), texts: &texts, phrases };
        let Some(answer) = self.session.inquire(&Window::of_samples(turn.channel, samples), &inquiry)? else {
            return Ok(None);
        };
        let place = |range: &Range<usize>| chars.start + blank + range.start..chars.start + blank + range.end;
        let spotted = answer.spotted.into_iter().map(|s| {
            let question = Question { turn: turn.index, range: place(&s.range), phrase: s.phrase, accuses: false };
            (question.text(turn), s.score)
        });
        let asked = asked.iter().zip(answer.texts);
        let asked = asked.filter(|(q, score)| !q.accuses || *score >= LEAST_ACCUSING);
        let asked = asked.map(|(q, score)| (q.text(turn), score));
        let rounded = |score: f64| (score * 100.0).round() / 100.0;
        Ok(Some(asked.chain(spotted).map(|(text, score)| Alternative { text, score: rounded(score) }).collect()))
    }
}

/// What is heard again: for each turn with questions the whole of it, or of a long one what lies around the place.
fn stretches(turns: &[Turn], questions: &[Question], wanted: &[Wanted]) -> Vec<Stretch> {
    let mut found: BTreeMap<(usize, usize, usize), Stretch> = BTreeMap::new();
    let places = questions.iter().enumerate().map(|(i, q)| (q.turn as usize, q.range.clone(), (Some(i), None)));
    let unsure = wanted.iter().enumerate().flat_map(|(i, w)| {
        let turn = w.turn as usize;
        let places = turns.get(turn).map(doubtful).unwrap_or_default();
        places.into_iter().map(move |place| (turn, place, (None, Some(i))))
    });
    for (turn, place, (question, phrases)) in places.chain(unsure) {
        let Some(chars) = turns.get(turn).map(|turn| around(turn, &place)) else { continue };
        let inside = turns[turn].chars.get(chars.clone()).unwrap_or_default();
        let span = match (inside.first(), inside.last()) {
            _ if inside.len() == turns[turn].chars.len() => turns[turn].span,
            (Some(first), Some(last)) => first.span.union(last.span),
            _ => continue,
        };
        let span = TimeSpan::new((span.start_ms - RIM_MS).max(0), span.end_ms + RIM_MS);
        let stretch = Stretch { turn, chars: chars.clone(), span, questions: Vec::new(), wanted: None };
        let stretch = found.entry((turn, chars.start, chars.end)).or_insert(stretch);
        stretch.questions.extend(question);
        stretch.wanted = stretch.wanted.or(phrases);
    }
    found.into_values().collect()
}

/// Places around which a turn is searched for phrases: of a short one any, of a long one as many as hold all its doubtful
/// characters, from the first on; not more than a few. Where there are none, of its beginning and its end.
fn doubtful(turn: &Turn) -> Vec<Range<usize>> {
    let mut places: Vec<Range<usize>> = Vec::new();
    let mut searched = 0;
    for (at, c) in turn.chars.iter().enumerate() {
        if at >= searched && c.ch.is_alphanumeric() && c.prob < 0.5 && places.len() < STRETCHES {
            let place = at..at + 1;
            searched = around(turn, &place).end;
            places.push(place);
        }
    }
    // Of a turn that seems understood its beginning and its end: there people greet and part.
    if let (true, Some(last)) = (places.is_empty(), turn.chars.len().checked_sub(1)) {
        places.extend([0..1, last..last + 1]);
    }
    places
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
