//! The shared way from a window to utterances: attempts, coverage, marks. The same for every backend.

use callsift_core::{Mark, Utterance};

use crate::decode::{Answer, DecodeEffort, Decoded, Decoder, Inquiry};
use crate::window::Window;
use crate::{AsrError, AsrOptions, guard, mapping};

/// A speech model that can open any number of sessions; shared by all threads.
pub trait Recognizer: Send + Sync {
    /// Opens a decoder with its own state for one thread.
    ///
    /// # Errors
    /// No memory for another state.
    fn decoder(&self) -> Result<Box<dyn Decoder>, AsrError>;

    /// Name for tables and reports.
    fn name(&self) -> &str;
}

/// One thread's recogniser.
pub struct Session {
    decoder: Box<dyn Decoder>,
    options: AsrOptions,
    repeats: Repeats,
}

/// How many windows were recognised, and how many again and why. A window counts once under each reason.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
pub struct Repeats {
    /// Windows that came.
    pub windows: usize,
    /// Tried again with a beam: text in a loop.
    pub looped: usize,
    /// … stopped at the limit of tokens.
    pub cut_off: usize,
    /// … low probability.
    pub unlikely: usize,
    /// … more characters than anybody can say in the time.
    pub dense: usize,
    /// … speech without text.
    pub uncovered: usize,
    /// … text that recognisers make up.
    pub invented: usize,
    /// Tried with a beam for any of these reasons.
    pub beam: usize,
    /// Tried again segment by segment.
    pub alone: usize,
    /// Tried again without the prompt, which had come back as text.
    pub echo: usize,
}

impl Repeats {
    /// Adds another thread's.
    pub fn add(&mut self, other: &Self) {
        self.windows += other.windows;
        self.looped += other.looped;
        self.cut_off += other.cut_off;
        self.unlikely += other.unlikely;
        self.dense += other.dense;
        self.uncovered += other.uncovered;
        self.invented += other.invented;
        self.beam += other.beam;
        self.alone += other.alone;
        self.echo += other.echo;
    }
}

impl Session {
    /// Opens a session.
    ///
    /// # Errors
    /// No memory for another state.
    pub fn open(recognizer: &dyn Recognizer, options: &AsrOptions) -> Result<Self, AsrError> {
        Ok(Self { decoder: recognizer.decoder()?, options: options.clone(), repeats: Repeats::default() })
    }

    /// What was repeated so far; starts again from nothing.
    pub fn take_repeats(&mut self) -> Repeats {
        std::mem::take(&mut self.repeats)
    }

    /// Recognises windows of one call; gives the utterances of each. The result depends on nothing but the windows,
    /// the model and the options: every attempt runs at temperature 0, so that it does not matter which thread took
    /// the windows, or what it had before.
    ///
    /// # Errors
    /// The backend failed.
    pub fn recognize(&mut self, windows: &[Window], queue: Option<&str>) -> Result<Vec<Vec<Utterance>>, AsrError> {
        let prompt = self.options.prompt(queue).to_owned();
        let all: Vec<&Window> = windows.iter().collect();
        self.repeats.windows += all.len();
        let mut heard = self.attempts(&all, &prompt)?;
        self.without_echo(&all, &mut heard, &prompt)?;
        self.missed_again(&all, &mut heard, &prompt)?;
        for (window, utterances) in windows.iter().zip(&mut heard) {
            let missed = self.missed(window, utterances);
            utterances.extend(missed.into_iter().map(|index| uncovered(window, index)));
            utterances.sort_by_key(|u| (u.span.start_ms, u.span.end_ms));
        }
        Ok(heard)
    }

    /// How likely other texts are than what was written down ([`Decoder::inquire`]).
    ///
    /// # Errors
    /// The backend failed.
    pub fn inquire(&mut self, window: &Window, inquiry: &Inquiry<'_>) -> Result<Option<Answer>, AsrError> {
        self.decoder.inquire(window, inquiry)
    }

