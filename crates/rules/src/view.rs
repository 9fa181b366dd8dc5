//! A call as rules see it: normalised once, phrases and sounds looked up once.

use std::borrow::Cow;
use std::cell::{Cell, OnceCell, RefCell};
use std::ops::Range;
use std::rc::Rc;

use callsift_core::{CallMeta, ChannelLayout, Evidence, MatchKind, SpeakerRole, TimeSpan, Turn};
use callsift_text::{NormalizedText, Normalizer, Segmenter, SoundText};

use crate::phrases::{PhraseHit, PhraseIndex};
use crate::prefilter::Seen;
use crate::schema::Scope;

/// Facts of a call that rules may ask for, besides its turns.
#[derive(Debug, Clone, Default)]
pub struct CallFacts {
    /// The call's metadata.
    pub meta: CallMeta,
    /// How channels relate to speakers; `None` where it is not known.
    pub layout: Option<ChannelLayout>,
    /// Length of the recording in milliseconds; `None` where there is none.
    pub duration_ms: Option<i64>,
    /// True where the call may go on after what was heard of it: its recording breaks off.
    pub end_open: bool,
    /// Stretches of the recording that hold no sound because nothing was recorded there, in order.
    pub gaps: Vec<TimeSpan>,
}

/// Gaps shorter than this hide no phrase, in milliseconds.
const LEAST_GAP_MS: i64 = 500;

impl CallFacts {
    /// A metadata field by its name; `None` where it is absent or empty.
    pub fn field(&self, name: &str) -> Option<Cow<'_, str>> {
        if name == "duration_ms" {
            return self.duration_ms.map(|ms| Cow::Owned(ms.to_string()));
        }
        let meta = &self.meta;
        let value = match name {
            "call_id" => Some(meta.call_id.as_str()),
            "agent_id" => meta.agent_id.as_deref(),
            "agent_name" => meta.agent_name.as_deref(),
            "queue" => meta.queue.as_deref(),
            "direction" => Some(meta.direction.as_str()),
            "customer_id" => meta.customer_id.as_deref(),
            "date" => meta.date.as_deref(),
            "order" => meta.order.as_deref(),
            "layout" => self.layout.map(ChannelLayout::as_str),
            other => meta.extra.get(other).map(String::as_str),
        };
        value.map(str::trim).filter(|v| !v.is_empty()).map(Cow::Borrowed)
    }
}

/// One turn, prepared for matching.
pub struct TurnView<'a> {
    /// The turn itself.
    pub turn: &'a Turn,
    /// Matching form with the way back.
    pub norm: NormalizedText,
    text: String,
    spoken: usize,
    sounds: OnceCell<SoundText>,
    sounds_in_words: OnceCell<SoundText>,
    words: OnceCell<Vec<Range<usize>>>,
    hits: Vec<PhraseHit>,
    /// What regular expressions found, by their numbers: rules share expressions, and look at a turn more than once.
    matches: RefCell<Matches>,
}

/// Expressions that were tried on a turn, or lack words that they need: most find nothing, so those are bits.
struct Matches {
    in_vain: Vec<u64>,
    found: Vec<(u32, Rc<[Range<usize>]>)>,
}

impl<'a> TurnView<'a> {
    fn new(turn: &'a Turn, normalizer: &Normalizer, index: &PhraseIndex, seen: &mut Seen) -> Self {
        let norm = normalizer.normalize(&turn.text());
        let (text, spoken) = (norm.text(), turn.spoken_chars());
        let (sounds, sounds_in_words, words) = (OnceCell::new(), OnceCell::new(), OnceCell::new());
        let in_vain = index.prefilter.impossible(&text, seen);
        let matches = RefCell::new(Matches { in_vain, found: Vec::new() });
        let hits = Vec::new();
        let mut view = Self { turn, norm, text, spoken, sounds, sounds_in_words, words, hits, matches };
        view.hits = index.scan(&view);
        view
    }

    /// Matching form as text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// True where the words are what was said, as far as the turn's confidence tells: people's transcripts carry 1,
    /// speech models give wrong words .8 and more.
    pub fn is_certain(&self) -> bool {
        const CERTAIN: f64 = 0.95;
        self.turn.confidence >= CERTAIN
    }

    /// Characters that are spoken, as recognised.
    pub fn spoken_chars(&self) -> usize {
        self.spoken
    }

