//! GPT-2's letters for bytes: each byte of a token is one printable character in `vocab.json` and `tokenizer.json`.

/// The character of a byte: itself where Latin-1 prints it, else one from U+0100 on, in the order of bytes.
pub(super) fn letter(byte: u8) -> char {
    if prints(byte) {
        return char::from(byte);
    }
    let before = (0..byte).filter(|other| !prints(*other)).count() as u32;
    char::from_u32(0x100 + before).unwrap_or(char::REPLACEMENT_CHARACTER)
}

fn prints(byte: u8) -> bool {
    matches!(byte, b'!'..=b'~' | 0xA1..=0xAC | 0xAE..=0xFF)
}

/// Bytes written as letters.
pub(super) fn written(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| letter(*byte)).collect()
}

/// Letters read as bytes; `None` where a character is not one of the 256.
pub(super) fn read(letters: &str) -> Option<Vec<u8>> {
    letters.chars().map(byte).collect()
}

fn byte(letter: char) -> Option<u8> {
    match u32::from(letter) {
        code @ 0..=0xFF => u8::try_from(code).ok().filter(|byte| prints(*byte)),
        // Those that do not print: 0 to 32, 127 to 160, and 173.
        code @ 0x100..=0x120 => u8::try_from(code - 0x100).ok(),
        code @ 0x121..=0x142 => u8::try_from(code - 0x121 + 127).ok(),
        0x143 => Some(0xAD),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_has_its_letter() {
        let all: Vec<u8> = (0..=255).collect();
        assert_eq!(read(&written(&all)), Some(all));
        // As GPT-2's vocabulary writes a space, a line end and the first byte of most Chinese characters.
        assert_eq!((letter(b' '), letter(b'\n'), letter(0xE4), letter(0xAD)), ('Ġ', 'Ċ', 'ä', 'Ń'));
        assert_eq!((read("Ġa"), read("字"), read(" ")), (Some(b" a".to_vec()), None, None));
    }
}
