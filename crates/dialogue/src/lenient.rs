//! JSON as other programs write it, made such that a strict reader takes it, where what is meant is plain.

/// `NaN`, `Infinity` and `-Infinity` outside texts become `null`; halves of surrogate pairs (`\ud83d` alone) become U+FFFD, as
/// any decoder would have them; raw control characters in texts become their escapes. `None` where there is nothing to mend.
pub fn mended(json: &str) -> Option<String> {
    let (mut out, mut rest) = (String::with_capacity(json.len()), json);
    let (mut inside, mut changed) = (false, false);
    while let Some(c) = rest.chars().next() {
        let (taken, written) = match c {
            '"' => {
                inside = !inside;
                (1, None)
            }
            '\\' if inside => {
                let (taken, written) = escape(rest);
                (taken, written.map(str::to_owned))
            }
            '\0'..='\u{1f}' if inside => (1, Some(format!("\\u{:04x}", c as u32))),
            _ if !inside => match ["NaN", "-Infinity", "Infinity"].iter().find(|word| rest.starts_with(**word)) {
                Some(word) => (word.len(), Some("null".to_owned())),
                None => (c.len_utf8(), None),
            },
            _ => (c.len_utf8(), None),
        };
        let (piece, left) = rest.split_at_checked(taken)?;
        changed |= written.is_some();
        out.push_str(written.as_deref().unwrap_or(piece));
        rest = left;
    }
    changed.then_some(out)
}

/// Bytes of the escape that a text begins with, and what stands for it where it is half a pair.
fn escape(text: &str) -> (usize, Option<&'static str>) {
    let unit = |at: usize| {
        let digits = text.get(at..at + 6)?.strip_prefix("\\u")?;
        u16::from_str_radix(digits, 16).ok()
    };
    match (unit(0), unit(6)) {
        (Some(0xd800..=0xdbff), Some(0xdc00..=0xdfff)) => (12, None),
        (Some(0xd800..=0xdfff), _) => (6, Some("\\ufffd")),
        (Some(_), _) => (6, None),
        (None, _) => (1 + text.chars().nth(1).map_or(0, char::len_utf8), None),
    }
}

/// The id of a call whose line cannot be read, where it still stands there: the text or number behind its name.
pub fn id_in(json: &str) -> Option<String> {
    let behind = json.split_once("\"call_id\"")?.1.trim_start().strip_prefix(':')?.trim_start();
    let id = match behind.strip_prefix('"') {
        Some(text) => {
            let end = text.char_indices().scan(false, |escaped, (i, c)| {
                let closes = c == '"' && !*escaped;
                *escaped = c == '\\' && !*escaped;
                Some((i, closes))
            });
            let (end, _) = end.into_iter().find(|(_, closes)| *closes)?;
            let literal = format!("\"{}\"", &text[..end]);
            serde_json::from_str(&mended(&literal).unwrap_or(literal)).ok()?
        }
        None => behind.chars().take_while(char::is_ascii_digit).collect::<String>(),
    };
    (!id.trim().is_empty()).then_some(id)
}

#[cfg(test)]
mod tests {
    use super::{id_in, mended};

    #[test]
    fn halves_of_pairs_and_words_for_no_number_are_mended() {
        for (json, wanted) in [
            (r#"{"t":"a\ud83d","n":NaN}"#, Some(r#"{"t":"a\ufffd","n":null}"#)),
            (r#"["\udc80",-Infinity,Infinity]"#, Some(r#"["\ufffd",null,null]"#)),
            (r#"["\ud83d\ud83d\ude0a"]"#, Some(r#"["\ufffd\ud83d\ude0a"]"#)),
            (r#"["\ud83d\ude0a NaN \\ud83d \" NaN"]"#, None),
            ("{\"a\":1}", None),
            ("[\"\\", None),
            ("[\t\"a\u{1b}\tb\"]", Some("[\t\"a\\u001b\\u0009b\"]")),
        ] {
            assert_eq!(mended(json).as_deref(), wanted, "{json}");
        }
    }

    #[test]
    fn the_id_is_found_in_what_is_broken() {
        assert_eq!(id_in(r#"{"call_id": "k\"1", "turns": [{"#).as_deref(), Some("k\"1"));
        assert_eq!(id_in(r#"{"turns":[],"call_id":2026111601,"#).as_deref(), Some("2026111601"));
        for none in ["{}", r#"{"call_id":"#, r#"{"call_id":"k"#, r#"{"call_id":" "}"#, r#"{"call_id":null}"#] {
            assert_eq!(id_in(none), None, "{none}");
        }
    }
}