    /// Sounds of the matching form.
    pub fn sounds(&self) -> &SoundText {
        self.sounds.get_or_init(|| SoundText::new(self.norm.chars()))
    }

    /// Every phrase of the table that the turn holds, sorted by phrase and place.
    pub fn all_hits(&self) -> &[PhraseHit] {
        &self.hits
    }

    /// What the expression of a number finds in the matching form, `None` where nothing: found once, remembered.
    pub fn matches(&self, number: u32, find: impl FnOnce(&str) -> Vec<Range<usize>>) -> Option<Rc<[Range<usize>]>> {
        let (word, bit) = (number as usize / 64, 1u64 << (number % 64));
        let mut known = self.matches.borrow_mut();
        if known.in_vain.get(word).is_some_and(|w| w & bit != 0) {
            return None;
        }
        if let Some(found) = known.found.iter().find(|(n, _)| *n == number) {
            return Some(Rc::clone(&found.1));
        }
        let found = find(&self.text);
        if found.is_empty() {
            if known.in_vain.len() <= word {
                known.in_vain.resize(word + 1, 0);
            }
            known.in_vain[word] |= bit;
            return None;
        }
        let found: Rc<[Range<usize>]> = found.into();
        known.found.push((number, Rc::clone(&found)));
        Some(found)
    }

    /// True where an expression of a number can match, as far as is known: it was not tried in vain, its words are there.
    pub fn may_match(&self, number: u32) -> bool {
        let known = self.matches.borrow();
        known.in_vain.get(number as usize / 64).is_none_or(|bits| bits & (1u64 << (number % 64)) == 0)
    }

    /// Character at a byte of [`TurnView::text`].
    pub fn char_at(&self, byte: usize) -> usize {
        self.text.get(..byte).map_or(0, |before| before.chars().count())
    }

    /// True where the words of the dictionary explain what stands in the range: it is one word, or every character of it
    /// belongs to a word of two characters or more. Recognition errors leave single characters behind.
    pub fn is_plain_words(&self, range: &Range<usize>) -> bool {
        let inside = self.words().iter().filter(|w| w.start < range.end && range.start < w.end);
        range.len() > 1 && inside.into_iter().all(|w| w.len() > 1)
    }

    /// Words of the dictionary, none of which reaches over a punctuation mark of the original.
    fn words(&self) -> &[Range<usize>] {
        self.words.get_or_init(|| {
            let segmenter = Segmenter::default();
            let chars = self.norm.chars();
            let of = |clause: Range<usize>| {
                let text: String = chars[clause.clone()].iter().collect();
                let words = segmenter.ranges(&text).into_iter();
                words.map(|w| w.start + clause.start..w.end + clause.start).collect::<Vec<_>>()
            };
            self.clauses().into_iter().flat_map(of).collect()
        })
    }

    /// Sounds of the matching form, each character read as in its word.
    pub fn sounds_in_words(&self) -> &SoundText {
        self.sounds_in_words.get_or_init(|| SoundText::of_words(self.norm.chars(), self.words()))
    }

    /// True where a range begins or ends inside a word that it does not hold as a whole, so that what it seems to say is not
    /// said: 心寒 in 中心寒假, 气死 in 客气死了. A longer word around all of it leaves its sense (大骗子), but for a single
    /// character. So does a question of the form 火大不大 not say 火大. Each side is cut into words without the other, or
    /// a set phrase on one side (气死我了) would decide about both.
    pub fn cuts_words(&self, range: &Range<usize>) -> bool {
        let chars = self.norm.chars();
        let last = range.end.checked_sub(1).and_then(|i| chars.get(i));
        let asked = range.len() > 1 && chars.get(range.end) == Some(&'不') && chars.get(range.end + 1) == last;
        let clauses = self.clauses();
        let inside = |at: &usize| clauses.iter().find(|c| c.start <= *at && *at < c.end);
        let start = inside(&range.start).map_or(0, |c| c.start);
        let end = range.end.checked_sub(1).and_then(|at| inside(&at)).map_or(chars.len(), |c| c.end);
        asked || cut(chars, start..range.end, range.start, range) || cut(chars, range.start..end, range.end, range)
    }

