//! A condition anchored to the places where another one holds.

use callsift_core::{Evidence, SpeakerRole, TimeSpan};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_saphyr::Spanned;

use super::{Condition, Eval, Truth, sort_evidence};
use crate::compile::Compiler;
use crate::sentences::said;
use crate::view::{CallView, Selection};

/// Looks before, after or around the places where `anchor` holds.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Near {
    /// What gives the places; looked for in the turns of `anchor_role`, or of the rule's scope.
    pub anchor: Box<Condition>,
    /// Whose turns the anchor is looked for in, chosen from the whole call.
    #[serde(default)]
    #[schemars(with = "Option<crate::schema::RoleName>")]
    pub anchor_role: Option<SpeakerRole>,
    /// On which side of the place to look.
    #[serde(rename = "where")]
    pub side: Side,
    /// Which places count: `any` (one is enough), `every` (all must hold), `first`, `last`, or a number from 1.
    #[serde(default)]
    pub hit: Which,
    /// Look at so many turns of `role` on that side; the place's own turn is only looked at with `same` and `around`.
    #[serde(default)]
    #[schemars(with = "Option<usize>")]
    pub turns: Option<Spanned<usize>>,
    /// Look at turns within so many milliseconds of the place.
    #[serde(default)]
    #[schemars(with = "Option<i64>")]
    pub ms: Option<Spanned<i64>>,
    /// Whose turns are looked at; anyone's where absent.
    #[serde(default)]
    #[schemars(with = "Option<crate::schema::RoleName>")]
    pub role: Option<SpeakerRole>,
    /// What is looked for there.
    pub condition: Box<Condition>,
}

/// Side of a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// Turns before the place.
    Before,
    /// Turns after the place.
    After,
    /// Turns on both sides and the place's own.
    Around,
    /// Only the place's own turn.
    Same,
}

/// Which places count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Which {
    /// By a word.
    Named(WhichName),
    /// The N-th, from 1.
    Number(usize),
    /// Any place.
    #[default]
    #[serde(skip)]
    Unset,
}

/// Which places count, by a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum WhichName {
    /// One of them is enough.
    Any,
    /// All of them must hold.
    Every,
    /// Only the first.
    First,
    /// Only the last.
    Last,
}

impl Near {
    pub(super) fn compile(&mut self, cx: &mut Compiler<'_>) {
        // Where anchors must all be answered, each asks something of somebody; where one is enough, it is part of the answer.
        let asks = !matches!(self.hit, Which::Unset | Which::Named(WhichName::Any));
        cx.accusing(cx.accuses || asks, |cx| self.anchor.compile(cx));
        self.condition.compile(cx);
        if let Some(turns) = &self.turns {
            cx.expect(turns.value > 0, &turns.referenced, "`turns` must be at least 1");
        }
        if let Some(ms) = &self.ms {
            cx.expect(ms.value > 0, &ms.referenced, "`ms` must be more than 0 milliseconds");
        }
        if self.hit == Which::Number(0) {
            cx.wrong_somewhere("`hit` counts from 1");
        }
    }

    pub(super) fn eval(&self, call: &CallView<'_>, on: &Selection, path: &str) -> Eval {
        let anchored = match self.anchor_role {
            Some(role) => call.among((0..call.turns.len()).collect(), Some(role), call.span, true),
            None => on.clone(),
        };
        let anchor = self.anchor.eval(call, &anchored, &call.words(format_args!("{path}.anchor")));
        if anchor.truth == Truth::Unknown {
            return Eval { parts: vec![anchor], ..Eval::unknown(path, said!(NO_PLACE)) };
        }
        let places: Vec<Evidence> = self.chosen(anchor.evidence.clone());
        if places.is_empty() {
            let note = said!(PLACE_MISSING).to_string();
            let open = anchored.unheard;
            return Eval { parts: vec![anchor], open, ..Eval::new(path, Truth::No, Vec::new(), note) };
        }
        let mut tried = Vec::new();
        for place in places {
            let selection = self.beside(call, &place);
            let inside = self.condition.eval(call, &selection, &call.words(format_args!("{path}.condition")));
            tried.push((place, selection, inside));
        }
        let eval = self.answer(call, anchor, tried, path);
        Eval { open: self.is_open(anchored.unheard, &eval), ..eval }
    }

    /// More places may come where the anchor was looked for, and more may be said beside each.
    fn is_open(&self, more_places: bool, eval: &Eval) -> bool {
        let inside = eval.parts.iter().skip(1).filter(|p| p.truth == eval.truth);
        let (mut any, mut all) = (false, true);
        inside.for_each(|p| (any, all) = (any | p.open, all & p.open));
        match (self.hit, eval.truth) {
            (Which::Named(WhichName::Every), Truth::No) | (Which::Named(WhichName::Any) | Which::Unset, Truth::Yes) => {
                all
            }
            (Which::Named(WhichName::First) | Which::Number(_), _) => any,
            _ => more_places || any,
        }
    }

