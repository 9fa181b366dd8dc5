//! A call as rules see it: normalised once, sounds looked up once.

use std::cell::OnceCell;

use callsift_core::{ChannelLayout, Direction, Evidence, MatchKind, SpeakerRole, TimeSpan, Turn};
use callsift_text::{NormalizedText, Normalizer, SoundText};

use crate::schema::Scope;

/// Facts of a call that rules may ask for, besides its turns.
#[derive(Debug, Clone, Default)]
pub struct CallFacts {
    /// Who called whom.
    pub direction: Direction,
    /// Queue of the call.
    pub queue: Option<String>,
    /// How channels relate to speakers; `None` for calls transcribed elsewhere.
    pub layout: Option<ChannelLayout>,
}

/// One turn, prepared for matching.
pub struct TurnView<'a> {
    /// The turn itself.
    pub turn: &'a Turn,
    /// Matching form with the way back.
    pub norm: NormalizedText,
    sounds: OnceCell<SoundText>,
}

impl<'a> TurnView<'a> {
    fn new(turn: &'a Turn, normalizer: &Normalizer) -> Self {
        Self { turn, norm: normalizer.normalize(&turn.text()), sounds: OnceCell::new() }
    }

    /// Sounds of the matching form.
    pub fn sounds(&self) -> &SoundText {
        self.sounds.get_or_init(|| SoundText::new(self.norm.chars()))
    }

    /// Evidence for a range of normalised characters.
    pub fn evidence(&self, range: std::ops::Range<usize>, kind: MatchKind, cost: f64, condition: &str) -> Evidence {
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
}

/// A call, prepared for all rules.
pub struct CallView<'a> {
    /// Facts besides the turns.
    pub facts: CallFacts,
    /// Every turn, in order of time.
    pub turns: Vec<TurnView<'a>>,
    min_role_confidence: f64,
}

impl<'a> CallView<'a> {
    /// Prepares the turns; roles less sure than `min_role_confidence` count as unknown.
    pub fn new(turns: &'a [Turn], facts: CallFacts, min_role_confidence: f64) -> Self {
        let normalizer = Normalizer::matching();
        let turns = turns.iter().map(|turn| TurnView::new(turn, &normalizer)).collect();
        Self { facts, turns, min_role_confidence }
    }

    /// From the first word to the last.
    pub fn span(&self) -> TimeSpan {
        let all = self.turns.iter().map(|t| t.turn.span);
        all.reduce(TimeSpan::union).unwrap_or_default()
    }

    /// The role of a turn as far as it is sure.
    pub fn role(&self, turn: &Turn) -> SpeakerRole {
        if turn.role_confidence < self.min_role_confidence { SpeakerRole::Unknown } else { turn.role }
    }

    /// Selects the turns of a scope, inside an outer selection.
    pub fn select(&self, scope: &Scope, within: &Selection) -> Selection {
        let role = scope.role.map_or(within.role, |r| Some(r.into()));
        let span = self.span();
        let mut turns: Vec<usize> = within
            .candidates
            .iter()
            .copied()
            .filter(|i| role.is_none_or(|r| self.turns[*i].turn.role == r))
            .filter(|i| {
                let at = self.turns[*i].turn.span;
                scope.first_ms.as_ref().is_none_or(|ms| at.start_ms < span.start_ms + ms.value)
                    && scope.last_ms.as_ref().is_none_or(|ms| at.end_ms > span.end_ms - ms.value)
            })
            .collect();
        if let Some(n) = &scope.first_turns {
            turns.truncate(n.value);
        }
        if let Some(n) = &scope.last_turns {
            turns.drain(..turns.len().saturating_sub(n.value));
        }
        let role_unknown =
            role.is_some() && within.candidates.iter().any(|i| self.role(self.turns[*i].turn) == SpeakerRole::Unknown);
        let window = self.window(scope, &turns, span);
        let turns = turns.into_iter().collect::<Vec<_>>();
        let skipped_ms =
            turns.iter().map(|i| self.turns[*i].turn).filter(|t| t.is_unusable()).map(|t| t.span.len_ms()).sum();
        let usable = turns.iter().copied().filter(|i| !self.turns[*i].turn.is_unusable()).collect();
        Selection { role, candidates: within.candidates.clone(), turns: usable, skipped_ms, role_unknown, window }
    }

    fn window(&self, scope: &Scope, turns: &[usize], call: TimeSpan) -> TimeSpan {
        let start = match (&scope.last_ms, &scope.last_turns) {
            (Some(ms), _) => (call.end_ms - ms.value).max(call.start_ms),
            (None, Some(_)) => turns.first().map_or(call.start_ms, |i| self.turns[*i].turn.span.start_ms),
            (None, None) => call.start_ms,
        };
        let end = match (&scope.first_ms, &scope.first_turns) {
            (Some(ms), _) => (call.start_ms + ms.value).min(call.end_ms),
            (None, Some(_)) => turns.last().map_or(call.end_ms, |i| self.turns[*i].turn.span.end_ms),
            (None, None) => call.end_ms,
        };
        TimeSpan::new(start, end)
    }

    /// All turns of the call.
    pub fn everything(&self) -> Selection {
        let outer = Selection { candidates: (0..self.turns.len()).collect(), ..Selection::default() };
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
}