    /// Ranges of normalised characters between punctuation marks of the original; the whole turn where there is none.
    pub fn clauses(&self) -> Vec<Range<usize>> {
        let mut clauses = Vec::new();
        let mut start = 0;
        let chars = &self.turn.chars;
        // The point of 5.03 and the comma of 1,200 end nothing.
        let is_digit = |i: Option<usize>| i.and_then(|i| chars.get(i)).is_some_and(|c| c.ch.is_ascii_digit());
        let in_number = |i: usize| is_digit(i.checked_sub(1)) && is_digit(Some(i + 1));
        for (i, c) in chars.iter().enumerate() {
            if "，。？！；、,.?!;".contains(c.ch) && !(matches!(c.ch, '.' | ',') && in_number(i)) {
                clauses.push(self.norm.from_original(start..i));
                start = i + 1;
            }
        }
        clauses.push(self.norm.from_original(start..self.turn.chars.len()));
        clauses.retain(|r| !r.is_empty());
        clauses
    }

    /// Evidence for a range of normalised characters.
    pub fn evidence(&self, range: Range<usize>, kind: MatchKind, cost: f64, condition: &str) -> Evidence {
        let original = self.norm.to_original(range);
        let chars = &self.turn.chars;
        let inside = &chars[original.start.min(chars.len())..original.end.min(chars.len())];
        let span = match (inside.first(), inside.last()) {
            (Some(first), Some(last)) => TimeSpan::new(first.span.start_ms, last.span.end_ms),
            _ => self.turn.span,
        };
        Evidence {
            turn: self.turn.index,
            role: self.turn.role,
            char_start: original.start as u32,
            char_end: original.end as u32,
            span,
            text: inside.iter().map(|c| c.ch).collect(),
            kind,
            cost,
            condition: condition.to_owned(),
        }
    }

    /// Evidence that is the whole turn.
    pub fn whole(&self, kind: MatchKind, cost: f64, condition: &str) -> Evidence {
        self.evidence(0..self.norm.chars().len(), kind, cost, condition)
    }

    /// Evidence that is a stretch of time before this turn, or all of it.
    pub fn measured(&self, span: TimeSpan, text: String, condition: &str) -> Evidence {
        let (turn, role) = (self.turn.index, self.turn.role);
        let kind = MatchKind::Measure;
        let condition = condition.to_owned();
        Evidence { turn, role, char_start: 0, char_end: 0, span, text, kind, cost: 0.0, condition }
    }
}

/// Whether a word of a stretch reaches over a place without holding all of a range.
fn cut(chars: &[char], stretch: Range<usize>, at: usize, range: &Range<usize>) -> bool {
    let text: String = chars.get(stretch.clone()).unwrap_or_default().iter().collect();
    let words = Segmenter::default().ranges(&text).into_iter();
    words.map(|w| w.start + stretch.start..w.end + stretch.start).any(|word| {
        let holds = word.start <= range.start && range.end <= word.end;
        // 真笨 says 笨, 翻滚 does not say 滚.
        let stressed = chars.get(word.start).is_some_and(|c| "真太很好最更".contains(*c)) && word.len() == 2;
        let around = holds && (range.len() > 1 || stressed);
        // 骗我 is said in 骗我们, too.
        let plural = word.end == at + 1 && chars.get(at) == Some(&'们');
        word.start < at && at < word.end && !around && !plural
    })
}

/// A call, prepared for all rules.
pub struct CallView<'a> {
    /// Facts besides the turns.
    pub facts: Rc<CallFacts>,
    /// Every turn, in order of time.
    pub turns: Vec<Rc<TurnView<'a>>>,
    /// All phrases of the rules.
    pub index: &'a PhraseIndex,
    /// From the first word to the last.
    pub span: TimeSpan,
    min_role_confidence: f64,
    /// Share of the chosen turns that may be unusable before what was not found there may still be there.
    max_skipped_share: f64,
    /// While set, turns of unsure role count as of any role: would the answer be another one?
    any_role: Cell<bool>,
    whole: OnceCell<Selection>,
    /// For each turn when it and all before it are over.
    over_ms: OnceCell<Vec<i64>>,
    /// While set, evaluations say in words what they saw and where in the rule they stand.
    traced: Cell<bool>,
}

impl<'a> CallView<'a> {
    /// Prepares the turns; roles less sure than `min_role_confidence` count as unknown.
    pub fn new(turns: &'a [Turn], facts: CallFacts, index: &'a PhraseIndex, min_role_confidence: f64) -> Self {
        let normalizer = Normalizer::matching();
        let mut seen = Seen::default();
        let view = |turn| Rc::new(TurnView::new(turn, &normalizer, index, &mut seen));
        let turns: Vec<_> = turns.iter().map(view).collect();
        Self::of(turns, Rc::new(facts), index, (min_role_confidence, f64::INFINITY))
    }

