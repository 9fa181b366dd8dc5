//! What a text must hold for an expression to match: literals read off the expression's syntax.
//!
//! A pack has a hundred large expressions and nearly every turn matches none of them. Each branch of an expression needs
//! certain words; a turn that lacks them need not be tried. What is read here may ask for too little, never for too much.

use std::collections::BTreeSet;

use regex_syntax::hir::{Class, Hir, HirKind};

/// Lists of more words cost more than they spare.
const MAX_WORDS: usize = 512;
/// Classes of more letters say too little.
const MAX_LETTERS: usize = 64;
/// Words made by joining neighbours: no more than this.
const MAX_JOINED: usize = 32;
/// Lists that one branch may ask for.
pub(crate) const MAX_LISTS: usize = 8;

/// Words of which a text must hold one.
pub(crate) type Words = BTreeSet<String>;

/// The branches of an expression: a text that it matches satisfies every list of one of them. `None`: nothing is known.
pub(crate) fn branches(expression: &str) -> Option<Vec<Vec<Words>>> {
    let hir = regex_syntax::parse(expression).ok()?;
    let mut branches = Vec::new();
    collect(&hir, &mut branches);
    let known = branches.iter().all(|lists| !lists.is_empty());
    known.then_some(branches)
}

/// Words of two characters or more of which each branch of the expression needs one: what may have been said where it did not
/// match.
pub(crate) fn likeliest(expression: &str) -> Vec<String> {
    let of_branch = |lists: Vec<Words>| lists.into_iter().find(|words| words.iter().all(|w| w.chars().count() >= 2));
    let words = branches(expression).into_iter().flatten().filter_map(of_branch).flatten();
    words.collect::<Words>().into_iter().collect()
}

fn collect(hir: &Hir, branches: &mut Vec<Vec<Words>>) {
    match hir.kind() {
        HirKind::Alternation(parts) => parts.iter().for_each(|part| collect(part, branches)),
        HirKind::Capture(capture) => collect(&capture.sub, branches),
        _ => {
            let mut lists = needed(hir);
            // The longest words are the rarest.
            lists.sort_by_key(|words| std::cmp::Reverse((shortest(words), usize::MAX - words.len())));
            lists.truncate(MAX_LISTS);
            branches.push(lists);
        }
    }
}

fn shortest(words: &Words) -> usize {
    words.iter().map(String::len).min().unwrap_or(0)
}

/// Lists of words, of each of which every match holds one.
fn needed(hir: &Hir) -> Vec<Words> {
    if let Some(words) = exact(hir) {
        return if words.contains("") { Vec::new() } else { vec![words] };
    }
    match hir.kind() {
        HirKind::Capture(capture) => needed(&capture.sub),
        HirKind::Repetition(repetition) if repetition.min > 0 => needed(&repetition.sub),
        HirKind::Alternation(parts) => needed_of_any(parts).into_iter().collect(),
        HirKind::Concat(parts) => needed_of_all(parts),
        _ => Vec::new(),
    }
}

/// One list for all branches: the best of each, joined.
fn needed_of_any(parts: &[Hir]) -> Option<Words> {
    let mut all = Words::new();
    for part in parts {
        all.extend(needed(part).into_iter().max_by_key(|words| (shortest(words), usize::MAX - words.len()))?);
    }
    (all.len() <= MAX_WORDS).then_some(all)
}

/// Neighbours that are words stand side by side in every match, so they are joined as long as they stay few.
fn needed_of_all(parts: &[Hir]) -> Vec<Words> {
    let (mut lists, mut run) = (Vec::new(), None::<Words>);
    for part in parts {
        match exact(part) {
            // Places, such as the beginning of the text, take no room.
            Some(words) if is_nothing(&words) => {}
            Some(words) if !words.contains("") => {
                run = match run.take() {
                    Some(before) if before.len() * words.len() <= MAX_JOINED => Some(joined(&before, &words)),
                    before => {
                        lists.extend(before);
                        Some(words)
                    }
                };
            }
            Some(_) => lists.extend(run.take()),
            None => {
                lists.extend(run.take());
                lists.extend(needed(part));
            }
        }
    }
    lists.extend(run);
    lists
}

fn is_nothing(words: &Words) -> bool {
    words.len() == 1 && words.contains("")
}

fn joined(before: &Words, after: &Words) -> Words {
    before.iter().flat_map(|a| after.iter().map(move |b| format!("{a}{b}"))).collect()
}

/// Every text that the expression matches, where those are few.
fn exact(hir: &Hir) -> Option<Words> {
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => Some(Words::from([String::new()])),
        HirKind::Literal(literal) => Some(Words::from([std::str::from_utf8(&literal.0).ok()?.to_owned()])),
        HirKind::Class(class) => letters(class),
        HirKind::Capture(capture) => exact(&capture.sub),
        HirKind::Repetition(repetition) if repetition.max == Some(1) => {
            let mut words = exact(&repetition.sub)?;
            words.insert(String::new());
            Some(words)
        }
        HirKind::Repetition(_) => None,
        HirKind::Concat(parts) => {
            let mut all = Words::from([String::new()]);
            for part in parts {
                let words = exact(part)?;
                if all.len() * words.len() > MAX_JOINED {
                    return None;
                }
                all = joined(&all, &words);
            }
            Some(all)
        }
        HirKind::Alternation(parts) => {
            let mut all = Words::new();
            for part in parts {
                all.append(&mut exact(part)?);
            }
            (all.len() <= MAX_WORDS).then_some(all)
        }
    }
}

fn letters(class: &Class) -> Option<Words> {
    let Class::Unicode(class) = class else { return None };
    let count: usize = class.iter().map(regex_syntax::hir::ClassUnicodeRange::len).sum();
    let each = class.iter().flat_map(|range| range.start()..=range.end());
    (count > 0 && count <= MAX_LETTERS).then(|| each.map(String::from).collect())
}

#[cfg(test)]
mod tests {
    use super::branches;

    fn shown(expression: &str) -> Option<Vec<String>> {
        let show = |words: &super::Words| words.iter().map(String::as_str).collect::<Vec<_>>().join("/");
        let branches = branches(expression)?;
        Some(branches.iter().map(|lists| lists.iter().map(show).collect::<Vec<_>>().join(" & ")).collect())
    }

    #[test]
    fn branches_need_their_words() {
        let of = |expression: &str, wanted: &[&str]| {
            assert_eq!(shown(expression).unwrap_or_default(), wanted, "{expression}");
        };
        of("难道.*(吗|么)", &["难道 & 么/吗"]);
        of("(你|您)(真|还真)行", &["你真行/你还真行/您真行/您还真行"]);
        of("谁(让|叫)你(去)?的|凭什么", &["谁叫你去的/谁叫你的/谁让你去的/谁让你的", "凭什么"]);
        of("谁(让|叫)你(去)?(.的)", &["谁叫你/谁让你 & 的"]);
        of("(^|[^是])不是(都|早)*说过", &["不是 & 说过"]);
        of("^(好)+吧$", &["好 & 吧"]);
    }

    #[test]
    fn what_is_not_known_asks_for_nothing() {
        assert_eq!(shown("[^歉]{2,}"), None);
        assert_eq!(shown("难道|.{3}"), None);
        assert_eq!(shown("(好)?"), None);
        assert_eq!(shown("(好"), None);
    }
}