    /// Over sound without words the prompt comes back as if somebody had said it. Without a prompt nothing can echo:
    /// what is still heard then was said.
    fn without_echo(
        &mut self,
        windows: &[&Window],
        heard: &mut [Vec<Utterance>],
        prompt: &str,
    ) -> Result<(), AsrError> {
        let echoes = |us: &Vec<Utterance>| us.iter().any(|u| callsift_text::is_echo(&u.text(), prompt));
        let which = places(heard, echoes);
        self.repeats.echo += which.len();
        let again = self.attempts(&chosen(windows, &which), "")?;
        which.into_iter().zip(again).for_each(|(i, utterances)| heard[i] = utterances);
        Ok(())
    }

    /// Segments without text, once more without the others of their window.
    fn missed_again(
        &mut self,
        windows: &[&Window],
        heard: &mut [Vec<Utterance>],
        prompt: &str,
    ) -> Result<(), AsrError> {
        let mut rest = Vec::new();
        for (i, (window, utterances)) in windows.iter().zip(heard.iter()).enumerate() {
            let missed = self.missed(window, utterances);
            if !missed.is_empty() && missed.len() < window.pieces.len() {
                rest.push((i, window.subset(&missed, self.options.gap_ms)));
            }
        }
        let again = self.attempts(&rest.iter().map(|r| &r.1).collect::<Vec<_>>(), prompt)?;
        for ((i, _), mut utterances) in rest.iter().zip(again) {
            // A window left it out, and alone it is unlikely: that is no text but what a recogniser makes of noise.
            utterances.retain(|u| !u.marks.contains(&Mark::LowConfidence));
            heard[*i].extend(utterances);
        }
        Ok(())
    }

    /// Greedy first; where the result looks wrong, beam search over the full context; where that looks wrong too,
    /// each segment alone. The best by marks, then by probability, is kept.
    fn attempts(&mut self, windows: &[&Window], prompt: &str) -> Result<Vec<Vec<Utterance>>, AsrError> {
        let mut best = self.attempt(windows, prompt, DecodeEffort::Greedy)?;
        let doubtful = places(&best, |a| a.trouble > 0);
        for i in &doubtful {
            best[*i].why.count(&mut self.repeats);
        }
        let beams = self.attempt(&chosen(windows, &doubtful), prompt, DecodeEffort::Beam)?;
        doubtful.into_iter().zip(beams).for_each(|(i, second)| best[i].replace_if_better(second));
        let single = |i: usize| windows[i].pieces.len() == 1;
        let doubtful: Vec<usize> = places(&best, |a| a.trouble > 0).into_iter().filter(|i| !single(*i)).collect();
        self.repeats.alone += doubtful.len();
        let alone: Vec<Window> = doubtful
            .iter()
            .flat_map(|i| (0..windows[*i].pieces.len()).map(|piece| windows[*i].subset(&[piece], 0)))
            .collect();
        let mut pieces = self.attempt(&alone.iter().collect::<Vec<_>>(), prompt, DecodeEffort::Greedy)?.into_iter();
        for i in doubtful {
            let mut whole = Attempt::default();
            pieces.by_ref().take(windows[i].pieces.len()).for_each(|piece| whole.add(piece));
            best[i].replace_if_better(whole);
        }
        Ok(best.into_iter().map(|a| a.utterances).collect())
    }

    fn attempt(&mut self, windows: &[&Window], prompt: &str, effort: DecodeEffort) -> Result<Vec<Attempt>, AsrError> {
        if windows.is_empty() {
            return Ok(Vec::new());
        }
        let decoded = self.decoder.decode(windows, prompt, effort)?;
        Ok(windows.iter().zip(&decoded).map(|(window, decoded)| self.judge(window, decoded)).collect())
    }

