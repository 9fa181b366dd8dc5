//! Text of files as editors and spreadsheets save them.

use std::borrow::Cow;

use encoding_rs::{Encoding, GB18030, UTF_8};

/// Text of a file in UTF-8, in UTF-16 with byte order mark, or in GBK (read as its superset GB 18030); `None` where it is none
/// of them. The byte order mark is left out.
pub fn decode(bytes: &[u8]) -> Option<Cow<'_, str>> {
    let (encoding, mark) = Encoding::for_bom(bytes).unwrap_or((UTF_8, 0));
    let body = bytes.get(mark..)?;
    let whole = encoding.decode_without_bom_handling_and_without_replacement(body);
    let has_mark = mark > 0;
    whole.or_else(|| GB18030.decode_without_bom_handling_and_without_replacement(body).filter(|_| !has_mark))
}

#[cfg(test)]
mod tests {
    use super::decode;

    #[test]
    fn the_encodings_of_chinese_spreadsheets() {
        let utf16: Vec<u8> = "\u{feff}工号\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
        let big: Vec<u8> = "\u{feff}工号\n".encode_utf16().flat_map(u16::to_be_bytes).collect();
        for bytes in ["工号\n".as_bytes(), "\u{feff}工号\n".as_bytes(), b"\xb9\xa4\xba\xc5\n", &utf16, &big] {
            assert_eq!(decode(bytes).unwrap(), "工号\n", "{bytes:?}");
        }
        assert_eq!(decode(b"\xff\xff\x00\x80"), None);
    }
}
