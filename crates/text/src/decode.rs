//! Text of files as editors, spreadsheets and other systems save them.

use std::borrow::Cow;

use encoding_rs::{Encoding, GB18030, UTF_8, UTF_16BE, UTF_16LE};

/// Characters beyond ASCII that have to be sound UTF-8 before a bad byte, for the file to be damaged UTF-8 and not another encoding.
const PROOF: usize = 3;

/// Text of a file, and what it was written in.
#[derive(Debug, PartialEq, Eq)]
pub struct Decoded<'a> {
    /// The text, without a byte order mark.
    pub text: Cow<'a, str>,
    /// `UTF-8`, `UTF-16LE`, `UTF-16BE` or `gb18030`.
    pub encoding: &'static str,
    /// Bytes could not be read and stand as U+FFFD.
    pub damaged: bool,
}

/// UTF-16 with or without a byte order mark: half of the bytes of anything but pure Chinese prose are NUL.
pub fn utf16(bytes: &[u8]) -> Option<&'static Encoding> {
    if let Some((encoding, _)) = Encoding::for_bom(bytes) {
        return (encoding != UTF_8).then_some(encoding);
    }
    let head = &bytes[..bytes.len().min(1024)];
    let nuls = |odd: usize| head.iter().skip(odd).step_by(2).filter(|b| **b == 0).count();
    let many = head.len() / 8;
    match (nuls(0) > many, nuls(1) > many) {
        (false, true) => Some(UTF_16LE),
        (true, false) => Some(UTF_16BE),
        _ => None,
    }
}

/// Decodes UTF-8, UTF-16 and GB18030 (and with it GBK and GB2312); `None` where it is none of them.
pub fn decode(bytes: &[u8]) -> Option<Decoded<'_>> {
    if let Some(encoding) = utf16(bytes) {
        let (text, _, damaged) = encoding.decode(bytes);
        return Some(Decoded { text, encoding: encoding.name(), damaged });
    }
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let sound = match std::str::from_utf8(bytes) {
        Ok(text) => return Some(Decoded { text: text.into(), encoding: UTF_8.name(), damaged: false }),
        Err(e) => String::from_utf8_lossy(&bytes[..e.valid_up_to()]),
    };
    if sound.chars().filter(|c| !c.is_ascii()).count() >= PROOF {
        return Some(Decoded { text: String::from_utf8_lossy(bytes), encoding: UTF_8.name(), damaged: true });
    }
    let text = GB18030.decode_without_bom_handling_and_without_replacement(bytes)?;
    Some(Decoded { text, encoding: GB18030.name(), damaged: false })
}

#[cfg(test)]
mod tests {
    use encoding_rs::GBK;

    use super::decode;

    #[test]
    fn what_windows_saves_is_read() {
        let text = "录音,工号\r\nk1.wav,3021\r\n";
        let units = || text.encode_utf16();
        let with = |bom: &[u8], bytes: Vec<u8>| [bom.to_vec(), bytes].concat();
        let le: Vec<u8> = units().flat_map(u16::to_le_bytes).collect();
        let be: Vec<u8> = units().flat_map(u16::to_be_bytes).collect();
        for (bytes, encoding) in [
            (text.as_bytes().to_vec(), "UTF-8"),
            (with(b"\xef\xbb\xbf", text.as_bytes().to_vec()), "UTF-8"),
            (GBK.encode(text).0.into_owned(), "gb18030"),
            (with(b"\xff\xfe", le.clone()), "UTF-16LE"),
            (with(b"\xfe\xff", be.clone()), "UTF-16BE"),
            (le, "UTF-16LE"),
            (be, "UTF-16BE"),
        ] {
            let decoded = decode(&bytes).unwrap();
            assert_eq!((decoded.text.as_ref(), decoded.encoding, decoded.damaged), (text, encoding, false));
        }
    }

    #[test]
    fn damaged_text_is_said_and_what_is_none_is_none() {
        let mut bytes = "录音文件,k1.wav".as_bytes().to_vec();
        bytes.insert(12, 0xff);
        let decoded = decode(&bytes).unwrap();
        assert!(decoded.damaged && decoded.encoding == "UTF-8" && decoded.text.contains("\u{fffd},k1.wav"));
        assert_eq!(decode(b"file,\xff\xff\xff"), None);
    }
}