    fn judge(&self, window: &Window, decoded: &Decoded) -> Attempt {
        let mut utterances = mapping::to_utterances(window, decoded);
        // A loop that runs through several segments shows only in the whole text.
        let overall = guard::marks(&decoded.text(), decoded.mean_logprob, window.speech_ms(), &self.options);
        for u in &mut utterances {
            let mut marks = guard::marks(&u.text(), decoded.mean_logprob, u.span.len_ms(), &self.options);
            marks.extend(overall.iter().copied().filter(|m| *m == Mark::Loop));
            marks.sort_unstable();
            marks.dedup();
            u.marks = marks;
        }
        let marked = utterances.iter().filter(|u| !u.marks.is_empty()).count();
        let missed = self.missed(window, &utterances).len();
        let holes = utterances.iter().filter(|u| longest_hole(u) >= self.options.min_uncovered_ms).count();
        let has = |mark| overall.contains(&mark) || utterances.iter().any(|u| u.marks.contains(&mark));
        let why = Why {
            looped: has(Mark::Loop),
            cut_off: decoded.cut_off,
            unlikely: has(Mark::LowConfidence),
            dense: has(Mark::TooFast),
            uncovered: missed + holes > 0,
            invented: has(Mark::Hallucination),
        };
        let trouble = marked + missed + holes + usize::from(decoded.cut_off) + overall.len();
        Attempt { utterances, trouble, logprob: f64::from(decoded.mean_logprob), why }
    }

    /// Pieces long enough to hold words that got none.
    fn missed(&self, window: &Window, utterances: &[Utterance]) -> Vec<usize> {
        let has_text = |i: usize| utterances.iter().any(|u| u.span.overlap_ms(window.pieces[i].source()) > 0);
        (0..window.pieces.len())
            .filter(|i| window.pieces[*i].window.len_ms() >= self.options.min_uncovered_ms && !has_text(*i))
            .collect()
    }
}

fn places<T>(all: &[T], is: impl Fn(&T) -> bool) -> Vec<usize> {
    (0..all.len()).filter(|i| is(&all[*i])).collect()
}

fn chosen<'w>(windows: &[&'w Window], which: &[usize]) -> Vec<&'w Window> {
    which.iter().map(|i| windows[*i]).collect()
}

/// Longest stretch of an utterance's speech without a character, in milliseconds.
fn longest_hole(utterance: &Utterance) -> i64 {
    let mut at = utterance.span.start_ms;
    let mut longest = 0;
    for c in utterance.chars.iter().filter(|c| c.ch.is_alphanumeric()) {
        longest = longest.max(c.span.start_ms - at);
        at = at.max(c.span.end_ms);
    }
    longest.max(utterance.span.end_ms - at)
}

/// Speech without text: kept as an empty utterance, so that rules know what they could not read.
fn uncovered(window: &Window, index: usize) -> Utterance {
    let span = window.pieces[index].source();
    Utterance { channel: window.channel, span, chars: Vec::new(), mean_logprob: 0.0, marks: vec![Mark::Uncovered] }
}

/// Why an attempt is not believed.
#[derive(Default, Clone, Copy)]
#[expect(clippy::struct_excessive_bools, reason = "independent reasons, each counted by itself")]
struct Why {
    looped: bool,
    cut_off: bool,
    unlikely: bool,
    dense: bool,
    uncovered: bool,
    invented: bool,
}

impl Why {
    fn count(self, repeats: &mut Repeats) {
        repeats.beam += 1;
        repeats.looped += usize::from(self.looped);
        repeats.cut_off += usize::from(self.cut_off);
        repeats.unlikely += usize::from(self.unlikely);
        repeats.dense += usize::from(self.dense);
        repeats.uncovered += usize::from(self.uncovered);
        repeats.invented += usize::from(self.invented);
    }
}

/// One attempt's result and how much is wrong with it.
#[derive(Default)]
struct Attempt {
    utterances: Vec<Utterance>,
    trouble: usize,
    logprob: f64,
    why: Why,
}

impl Attempt {
    fn replace_if_better(&mut self, other: Self) {
        if (other.trouble, -other.logprob) < (self.trouble, -self.logprob) {
            *self = other;
        }
    }

    fn add(&mut self, other: Self) {
        self.trouble += other.trouble;
        self.logprob = self.logprob.min(other.logprob);
        self.utterances.extend(other.utterances);
    }
}

#[cfg(test)]
mod tests {
    use callsift_core::Mark;

    use super::{Recognizer, Session};
    use crate::decode::{DecodeEffort, Decoded, DecodedChar, DecodedText, Decoder};
    use crate::window::Window;
    use crate::{AsrError, AsrOptions};

