//! Text to tokens: byte pair encoding as GPT-2 does it.

use std::collections::HashMap;
use std::sync::LazyLock;

use regex::Regex;

use super::Vocabulary;

/// GPT-2's pieces of text, but for white space before a word, which `pieces` sees to: no piece is merged with the
/// next.
#[allow(clippy::unwrap_used)] // a constant that the tests compile
static PIECE: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+").unwrap());

/// Writes texts as tokens of one vocabulary.
pub struct Encoder<'a> {
    ids: HashMap<&'a [u8], u32>,
}

impl<'a> Encoder<'a> {
    /// Takes up the tokens of a vocabulary. In whisper's vocabularies ids are in the order of merges.
    pub fn new(vocabulary: &'a Vocabulary) -> Self {
        let texts = vocabulary.tokens.iter().zip(0..).filter(|(bytes, _)| !bytes.is_empty());
        Self { ids: texts.map(|(bytes, id)| (bytes.as_slice(), id)).collect() }
    }

    /// Tokens of a text. Bytes that the vocabulary does not know are left out; whisper's know all.
    pub fn encode(&self, text: &str) -> Vec<u32> {
        pieces(text).flat_map(|piece| self.merge(piece.as_bytes())).collect()
    }

    /// Merges neighbours as long as two together are a token, the lowest id first, leftmost of equals.
    fn merge(&self, piece: &[u8]) -> Vec<u32> {
        if let Some(id) = self.ids.get(piece) {
            return vec![*id];
        }
        let mut ends: Vec<usize> = (0..=piece.len()).collect();
        loop {
            let pairs = ends.windows(3).enumerate();
            let known = pairs.filter_map(|(at, ends)| Some((*self.ids.get(&piece[ends[0]..ends[2]])?, at)));
            let Some((_, at)) = known.min() else { break };
            ends.remove(at + 1);
        }
        ends.windows(2).filter_map(|ends| self.ids.get(&piece[ends[0]..ends[1]]).copied()).collect()
    }
}

/// Pieces of a text. Of white space before something else the last character stays with what follows.
fn pieces(text: &str) -> impl Iterator<Item = &str> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let found = PIECE.find_at(text, at)?;
        let mut end = found.end();
        let last = found.as_str().chars().next_back().filter(|c| c.is_whitespace()).map_or(0, char::len_utf8);
        if last > 0 && end < text.len() && last < found.len() {
            end -= last;
        }
        at = end;
        Some(&text[found.start()..end])
    })
}

/// What OpenAI's tokenizer never lets whisper write: symbols of speakers, sounds and music.
const SYMBOLS: &str = "\" # ( ) * + / : ; < = > @ [ \\ ] ^ _ ` { | } ~ 「 」 『 』 \
    << >> <<< >>> -- --- -( -[ (' (\" (( )) ((( ))) [[ ]] {{ }} ♪♪ ♪♪♪";
/// All are of one block of Unicode, so that the first token of each stands for this block only.
const MUSIC: &str = "♩ ♪ ♫ ♬ ♭ ♮ ♯";

pub(super) fn non_speech(encoder: &Encoder) -> Vec<u32> {
    // Hyphens and apostrophes may stand within words, not before them.
    let mut found: Vec<u32> = [" -", " '"].iter().filter_map(|text| encoder.encode(text).first().copied()).collect();
    for (symbols, music) in [(SYMBOLS, false), (MUSIC, true)] {
        for symbol in symbols.split_whitespace() {
            for text in [symbol.to_owned(), format!(" {symbol}")] {
                let tokens = encoder.encode(&text);
                found.extend(tokens.first().filter(|_| tokens.len() == 1 || music));
            }
        }
    }
    found.sort_unstable();
    found.dedup();
    found
}