    fn of(
        turns: Vec<Rc<TurnView<'a>>>,
        facts: Rc<CallFacts>,
        index: &'a PhraseIndex,
        (min_role_confidence, max_skipped_share): (f64, f64),
    ) -> Self {
        let span = turns.iter().map(|t| t.turn.span).reduce(TimeSpan::union).unwrap_or_default();
        Self {
            facts,
            turns,
            index,
            span,
            min_role_confidence,
            max_skipped_share,
            any_role: Cell::new(false),
            whole: OnceCell::new(),
            over_ms: OnceCell::new(),
            traced: Cell::new(false),
        }
    }

    /// The call with another turn in the place of one; everything known of the others is shared.
    pub fn with_turn<'b>(&'b self, turn: &'b Turn) -> CallView<'b> {
        let mut turns: Vec<Rc<TurnView<'b>>> = self.turns.iter().map(Rc::clone).collect();
        if let Some(place) = turns.get_mut(turn.index as usize) {
            *place = Rc::new(TurnView::new(turn, &Normalizer::matching(), self.index, &mut Seen::default()));
        }
        CallView::of(turns, Rc::clone(&self.facts), self.index, (self.min_role_confidence, self.max_skipped_share))
    }

    /// Where more than this share of what is searched is unusable, nothing is said to be absent.
    #[must_use]
    pub fn with_skipped_share(self, max_skipped_share: f64) -> Self {
        Self { max_skipped_share, ..self }
    }

    /// Milliseconds of a span in which nothing was recorded, gaps that hide no phrase left out.
    pub fn gap_ms(&self, span: TimeSpan) -> i64 {
        let long = self.facts.gaps.iter().filter(|gap| gap.len_ms() >= LEAST_GAP_MS);
        long.map(|gap| gap.overlap_ms(span)).sum()
    }

    /// The role of a turn as far as it is sure.
    pub fn role(&self, turn: &Turn) -> SpeakerRole {
        if turn.role_confidence < self.min_role_confidence { SpeakerRole::Unknown } else { turn.role }
    }

    /// Runs with turns of unsure role counted as of any role.
    pub fn with_any_role<T>(&self, run: impl FnOnce() -> T) -> T {
        self.any_role.set(true);
        let out = run();
        self.any_role.set(false);
        out
    }

    /// Runs with words: for hits, whose evidence names its condition, for doubts, and for explanations. Most answers are
    /// "no", and wording them costs more than finding them.
    pub fn traced<T>(&self, run: impl FnOnce() -> T) -> T {
        let before = self.traced.replace(true);
        let out = run();
        self.traced.set(before);
        out
    }

    /// True inside [`CallView::traced`].
    pub fn is_traced(&self) -> bool {
        self.traced.get()
    }

    /// Words of an evaluation; empty unless traced.
    pub(crate) fn words(&self, words: std::fmt::Arguments<'_>) -> String {
        if self.traced.get() { words.to_string() } else { String::new() }
    }

    fn may_be(&self, turn: &Turn, role: SpeakerRole) -> bool {
        turn.role == role || self.any_role.get() && self.role(turn) == SpeakerRole::Unknown
    }

