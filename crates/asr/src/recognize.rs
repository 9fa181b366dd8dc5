//! The shared way from a window to utterances: attempts, coverage, marks. The same for every backend.

use callsift_core::{Mark, Utterance};

use crate::decode::{DecodeEffort, Decoded, Decoder};
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
}

impl Session {
    /// Opens a session.
    ///
    /// # Errors
    /// No memory for another state.
    pub fn open(recognizer: &dyn Recognizer, options: &AsrOptions) -> Result<Self, AsrError> {
        Ok(Self { decoder: recognizer.decoder()?, options: options.clone() })
    }

    /// Recognises a window. The result depends on nothing but the window, the model and the options: every attempt
    /// runs at temperature 0, so that it does not matter which thread took the window, or what it had before.
    ///
    /// # Errors
    /// The backend failed.
    pub fn recognize(&mut self, window: &Window, queue: Option<&str>) -> Result<Vec<Utterance>, AsrError> {
        let prompt = self.options.prompt(queue).to_owned();
        let mut utterances = self.attempts(window, &prompt)?;
        // Over sound without words the prompt comes back as if somebody had said it. Without a prompt nothing can echo: what
        // is still heard then was said.
        if utterances.iter().any(|u| callsift_text::is_echo(&u.text(), &prompt)) {
            utterances = self.attempts(window, "")?;
        }
        let missed = self.missed(window, &utterances);
        if !missed.is_empty() && missed.len() < window.pieces.len() {
            let rest = window.subset(&missed, self.options.gap_ms);
            utterances.extend(self.attempts(&rest, &prompt)?);
        }
        for index in self.missed(window, &utterances) {
            utterances.push(uncovered(window, index));
        }
        utterances.sort_by_key(|u| (u.span.start_ms, u.span.end_ms));
        Ok(utterances)
    }

    /// Greedy first; where the result looks wrong, beam search over the full context; where that looks wrong too,
    /// each segment alone. The best by marks, then by probability, is kept.
    fn attempts(&mut self, window: &Window, prompt: &str) -> Result<Vec<Utterance>, AsrError> {
        let first = self.attempt(window, prompt, DecodeEffort::Greedy)?;
        if first.trouble == 0 {
            return Ok(first.utterances);
        }
        let second = self.attempt(window, prompt, DecodeEffort::Beam)?;
        let best = if second.better_than(&first) { second } else { first };
        if best.trouble == 0 || window.pieces.len() == 1 {
            return Ok(best.utterances);
        }
        let mut alone = Attempt::default();
        for index in 0..window.pieces.len() {
            let single = self.attempt(&window.subset(&[index], 0), prompt, DecodeEffort::Greedy)?;
            alone.add(single);
        }
        Ok(if alone.better_than(&best) { alone.utterances } else { best.utterances })
    }

    fn attempt(&mut self, window: &Window, prompt: &str, effort: DecodeEffort) -> Result<Attempt, AsrError> {
        let decoded = self.decoder.decode(&window.samples, prompt, effort)?;
        Ok(self.judge(window, &decoded))
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
        let trouble = marked + missed + holes + usize::from(decoded.cut_off) + overall.len();
        Attempt { utterances, trouble, logprob: f64::from(decoded.mean_logprob) }
    }

    /// Pieces long enough to hold words that got none.
    fn missed(&self, window: &Window, utterances: &[Utterance]) -> Vec<usize> {
        let has_text = |i: usize| utterances.iter().any(|u| u.span.overlap_ms(window.pieces[i].source()) > 0);
        (0..window.pieces.len())
            .filter(|i| window.pieces[*i].window.len_ms() >= self.options.min_uncovered_ms && !has_text(*i))
            .collect()
    }
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

/// One attempt's result and how much is wrong with it.
#[derive(Default)]
struct Attempt {
    utterances: Vec<Utterance>,
    trouble: usize,
    logprob: f64,
}

impl Attempt {
    fn better_than(&self, other: &Self) -> bool {
        (self.trouble, -self.logprob) < (other.trouble, -other.logprob)
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
    use crate::decode::{DecodeEffort, Decoded, DecodedText, Decoder};
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
        fn decode(&mut self, _: &[f32], _: &str, _: DecodeEffort) -> Result<Decoded, AsrError> {
            self.0.pop_front().ok_or_else(|| AsrError::Decode("script ended".to_owned()))
        }
    }

    fn decoded(texts: &[(i64, i64, &str)]) -> Decoded {
        let texts = texts.iter().map(|(a, b, t)| DecodedText {
            start_ms: *a,
            end_ms: *b,
            chars: t.chars().map(|c| (c, 0.9)).collect(),
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
        session.recognize(&window(), None).unwrap().into_iter().map(|u| (u.text(), u.marks)).collect()
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
        let heard = session.recognize(&window(), None).unwrap();
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
