//! Regular expressions as rule files write them.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use regex::Regex;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_saphyr::Spanned;

use crate::compile::Compiler;

/// One text, or a list of texts of which any may match: what says the same in many ways reads better one way a line.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(from = "Lines")]
#[schemars(with = "Lines")]
pub struct Expression(String);

/// The two forms of an expression.
#[derive(Deserialize, JsonSchema)]
#[serde(untagged, expecting = "an expression in quotes, or a list of expressions in quotes")]
enum Lines {
    /// The whole expression.
    One(String),
    /// Alternatives, joined by `|` in this order.
    Any(Vec<String>),
}

impl From<Lines> for Expression {
    fn from(lines: Lines) -> Self {
        match lines {
            Lines::One(whole) => Self(whole),
            Lines::Any(alternatives) => Self(alternatives.join("|")),
        }
    }
}

impl Expression {
    /// The expression as one text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Lists of words by name.
pub(crate) type Words = BTreeMap<String, Vec<String>>;

/// Lists that name lists that name lists end here: longer chains are circles.
const DEEPEST: usize = 8;

/// Compiles an expression, with the lists that it names put in; the place and the reason where it is wrong.
pub(crate) fn compile(written: &mut Spanned<Expression>, cx: &mut Compiler<'_>) -> Option<(u32, Regex)> {
    let expanded = expand(&written.value.0, &cx.words, DEEPEST).and_then(|text| {
        written.value.0 = text;
        cx.table.expression(&written.value.0).map_err(|error| {
            let reason = error.to_string();
            let reason = reason.lines().last().unwrap_or("bad expression").trim_start_matches("error: ").to_owned();
            format!("bad regular expression `{}`: {reason}", written.value.0)
        })
    });
    expanded.map_err(|message| cx.wrong(&written.referenced, message)).ok()
}

/// An expression with each `{name}` replaced by its list. `{0,3}` and `\p{Han}` are no names.
fn expand(text: &str, words: &Words, depth: usize) -> Result<String, String> {
    static NAME: LazyLock<Option<Regex>> =
        LazyLock::new(|| Regex::new(r"\\[pPxu]\{[^{}]*\}|\{([^{}]*[^{}\d,\s][^{}]*)\}").ok());
    let mut whole = String::with_capacity(text.len());
    let mut rest = 0;
    for found in NAME.iter().flat_map(|names| names.captures_iter(text)) {
        let (Some(place), Some(name)) = (found.get(0), found.get(1)) else { continue };
        whole.push_str(&text[rest..place.start()]);
        whole.push_str(&list(name.as_str(), words, depth)?);
        rest = place.end();
    }
    Ok(whole + &text[rest..])
}

/// Any of the words with this name, as an expression.
fn list(name: &str, words: &Words, depth: usize) -> Result<String, String> {
    let Some(entries) = words.get(name) else {
        let known = words.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
        return Err(format!("no words are named `{name}`; the names are: {known}"));
    };
    let deeper = depth.checked_sub(1).ok_or_else(|| format!("the words `{name}` lead back to themselves"))?;
    Ok(format!("({})", expand(&entries.join("|"), words, deeper)?))
}

#[cfg(test)]
mod tests {
    use super::Words;
    use crate::selftest::eval_lines;

    #[test]
    fn a_list_matches_where_any_of_its_lines_does() {
        let found = |text: &str| {
            let yaml = "regex:\n  pattern:\n  - 少(了|送)  # 缺货\n  - '破|碎'\n  not: [差点, '没(有)?(破|碎)']";
            eval_lines(yaml, &[&format!("agent: {text}")]).evidence.len()
        };
        assert_eq!((found("少送两条"), found("瓶子碎了"), found("都好")), (1, 1, 0));
        assert_eq!((found("差点碎了"), found("没碎")), (0, 0), "lists excuse in the same way");
    }

    #[test]
    fn names_stand_for_lists_of_words() {
        let words = Words::from([
            ("时候".into(), vec!["今天".into(), "明天".into(), "下(周|月)".into()]),
            ("送".into(), vec!["送".into(), "{时候}到".into()]),
            ("甲".into(), vec!["{乙}".into()]),
            ("乙".into(), vec!["{甲}".into()]),
        ]);
        let expand = |text: &str| super::expand(text, &words, super::DEEPEST);
        assert_eq!(expand("{时候}.{0,3}(送|补){1,2}$").unwrap(), "(今天|明天|下(周|月)).{0,3}(送|补){1,2}$");
        assert_eq!(expand("{送}").unwrap(), "(送|(今天|明天|下(周|月))到)");
        assert_eq!(expand(r"\p{Han}{2}").unwrap(), r"\p{Han}{2}");
        assert!(expand("{时侯}").unwrap_err().contains("时候"), "the names that there are");
        assert!(expand("{甲}").unwrap_err().contains("lead back"));
    }
}
