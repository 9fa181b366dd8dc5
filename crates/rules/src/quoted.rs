//! Words that an agent only repeats: a customer complains of what was said to him, the agent names it and condemns it.

use std::sync::LazyLock;

use callsift_core::{Evidence, MatchKind, SpeakerRole};
use callsift_text::{SoundText, phrase_within};
use regex::Regex;

use crate::view::CallView;

/// How people speak of words that should not have been said.
static CONDEMNED: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(CONDEMNATION).ok());
const CONDEMNATION: &str = "抱歉|对不起|道歉|赔不是|不好意思|不(应该|应当|该|对|可以|允许)|太(不)?(过分|该|尊重)|(这|那)(种|样的|样)?话\
                         |禁语|禁用语|(严肃|一定|会)处理|(批评|教育|核实)";

/// Mean cost per syllable up to which both said the same: either may have been misheard.
const SAME_WORDS: f64 = 0.3;

/// Persons of a sentence: 骂我 becomes 骂您 where it is repeated.
const PERSONS: &str = "我你您他她们咱";

/// True where an agent's words are the customer's own, said before in the call, in a turn that condemns them.
pub(crate) fn is_quoted(call: &CallView<'_>, evidence: &Evidence) -> bool {
    let by_words = matches!(evidence.kind, MatchKind::Exact | MatchKind::Sound | MatchKind::Pattern);
    let Some(view) = call.turns.get(evidence.turn as usize).filter(|_| by_words) else { return false };
    if evidence.role != SpeakerRole::Agent || !condemns(view.text()) {
        return false;
    }
    let place = view.norm.from_original(evidence.char_start as usize..evidence.char_end as usize);
    let words: Vec<char> = view.norm.chars().get(place).unwrap_or_default().to_vec();
    let words: Vec<char> = words.into_iter().filter(|c| !PERSONS.contains(*c)).collect();
    let sounds = SoundText::new(&words);
    let before = call.turns.iter().take_while(|t| t.turn.index < evidence.turn);
    let mut theirs = before.filter(|t| t.turn.role == SpeakerRole::Customer && !t.turn.is_unusable());
    !words.is_empty() && theirs.any(|t| phrase_within(t.sounds(), &sounds, SAME_WORDS).is_some())
}

fn condemns(text: &str) -> bool {
    CONDEMNED.as_ref().is_some_and(|regex| regex.is_match(text))
}
