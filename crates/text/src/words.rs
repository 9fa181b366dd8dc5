//! Words by jieba, with the centre's own dictionary.

use std::io::BufReader;
use std::path::Path;
use std::sync::OnceLock;

use jieba_rs::Jieba;

use crate::TextError;

/// Cuts text into words.
#[derive(Default)]
pub struct Segmenter {
    /// With the user's words; `None`: the dictionary that all share.
    own: Option<Box<Jieba>>,
}

/// Jieba's own dictionary, loaded when the first word is cut: that takes a third of a second.
fn shared() -> &'static Jieba {
    static SHARED: OnceLock<Jieba> = OnceLock::new();
    SHARED.get_or_init(Jieba::new)
}

impl Segmenter {
    /// A segmenter with jieba's own dictionary, plus the user's: one `word [frequency [tag]]` a line.
    ///
    /// # Errors
    /// The file cannot be read, or a line is malformed.
    pub fn new(user_dictionary: Option<&Path>) -> Result<Self, TextError> {
        let Some(path) = user_dictionary else { return Ok(Self::default()) };
        let file =
            std::fs::File::open(path).map_err(|source| TextError::DictionaryIo { path: path.to_owned(), source })?;
        let mut jieba = Jieba::new();
        jieba
            .load_dict(&mut BufReader::new(file))
            .map_err(|e| TextError::DictionarySyntax { path: path.to_owned(), reason: e.to_string() })?;
        Ok(Self { own: Some(Box::new(jieba)) })
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
    fn a_missing_dictionary_names_the_file() {
        let error = Segmenter::new(Some(std::path::Path::new("no/such.txt"))).err().unwrap();
        assert!(error.to_string().contains("no/such.txt"));
    }
}
