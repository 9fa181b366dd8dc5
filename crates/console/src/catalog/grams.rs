//! Text as pairs of neighbouring characters, so that words of any length are found without knowing where words end.

/// Runs of letters and digits in small letters; everything else, masked digits too, ends a run.
fn runs(text: &str) -> Vec<Vec<char>> {
    let parts = text.split(|c: char| !c.is_alphanumeric()).filter(|r| !r.is_empty());
    parts.map(|r| r.to_lowercase().chars().collect()).collect()
}

fn pairs(run: &[char]) -> Vec<String> {
    run.windows(2).map(|pair| pair.iter().collect()).collect()
}

/// What is entered for a text: `您好吗` gives `您好 好吗 吗`; the last character stands alone, so that it is found as well.
pub(crate) fn index(text: &str) -> String {
    let mut grams = Vec::new();
    for run in runs(text) {
        grams.extend(pairs(&run));
        grams.extend(run.last().map(char::to_string));
    }
    grams.join(" ")
}

/// The query for a text: each of its words as a phrase, all of them in one turn; `None` where there is nothing to look for.
/// Everything is quoted, so that nothing that is typed means anything to the search engine.
pub(crate) fn query(text: &str) -> Option<String> {
    let phrase = |run: &Vec<char>| match run.as_slice() {
        [one] => format!("\"{one}\"*"),
        _ => format!("\"{}\"", pairs(run).join(" ")),
    };
    let words: Vec<String> = runs(text).iter().map(phrase).collect();
    (!words.is_empty()).then(|| words.join(" AND "))
}

#[cfg(test)]
mod tests {
    use super::{index, query};

    #[test]
    fn words_are_phrases_of_what_was_entered() {
        assert_eq!(index("您好吗，A区"), "您好 好吗 吗 a区 区");
        assert_eq!(query("好吗").as_deref(), Some("\"好吗\""));
        assert_eq!(query("好").as_deref(), Some("\"好\"*"));
        assert_eq!(query("红塔山 五条").as_deref(), Some("\"红塔 塔山\" AND \"五条\""));
        assert_eq!(query("\" OR 1=1 --").as_deref(), Some("\"or\" AND \"1\"* AND \"1\"*"));
        assert_eq!(query("？！"), None);
    }
}
