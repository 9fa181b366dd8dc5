//! What can be said of a rule without any call: conditions that always or never hold, dates that never come.

use callsift_core::SpeakerRole;

use crate::compile::Compiler;
use crate::logic::Condition;
use crate::schema::Rule;

/// More different parts than this are not tried out one by one.
const MAX_PARTS: usize = 12;

/// Adds what is wrong with the rule as a whole.
pub(crate) fn rule(rule: &Rule, cx: &mut Compiler<'_>) {
    let mut parts = Vec::new();
    let formula = formula(&rule.condition.value, &mut parts);
    if parts.len() <= MAX_PARTS {
        let worlds = 1u32 << parts.len();
        let holds = (0..worlds).filter(|world| formula.holds(*world)).count() as u32;
        if holds == 0 {
            cx.wrong(&rule.condition.referenced, "the condition can never hold: its parts contradict each other");
        } else if holds == worlds {
            cx.wrong(&rule.condition.referenced, "the condition always holds, whatever its parts say");
        }
    }
    for day in [&rule.applies.from, &rule.applies.until].into_iter().flatten() {
        cx.expect(is_day(&day.value), &day.referenced, "a day is written `YYYY-MM-DD`");
    }
    if let (Some(from), Some(until)) = (&rule.applies.from, &rule.applies.until) {
        cx.expect(from.value <= until.value, &until.referenced, "`until` lies before `from`: no call is ever judged");
    }
}

fn is_day(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    let number = |i: usize, len: usize, high: u32| {
        let part = parts.get(i).filter(|p| p.len() == len && p.bytes().all(|b| b.is_ascii_digit()));
        part.and_then(|p| p.parse::<u32>().ok()).is_some_and(|n| (1..=high).contains(&n))
    };
    parts.len() == 3 && number(0, 4, 9999) && number(1, 2, 12) && number(2, 2, 31)
}

/// A condition with everything but all, any, not and expr taken as one letter.
enum Formula {
    Part(usize),
    All(Vec<Formula>),
    Any(Vec<Formula>),
    Not(Box<Formula>),
}

impl Formula {
    fn holds(&self, world: u32) -> bool {
        match self {
            Self::Part(i) => world >> i & 1 == 1,
            Self::All(parts) => parts.iter().all(|p| p.holds(world)),
            Self::Any(parts) => parts.iter().any(|p| p.holds(world)),
            Self::Not(part) => !part.holds(world),
        }
    }
}

/// Equal conditions are one letter: they are compared as they print, which leaves their places in the file in, so the
/// places are cut out first.
fn formula(condition: &Condition, parts: &mut Vec<String>) -> Formula {
    match condition {
        Condition::All(inner) => Formula::All(inner.iter().map(|c| formula(c, parts)).collect()),
        Condition::Any(inner) => Formula::Any(inner.iter().map(|c| formula(c, parts)).collect()),
        Condition::Not(inner) => Formula::Not(Box::new(formula(inner, parts))),
        Condition::Expr(expr) if expr.tree().is_some() => match expr.tree() {
            Some(tree) => formula(tree, parts),
            None => Formula::All(Vec::new()),
        },
        other => {
            let printed = without_places(&format!("{other:?}"));
            let at = parts.iter().position(|p| *p == printed).unwrap_or_else(|| {
                parts.push(printed);
                parts.len() - 1
            });
            Formula::Part(at)
        }
    }
}

/// Cuts `Location { … }` out of a debug print.
fn without_places(printed: &str) -> String {
    let mut out = String::new();
    let mut rest = printed;
    while let Some(at) = rest.find("Location {") {
        out.push_str(&rest[..at]);
        let mut depth = 0usize;
        let end = rest[at..].char_indices().find_map(|(i, c)| {
            match c {
                '{' => depth += 1,
                '}' => depth -= 1,
                _ => return None,
            }
            (depth == 0).then_some(at + i + 1)
        });
        rest = end.map_or("", |end| &rest[end..]);
    }
    out + rest
}

/// True where a scope somewhere in the rule names a role.
pub(crate) fn names_role(rule: &Rule) -> bool {
    let mut named = rule.scope.role.is_some();
    rule.condition.value.walk(&mut |condition| {
        let whose: Option<SpeakerRole> = match condition {
            Condition::Within(within) => within.scope.role,
            Condition::Near(near) => near.role.or(near.anchor_role),
            _ => None,
        };
        named |= whose.is_some();
    });
    named
}