    /// Plays back prepared answers, to test the ladder by itself; the real backend is tested on real audio.
    struct Script(Vec<Decoded>);

    struct Player(std::collections::VecDeque<Decoded>);

    impl Recognizer for Script {
        fn decoder(&self) -> Result<Box<dyn Decoder>, AsrError> {
            Ok(Box::new(Player(self.0.clone().into())))
        }
        fn name(&self) -> &'static str {
            "script"
        }
    }

    impl Decoder for Player {
        fn decode(&mut self, windows: &[&Window], _: &str, _: DecodeEffort) -> Result<Vec<Decoded>, AsrError> {
            let ended = || AsrError::Decode("script ended".to_owned());
            windows.iter().map(|_| self.0.pop_front().ok_or_else(ended)).collect()
        }
    }

    fn decoded(texts: &[(i64, i64, &str)]) -> Decoded {
        let texts = texts.iter().map(|(a, b, t)| DecodedText {
            start_ms: *a,
            end_ms: *b,
            chars: t.chars().map(|ch| DecodedChar { ch, prob: 0.9, span: None }).collect(),
        });
        Decoded { texts: texts.collect(), mean_logprob: -0.1, cut_off: false }
    }

    fn window() -> Window {
        let mut w = Window::new(0);
        w.append(&vec![0.1; 16 * 2000], 1000, 300);
        w.append(&vec![0.1; 16 * 2000], 5000, 300);
        w
    }

    fn run(answers: Vec<Decoded>) -> Vec<(String, Vec<Mark>)> {
        let mut session = Session::open(&Script(answers), &AsrOptions::default()).unwrap();
        session.recognize(&[window()], None).unwrap().remove(0).into_iter().map(|u| (u.text(), u.marks)).collect()
    }

    #[test]
    fn a_good_first_attempt_is_taken() {
        let out = run(vec![decoded(&[(0, 2000, "您好。"), (2300, 4300, "请讲。")])]);
        assert_eq!(out, vec![("您好。".to_owned(), vec![]), ("请讲。".to_owned(), vec![])]);
    }

    #[test]
    fn a_loop_is_tried_again_with_a_beam() {
        let looping = decoded(&[(0, 2000, "好的好的好的好的好的"), (2300, 4300, "请讲。")]);
        let out = run(vec![looping, decoded(&[(0, 2000, "好的。"), (2300, 4300, "请讲。")])]);
        assert_eq!(out[0].0, "好的。");
        assert!(out.iter().all(|(_, marks)| marks.is_empty()));
    }

    #[test]
    fn a_hole_inside_a_segment_is_tried_again() {
        let holed = decoded(&[(0, 300, "好的"), (2300, 4300, "请讲。")]);
        let out = run(vec![holed, decoded(&[(0, 2000, "好的没问题，再见。"), (2300, 4300, "请讲。")])]);
        assert_eq!(out[0].0, "好的没问题，再见。");
    }

    #[test]
    fn a_prompt_that_comes_back_is_heard_again_without_it() {
        let options = AsrOptions {
            initial_prompt: "您好，请问有什么可以帮您？".to_owned(), ..AsrOptions::default()
        };
        let echo = decoded(&[(0, 2000, "您好，请问有什么可以帮您？"), (2300, 4300, "请讲。")]);
        let real = decoded(&[(0, 2000, "喂，哪位？"), (2300, 4300, "请讲。")]);
        let mut session = Session::open(&Script(vec![echo, real]), &options).unwrap();
        let heard = session.recognize(&[window()], None).unwrap().remove(0);
        assert_eq!(heard[0].text(), "喂，哪位？");
    }

    #[test]
    fn speech_without_text_is_retried_and_then_marked() {
        let half = decoded(&[(0, 2000, "您好。")]);
        let none = decoded(&[]);
        // greedy, beam, each alone (2), the missed piece again (greedy, beam)
        let out = run(vec![half.clone(), half.clone(), half, none.clone(), none.clone(), none]);
        assert_eq!(out[0].0, "您好。");
        assert_eq!(out[1], (String::new(), vec![Mark::Uncovered]));
    }
}
