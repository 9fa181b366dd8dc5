//! Traditional to simplified characters, keeping one character for one.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU8, Ordering};

use ferrous_opencc::OpenCC;
use ferrous_opencc::config::BuiltinConfig;

/// The converter is built once; its tables are inside the binary, so a failure would be a broken build of the crate:
/// text then passes through unchanged rather than ending a batch.
fn converter() -> Option<&'static OpenCC> {
    static CONVERTER: OnceLock<Option<OpenCC>> = OnceLock::new();
    CONVERTER.get_or_init(|| OpenCC::from_config(BuiltinConfig::T2s).ok()).as_ref()
}

/// Converts to simplified characters; the result has as many characters as the input, so offsets stay valid.
///
/// `OpenCC`'s phrase tables choose between readings (乾 → 干 or 乾). Where a phrase would change the length, each
/// character is converted alone.
pub fn to_simplified(text: &str) -> String {
    if text.is_ascii() {
        return text.to_owned();
    }
    let Some(converter) = converter() else { return text.to_owned() };
    // Phrases are chosen by their traditional characters; a text without any is simplified already.
    if !text.chars().any(|c| changes(converter, c)) {
        return text.to_owned();
    }
    let whole = converter.convert(text);
    if whole.chars().count() == text.chars().count() {
        return whole;
    }
    text.chars().map(|c| single(converter, c)).collect()
}

/// True where a character alone is converted. Found out once per character, because looking a text up in the phrase
/// tables costs more than all other normalisation.
fn changes(converter: &OpenCC, c: char) -> bool {
    const FIRST: u32 = 0x2e80;
    const COUNT: usize = 0xa000 - FIRST as usize;
    static KNOWN: [AtomicU8; COUNT] = [const { AtomicU8::new(0) }; COUNT];
    let Some(known) = (c as u32).checked_sub(FIRST).and_then(|i| KNOWN.get(i as usize)) else {
        return !c.is_ascii() && single(converter, c) != c;
    };
    match known.load(Ordering::Relaxed) {
        0 => {
            let changes = single(converter, c) != c;
            known.store(1 + u8::from(changes), Ordering::Relaxed);
            changes
        }
        answer => answer == 2,
    }
}

fn single(converter: &OpenCC, c: char) -> char {
    let mut buffer = [0; 4];
    let simple = converter.convert(c.encode_utf8(&mut buffer));
    let mut chars = simple.chars();
    match (chars.next(), chars.next()) {
        (Some(only), None) => only,
        _ => c,
    }
}

#[cfg(test)]
mod tests {
    use super::to_simplified;

    #[test]
    fn converts_and_keeps_length() {
        assert_eq!(to_simplified("您好，請問您要訂幾條煙？"), "您好，请问您要订几条烟？");
        for text in ["", "abc", "后天見", "乾杯乾隆", "麵條裡"] {
            assert_eq!(to_simplified(text).chars().count(), text.chars().count());
        }
    }
}
