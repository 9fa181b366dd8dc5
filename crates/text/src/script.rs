//! Traditional to simplified characters, keeping one character for one.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU8, Ordering};

use ferrous_opencc::OpenCC;
use ferrous_opencc::config::BuiltinConfig;

/// Converters of `OpenCC`: the common traditional characters, then what only Taiwan (著 for 着) or Hong Kong (衞, 枱) writes,
/// each with phrases that decide between characters. Built once; their tables are inside the binary, so a failure would be a
/// broken build of the crate: text then passes through unchanged rather than ending a batch.
struct Converter(Vec<OpenCC>);

fn converter() -> &'static Converter {
    static CONVERTER: OnceLock<Converter> = OnceLock::new();
    CONVERTER.get_or_init(|| {
        let kinds = [BuiltinConfig::T2s, BuiltinConfig::Tw2s, BuiltinConfig::Hk2s];
        Converter(kinds.into_iter().filter_map(|kind| OpenCC::from_config(kind).ok()).collect())
    })
}

impl Converter {
    /// Each character as the first converter has it that changes it.
    fn convert(&self, text: &str) -> Vec<char> {
        let original: Vec<char> = text.chars().collect();
        let mut out = original.clone();
        for one in &self.0 {
            for ((now, was), new) in out.iter_mut().zip(&original).zip(same_length(one, text)) {
                // Taiwan reads the simplified 么 as a form of 幺.
                if now == was && *was != '么' {
                    *now = new;
                }
            }
        }
        out.into_iter().map(rare_variant).collect()
    }
}

/// Variants that the converters leave as they are.
fn rare_variant(c: char) -> char {
    match c {
        '妳' | '祢' => '你',
        '牠' | '祂' => '它',
        '姊' => '姐',
        '鬭' => '斗',
        '汚' => '污',
        '隣' => '邻',
        '讃' => '赞',
        '痺' => '痹',
        _ => c,
    }
}

/// Converts to simplified characters; the result has as many characters as the input, so offsets stay valid.
///
/// `OpenCC`'s phrase tables choose between readings (乾 → 干 or 乾). Where a phrase would change the length, each
/// character is converted alone.
pub fn to_simplified(text: &str) -> String {
    if text.is_ascii() {
        return text.to_owned();
    }
    let converter = converter();
    // Phrases are chosen by their traditional characters; a text without any is simplified already.
    if !text.chars().any(|c| changes(converter, c)) {
        return text.to_owned();
    }
    converter.convert(text).into_iter().collect()
}

fn same_length(one: &OpenCC, text: &str) -> Vec<char> {
    let whole: Vec<char> = one.convert(text).chars().collect();
    if whole.len() == text.chars().count() { whole } else { text.chars().map(|c| single(one, c)).collect() }
}

/// True where a character alone is converted. Found out once per character, because looking a text up in the phrase
/// tables costs more than all other normalisation.
fn changes(converter: &Converter, c: char) -> bool {
    const FIRST: u32 = 0x2e80;
    const COUNT: usize = 0xa000 - FIRST as usize;
    static KNOWN: [AtomicU8; COUNT] = [const { AtomicU8::new(0) }; COUNT];
    let Some(known) = (c as u32).checked_sub(FIRST).and_then(|i| KNOWN.get(i as usize)) else {
        return !c.is_ascii() && converter.convert(c.encode_utf8(&mut [0; 4])) != [c];
    };
    match known.load(Ordering::Relaxed) {
        0 => {
            let changes = converter.convert(c.encode_utf8(&mut [0; 4])) != [c];
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
        // Taiwan, Hong Kong, variants of either.
        for (text, simple) in [
            ("請稍等，我看著您的訂單", "请稍等，我看着您的订单"),
            ("這裏是綫路客服，衞生部", "这里是线路客服，卫生部"),
            ("妳們爲什麽喫了我的麪", "你们为什么吃了我的面"),
            ("櫃枱啓動，羣組，祕密", "柜台启动，群组，秘密"),
            ("著名的著作", "著名的著作"),
            ("怎么办，什么时候，那么多", "怎么办，什么时候，那么多"),
        ] {
            assert_eq!(to_simplified(text), simple);
        }
        for text in ["", "abc", "后天見", "乾杯乾隆", "麵條裡"] {
            assert_eq!(to_simplified(text).chars().count(), text.chars().count());
        }
    }
}
