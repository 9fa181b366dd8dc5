//! Traditional to simplified characters, keeping one character for one.

use std::sync::OnceLock;

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
    let whole = converter.convert(text);
    if whole.chars().count() == text.chars().count() {
        return whole;
    }
    text.chars().map(|c| single(converter, c)).collect()
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