    fn chosen(&self, mut places: Vec<Evidence>) -> Vec<Evidence> {
        sort_evidence(&mut places);
        match self.hit {
            Which::Named(WhichName::First) => places.truncate(1),
            Which::Named(WhichName::Last) => {
                places.drain(..places.len().saturating_sub(1));
            }
            Which::Number(n) => places = places.into_iter().skip(n.saturating_sub(1)).take(1).collect(),
            Which::Named(WhichName::Any | WhichName::Every) | Which::Unset => {}
        }
        places
    }

    /// The turns beside a place.
    fn beside(&self, call: &CallView<'_>, place: &Evidence) -> Selection {
        let own = place.turn as usize;
        let chosen: Vec<usize> = match self.side {
            Side::Before => self.before(call, place),
            Side::After => self.after(call, place).collect(),
            Side::Around => self.before(call, place).into_iter().chain([own]).chain(self.after(call, place)).collect(),
            Side::Same => vec![own],
        };
        let spans = chosen.iter().filter_map(|i| call.turns.get(*i)).map(|t| t.turn.span);
        let window = spans.reduce(TimeSpan::union).unwrap_or(place.span);
        let full = chosen.iter().filter(|i| **i > own).count() >= self.most();
        let late = self.ms.as_ref().is_some_and(|ms| place.span.end_ms.saturating_add(ms.value) < call.span.end_ms);
        let reaches_end = matches!(self.side, Side::After | Side::Around) && !full && !late;
        let mut selection = call.among(chosen, self.role, window, reaches_end);
        // What was not recorded between the place and the turns beside it may have been one of them.
        let before = TimeSpan::new(window.start_ms, place.span.start_ms);
        let after = TimeSpan::new(place.span.end_ms, window.end_ms);
        selection.unheard |= self.side != Side::Same && call.gap_ms(before) + call.gap_ms(after) > 0;
        selection.unheard |= self.side == Side::After && self.answer_lost(call, own);
        selection
    }

    /// The speaker goes on after a pause in which nobody was heard: an answer of one syllable may have been too short
    /// for the recogniser, which loses every third one under half a second (`tests/spoken`).
    fn answer_lost(&self, call: &CallView<'_>, own: usize) -> bool {
        const PAUSE_MS: i64 = 500;
        let [Some(asks), Some(next)] = [own, own + 1].map(|i| call.turns.get(i)) else { return false };
        let goes_on = next.turn.role == asks.turn.role && self.role.is_some_and(|role| role != asks.turn.role);
        goes_on && !asks.is_certain() && next.turn.span.start_ms - asks.turn.span.end_ms >= PAUSE_MS
    }

    fn before(&self, call: &CallView<'_>, place: &Evidence) -> Vec<usize> {
        let from_ms = self.ms.as_ref().map_or(i64::MIN, |ms| place.span.start_ms.saturating_sub(ms.value));
        let near = call.back_to(place.turn as usize, from_ms);
        let near = near.filter(|i| self.is_theirs(call, *i) && call.turns[*i].turn.span.end_ms >= from_ms);
        let mut turns: Vec<usize> = near.take(self.most()).collect();
        turns.reverse();
        turns
    }

    fn after<'n>(&'n self, call: &'n CallView<'_>, place: &Evidence) -> impl Iterator<Item = usize> + 'n {
        let until_ms = self.ms.as_ref().map_or(i64::MAX, |ms| place.span.end_ms.saturating_add(ms.value));
        let near = (place.turn as usize + 1..call.turns.len())
            .take_while(move |i| call.turns[*i].turn.span.start_ms <= until_ms);
        near.filter(|i| self.is_theirs(call, *i)).take(self.most())
    }

    fn is_theirs(&self, call: &CallView<'_>, turn: usize) -> bool {
        self.role.is_none_or(|role| call.turns[turn].turn.role == role)
    }

    fn most(&self) -> usize {
        self.turns.as_ref().map_or(usize::MAX, |turns| turns.value)
    }

    fn answer(&self, call: &CallView<'_>, anchor: Eval, tried: Vec<(Evidence, Selection, Eval)>, path: &str) -> Eval {
        let every = self.hit == Which::Named(WhichName::Every);
        let count = |truth| tried.iter().filter(|(.., eval)| eval.truth == truth).count();
        let (yes, no, total) = (count(Truth::Yes), count(Truth::No), tried.len());
        let truth = match (every, yes, no) {
            (true, _, 1..) => Truth::No,
            (true, yes, _) if yes == total => Truth::Yes,
            (false, 1.., _) => Truth::Yes,
            (false, _, no) if no == total => Truth::No,
            _ => Truth::Unknown,
        };
        let note = call.words(said!(NEAR, total, yes));
        let mut evidence = Vec::new();
        if truth == Truth::Yes {
            for (place, _, inside) in tried.iter().filter(|(.., eval)| eval.truth == Truth::Yes) {
                evidence.push(place.clone());
                evidence.extend(inside.evidence.iter().filter(|e| *e != place).cloned());
            }
            evidence.dedup();
            sort_evidence(&mut evidence);
        }
        let failed = tried.iter().find(|(.., eval)| eval.truth == Truth::No);
        let searched = failed.filter(|_| truth == Truth::No).map(|(_, selection, _)| selection.clone());
        let parts = [anchor].into_iter().chain(tried.into_iter().map(|(.., eval)| eval)).collect();
        Eval { parts, searched, ..Eval::new(path, truth, evidence, note) }
    }
}
