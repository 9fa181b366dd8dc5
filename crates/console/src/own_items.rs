//! The centre's own items of the listening form, beside those of the rules: a TOML file with a version.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::error::ConsoleError;

/// What stands before an item's id among the items of a form, so that no rule is taken for it.
pub(crate) const PREFIX: &str = "own/";
/// Most items that a form can be read with.
const MOST: usize = 60;

/// All of them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OwnItems {
    /// A new one with every change: forms keep which they were filled in with.
    pub version: String,
    /// In the order of the form.
    #[serde(rename = "item")]
    pub items: Vec<OwnItem>,
}

/// One of them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OwnItem {
    /// Letters, digits and dashes.
    pub id: String,
    /// As it stands on the form.
    pub title: String,
    /// The same in English, where the page is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title_en: Option<String>,
    /// Most points that it takes off.
    pub points: f64,
    /// What to look at.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub note: String,
}

impl OwnItems {
    /// Reads the text of a file.
    ///
    /// # Errors
    /// It is no TOML, lacks something, or names an item twice.
    pub fn parse(text: &str) -> Result<Self, ConsoleError> {
        let bad = |why: String| ConsoleError::Option(format!("the file of the form's own items: {why}"));
        let out: Self = toml::from_str(text).map_err(|e| bad(e.to_string()))?;
        if out.version.trim().is_empty() || out.version.len() > 64 {
            return Err(bad("`version` is needed, 64 characters at most".to_owned()));
        }
        if out.items.is_empty() || out.items.len() > MOST {
            return Err(bad(format!("1 to {MOST} items are needed")));
        }
        let mut seen = BTreeSet::new();
        for item in &out.items {
            let plain = |c: char| c.is_ascii_alphanumeric() || c == '-';
            if item.id.is_empty() || !item.id.chars().all(plain) {
                return Err(bad(format!("`id` of an item is letters, digits and dashes, not `{}`", item.id)));
            }
            if !seen.insert(item.id.as_str()) {
                return Err(bad(format!("the item `{}` stands twice", item.id)));
            }
            if item.title.trim().is_empty() {
                return Err(bad(format!("the item `{}` needs a `title`", item.id)));
            }
            if !(item.points > 0.0 && item.points <= 100.0) {
                return Err(bad(format!("`points` of `{}` lie above 0 and up to 100", item.id)));
            }
        }
        Ok(out)
    }

    /// The item behind a key of a form.
    pub(crate) fn find(&self, key: &str) -> Option<&OwnItem> {
        let id = key.strip_prefix(PREFIX)?;
        self.items.iter().find(|item| item.id == id)
    }
}

impl OwnItem {
    /// The key of the item among the items of a form.
    pub(crate) fn key(&self) -> String {
        format!("{PREFIX}{}", self.id)
    }

    pub(crate) fn title(&self, l: crate::lang::Lang) -> &str {
        l.t(&self.title, self.title_en.as_deref().unwrap_or(&self.title))
    }
}

#[cfg(test)]
mod tests {
    use super::OwnItems;

    fn parse(items: &str) -> Result<OwnItems, String> {
        OwnItems::parse(&format!("version = \"2026-01\"\n{items}")).map_err(|e| e.to_string())
    }

    #[test]
    fn a_file_says_what_is_wrong_with_it() {
        let tone = "[[item]]\nid = \"tone\"\ntitle = \"语音语调\"\npoints = 5\n";
        let good = parse(tone).unwrap();
        assert_eq!((good.items[0].key(), good.find("own/tone").is_some()), ("own/tone".to_owned(), true));
        assert!(good.find("tone").is_none(), "no rule of the same name");
        for (text, why) in [
            ("", "item"),
            (&format!("{tone}{tone}") as &str, "twice"),
            ("[[item]]\nid = \"a b\"\ntitle = \"x\"\npoints = 5\n", "dashes"),
            ("[[item]]\nid = \"a\"\ntitle = \" \"\npoints = 5\n", "title"),
            ("[[item]]\nid = \"a\"\ntitle = \"x\"\npoints = 0\n", "points"),
            ("[[item]]\nid = \"a\"\ntitle = \"x\"\npoints = nan\n", "points"),
            ("[[item]]\nid = \"a\"\ntitle = \"x\"\npoint = 5\n", "point"),
        ] {
            let said = parse(text).unwrap_err();
            assert!(said.contains(why), "{text}: {said}");
        }
    }
}
