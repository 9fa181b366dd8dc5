//! Reads tokens into texts: joins the bytes of characters that tokens split, and pairs time marks.

use callsift_core::TimeSpan;

use crate::decode::{Decoded, DecodedChar, DecodedText};

/// One text token.
#[derive(Debug, Clone, Copy)]
pub(super) struct TextToken<'a> {
    pub bytes: &'a [u8],
    pub logprob: f32,
    /// Where it was said on the window's clock, if that was measured.
    pub span: Option<TimeSpan>,
}

/// Tokens in, texts out.
#[derive(Default)]
pub(super) struct TokenReader {
    done: Vec<DecodedText>,
    start_ms: i64,
    chars: Vec<DecodedChar>,
    bytes: Vec<u8>,
    /// Start of the first token that gave bytes to the open character.
    open: Option<TimeSpan>,
    logprob: f64,
    tokens: usize,
}

impl TokenReader {
    pub(super) fn text(&mut self, token: TextToken<'_>) {
        self.logprob += f64::from(token.logprob);
        self.tokens += 1;
        let fresh = self.bytes.is_empty();
        self.bytes.extend_from_slice(token.bytes);
        self.open = if fresh { token.span } else { self.open.zip(token.span).map(|(a, b)| a.union(b)) };
        let prob = token.logprob.exp();
        match std::str::from_utf8(&self.bytes) {
            Ok(_) => self.take(self.bytes.len(), prob),
            Err(e) if e.error_len().is_some() => {
                // A broken sequence: keep what is whole, drop the rest.
                self.take(e.valid_up_to(), prob);
                self.bytes.clear();
            }
            Err(e) => {
                let whole = e.valid_up_to();
                self.take(whole, prob);
                if whole > 0 {
                    self.open = token.span;
                }
            }
        }
    }

    fn take(&mut self, len: usize, prob: f32) {
        let rest = self.bytes.split_off(len);
        let whole = std::mem::replace(&mut self.bytes, rest);
        let text = String::from_utf8_lossy(&whole);
        let chars: Vec<char> = text.chars().filter(|c| !c.is_control()).collect();
        let n = chars.len().max(1) as i64;
        for (i, ch) in (0i64..).zip(chars) {
            // Several characters of one token share its time evenly.
            let span = self
                .open
                .map(|s| TimeSpan::new(s.start_ms + s.len_ms() * i / n, s.start_ms + s.len_ms() * (i + 1) / n));
            self.chars.push(DecodedChar { ch, prob, span });
        }
    }

    /// A time mark, milliseconds on the window's clock: ends a text, or begins the next.
    pub(super) fn time(&mut self, ms: i64) {
        self.close(ms);
        self.start_ms = ms;
    }

    fn close(&mut self, end_ms: i64) {
        self.bytes.clear();
        let chars = std::mem::take(&mut self.chars);
        if chars.iter().any(|c| c.ch.is_alphanumeric()) {
            self.done.push(DecodedText { start_ms: self.start_ms, end_ms, chars });
        }
    }

    /// Ends the last text with the window, whose length is given in milliseconds.
    pub(super) fn finish(mut self, len_ms: i64) -> Decoded {
        self.close(len_ms);
        let mean_logprob = if self.tokens == 0 { 0.0 } else { (self.logprob / self.tokens as f64) as f32 };
        Decoded { texts: self.done, mean_logprob, cut_off: false }
    }
}

#[cfg(test)]
mod tests {
    use callsift_core::TimeSpan;

    use super::{TextToken, TokenReader};

    fn token(bytes: &[u8], logprob: f32) -> TextToken<'_> {
        TextToken { bytes, logprob, span: None }
    }

    #[test]
    fn characters_split_over_tokens_are_joined_and_pairs_kept() {
        let mut reader = TokenReader::default();
        reader.time(0);
        let bytes = "您好".as_bytes();
        reader.text(token(&bytes[..2], -0.1));
        reader.text(token(&bytes[2..5], -0.2));
        reader.text(token(&bytes[5..], -0.3));
        reader.time(1000);
        reader.time(1500);
        reader.text(token("吗".as_bytes(), -0.7));
        let decoded = reader.finish(6000);
        let texts: Vec<(i64, i64, String)> =
            decoded.texts.iter().map(|t| (t.start_ms, t.end_ms, t.chars.iter().map(|c| c.ch).collect())).collect();
        assert_eq!(texts, vec![(0, 1000, "您好".to_owned()), (1500, 6000, "吗".to_owned())]);
        assert!((decoded.mean_logprob + 0.325).abs() < 1e-6);
    }

    #[test]
    fn measured_times_follow_the_bytes() {
        let mut reader = TokenReader::default();
        let bytes = "您好".as_bytes();
        let spanned = |bytes, from, to| TextToken { bytes, logprob: 0.0, span: Some(TimeSpan::new(from, to)) };
        reader.text(spanned(&bytes[..2], 0, 100));
        reader.text(spanned(&bytes[2..], 100, 400));
        reader.text(spanned("一二".as_bytes(), 400, 800));
        let chars = reader.finish(1000).texts.remove(0).chars;
        let spans: Vec<_> = chars.iter().map(|c| c.span.map(|s| (s.start_ms, s.end_ms)).unwrap()).collect();
        assert_eq!(spans, [(0, 200), (200, 400), (400, 600), (600, 800)]);
    }

    #[test]
    fn broken_bytes_do_not_spoil_what_follows() {
        let mut reader = TokenReader::default();
        reader.text(token(&[0xe6, 0x41], -0.1));
        reader.text(token("好".as_bytes(), -0.1));
        assert_eq!(reader.finish(1000).text(), "好");
    }
}