    /// Positions of the first `count` turns, latest first, as far back as one of them ends at `from_ms` or later: how near
    /// things are found without going through the whole call.
    pub fn back_to(&self, count: usize, from_ms: i64) -> impl Iterator<Item = usize> + '_ {
        let over_ms = self.over_ms.get_or_init(|| {
            let ends = self.turns.iter().map(|t| t.turn.span.end_ms);
            ends.scan(i64::MIN, |over, end| {
                *over = end.max(*over);
                Some(*over)
            })
            .collect()
        });
        (0..count.min(over_ms.len())).rev().take_while(move |i| over_ms[*i] >= from_ms)
    }

    /// Selects the turns of a scope, inside an outer selection.
    pub fn select(&self, scope: &Scope, within: &Selection) -> Selection {
        let role = scope.role.or(within.role);
        let near = scope.limits(self.span);
        let mut turns: Vec<usize> = within
            .candidates
            .iter()
            .copied()
            .filter(|i| role.is_none_or(|r| self.may_be(self.turns[*i].turn, r)))
            .filter(|i| {
                let at = self.turns[*i].turn.span;
                near.is_none_or(|n| at.start_ms < n.end_ms && at.end_ms > n.start_ms)
            })
            .collect();
        let full = scope.first_turns.as_ref().is_some_and(|n| turns.len() >= n.value);
        let stops = near.is_some_and(|n| n.end_ms < self.span.end_ms);
        let reaches_end = within.reaches_end && !full && !stops;
        if let Some(n) = &scope.first_turns {
            turns.truncate(n.value);
        }
        if let Some(n) = &scope.last_turns {
            turns.drain(..turns.len().saturating_sub(n.value));
        }
        let unsure = |i: &usize| self.role(self.turns[*i].turn) == SpeakerRole::Unknown;
        let role_unknown = role.is_some() && within.candidates.iter().any(unsure);
        let window = self.window(scope, &turns, near.unwrap_or(self.span), within);
        let unusable = |i: &&usize| self.turns[**i].turn.is_unusable();
        let length = |i: &usize| self.turns[*i].turn.span.len_ms();
        let skipped_ms: i64 = turns.iter().filter(unusable).map(length).sum();
        let skipped_share = skipped_ms as f64 / (turns.iter().map(length).sum::<i64>() as f64).max(1.0);
        let usable = turns.iter().copied().filter(|i| !self.turns[*i].turn.is_unusable()).collect();
        let unheard =
            self.facts.end_open && reaches_end || self.gap_ms(window) > 0 || skipped_share > self.max_skipped_share;
        let candidates = within.candidates.clone();
        Selection { role, candidates, turns: usable, skipped_ms, role_unknown, window, reaches_end, unheard }
    }

    /// What was searched, in time: the limits in milliseconds, narrowed to the chosen turns where turns are counted.
    fn window(&self, scope: &Scope, turns: &[usize], near: TimeSpan, within: &Selection) -> TimeSpan {
        let place = |i: Option<&usize>| i.map(|i| self.turns[*i].turn.span);
        let outer = if within.window.is_empty() { self.span } else { within.window };
        let start = match (&scope.last_turns, place(turns.first())) {
            (Some(_), Some(first)) => first.start_ms,
            _ => outer.start_ms.max(near.start_ms),
        };
        let end = match (&scope.first_turns, place(turns.last())) {
            (Some(_), Some(last)) => last.end_ms,
            _ => outer.end_ms.min(near.end_ms),
        };
        TimeSpan::new(start, end.max(start))
    }

    /// All turns of the call.
    pub fn everything(&self) -> Selection {
        self.whole.get_or_init(|| self.among((0..self.turns.len()).collect(), None, self.span, true)).clone()
    }

    /// A selection of just these turns, of one role or any, that covers a window; `reaches_end` where turns after the last of
    /// the call would belong to it.
    pub fn among(
        &self,
        candidates: Vec<usize>,
        role: Option<SpeakerRole>,
        window: TimeSpan,
        reaches_end: bool,
    ) -> Selection {
        let outer = Selection { role, candidates, window, reaches_end, ..Selection::default() };
        self.select(&Scope::default(), &outer)
    }
}

/// The turns that a condition looks at.
#[derive(Debug, Clone, Default)]
pub struct Selection {
    /// Whose turns; `None`: anyone's.
    pub role: Option<SpeakerRole>,
    /// Turns of the outer scope that a nested scope may choose from.
    pub candidates: Vec<usize>,
    /// Turns chosen, usable ones only, in order of time.
    pub turns: Vec<usize>,
    /// Milliseconds of chosen turns that may not be judged (marked as hallucination or loop).
    pub skipped_ms: i64,
    /// True where a role was asked for and some turn's role is not sure.
    pub role_unknown: bool,
    /// The stretch of the call that the scope covers.
    pub window: TimeSpan,
    /// True where turns after the last of the call would belong to it.
    pub reaches_end: bool,
    /// True where something that was not recorded or cannot be relied on would belong to it: what was not found may be there.
    pub unheard: bool,
}

impl Selection {
    /// The chosen turns.
    pub fn views<'c, 'a>(&'c self, call: &'c CallView<'a>) -> impl Iterator<Item = &'c TurnView<'a>> {
        self.turns.iter().map(|i| &*call.turns[*i])
    }
}
