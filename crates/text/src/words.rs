//! Words by jieba, with the centre's own dictionary.

use std::path::Path;
use std::sync::OnceLock;

use jieba_rs::Jieba;

use crate::{TextError, decode};

/// Cuts text into words.
#[derive(Default)]
pub struct Segmenter {
    /// With the user's words; `None`: the dictionary that all share.
    own: Option<Box<Jieba>>,
    odd_lines: Vec<OddLine>,
}

/// A line of a user dictionary that could not be taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OddLine {
    /// From 1.
    pub number: usize,
    /// As it stands in the file.
    pub text: String,
}

/// Jieba's own dictionary, loaded when the first word is cut: that takes a third of a second.
fn shared() -> &'static Jieba {
    static SHARED: OnceLock<Jieba> = OnceLock::new();
    SHARED.get_or_init(Jieba::new)
}

impl Segmenter {
    /// A segmenter with jieba's own dictionary, plus the user's: one `word [frequency] [tag]` a line, between any spaces; lines
    /// that begin with `#` are notes. Without a frequency the word gets the one by which it is cut whole. The file may be
    /// UTF-8, with or without BOM, UTF-16 with BOM, or GBK. What cannot be taken is told by [`Segmenter::odd_lines`].
    ///
    /// # Errors
    /// The file cannot be read, or is in no known encoding.
    pub fn new(user_dictionary: Option<&Path>) -> Result<Self, TextError> {
        let Some(path) = user_dictionary else { return Ok(Self::default()) };
        let bytes = std::fs::read(path).map_err(|source| TextError::DictionaryIo { path: path.to_owned(), source })?;
        let text = decode(&bytes).ok_or_else(|| TextError::DictionaryEncoding { path: path.to_owned() })?.text;
        let (mut jieba, mut odd_lines) = (Jieba::new(), Vec::new());
        for (number, line) in (1..).zip(text.lines()) {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            match entry(line) {
                Some((word, frequency, tag)) => _ = jieba.add_word(word, frequency, tag),
                None => odd_lines.push(OddLine { number, text: line.to_owned() }),
            }
        }
        Ok(Self { own: Some(Box::new(jieba)), odd_lines })
    }

    /// Lines of the user's dictionary that were passed over.
    pub fn odd_lines(&self) -> &[OddLine] {
        &self.odd_lines
    }

    fn jieba(&self) -> &Jieba {
        self.own.as_deref().unwrap_or_else(|| shared())
    }

    /// Character ranges of the words of the dictionary in a text, in order; what is no word stands alone.
    pub fn ranges(&self, text: &str) -> Vec<std::ops::Range<usize>> {
        let mut at = 0;
        let cut = self.jieba().cut(text, false).into_iter();
        cut.map(|token| {
            let start = at;
            at += token.word.chars().count();
            start..at
        })
        .collect()
    }

    /// Words in order, without punctuation and spaces.
    pub fn words(&self, text: &str) -> Vec<String> {
        self.jieba()
            .cut(text, true)
            .into_iter()
            .map(|token| token.word)
            .filter(|word| word.chars().any(char::is_alphanumeric))
            .map(str::to_owned)
            .collect()
    }
}

/// Word, frequency and tag of a line, the last two as far as they are given; `None` where more stands there, or something that
/// is neither.
fn entry(line: &str) -> Option<(&str, Option<usize>, Option<&str>)> {
    let mut parts = line.split_whitespace();
    let (word, second, third) = (parts.next()?, parts.next(), parts.next());
    let is_tag = |s: &&str| s.bytes().all(|b| b.is_ascii_alphabetic());
    let (frequency, tag) = match (second.map(str::parse), third) {
        (None, _) => (None, None),
        (Some(Ok(frequency)), tag) => (Some(frequency), tag),
        (Some(Err(_)), None) => (None, second),
        (Some(Err(_)), Some(_)) => return None,
    };
    (parts.next().is_none() && tag.as_ref().is_none_or(is_tag)).then_some((word, frequency, tag))
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::Segmenter;

    #[test]
    fn user_words_are_kept_whole() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        writeln!(file, "软蓝芙蓉王 100000 n").unwrap();
        let with = Segmenter::new(Some(file.path())).unwrap();
        assert!(with.words("要五条软蓝芙蓉王。").contains(&"软蓝芙蓉王".to_owned()));
        assert!(!Segmenter::default().words("要五条软蓝芙蓉王。").contains(&"软蓝芙蓉王".to_owned()));
    }

    #[test]
    fn dictionaries_are_taken_as_people_save_them() {
        let words = "\u{feff}软蓝芙蓉王\r\n\r\n# 备注\r\n硬盒双喜  10000\t n\r\n烟站客户经理 zz\r\n一行 三个 词\r\n";
        let (gbk, ..) = encoding_rs::GBK.encode(words.trim_start_matches('\u{feff}'));
        for bytes in [words.as_bytes(), &gbk] {
            let mut file = tempfile::NamedTempFile::new().unwrap();
            file.write_all(bytes).unwrap();
            let with = Segmenter::new(Some(file.path())).unwrap();
            let cut = with.words("烟站客户经理要三条软蓝芙蓉王和硬盒双喜");
            assert!(cut.contains(&"软蓝芙蓉王".to_owned()) && cut.contains(&"硬盒双喜".to_owned()), "{cut:?}");
            let odd: Vec<_> = with.odd_lines().iter().map(|l| (l.number, l.text.as_str())).collect();
            assert_eq!(odd, [(6, "一行 三个 词")]);
        }
    }

    #[test]
    fn a_missing_dictionary_names_the_file() {
        let error = Segmenter::new(Some(std::path::Path::new("no/such.txt"))).err().unwrap();
        assert!(error.to_string().contains("no/such.txt"));
    }
}
