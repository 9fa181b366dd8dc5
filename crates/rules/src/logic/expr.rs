//! `expr: "greet && !(angry || quarrel)"`: named conditions joined as in a programming language.

use schemars::JsonSchema;
use serde::Deserialize;
use serde_saphyr::Spanned;

use super::{Condition, Eval};
use crate::compile::Compiler;
use crate::sentences::said;
use crate::view::{CallView, Selection};

/// Deeper brackets are refused, so that no file overflows the stack.
const MAX_DEPTH: usize = 32;

/// An expression over the rule's `conditions`.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Expr {
    #[schemars(with = "String")]
    source: Spanned<String>,
    #[serde(skip)]
    #[schemars(skip)]
    tree: Option<Box<Condition>>,
}

impl Expr {
    /// The expression as conditions; `None` before it was prepared or where it is wrong.
    pub fn tree(&self) -> Option<&Condition> {
        self.tree.as_deref()
    }

    pub(super) fn eval(&self, call: &CallView<'_>, on: &Selection, path: &str) -> Eval {
        match &self.tree {
            Some(tree) => tree.eval(call, on, path),
            None => Eval::unknown(path, said!(NO_EXPRESSION)),
        }
    }

    pub(super) fn compile(&mut self, cx: &mut Compiler<'_>) {
        let tokens = match tokens(&self.source.value) {
            Ok(tokens) => tokens,
            Err(wrong) => return self.report(cx, &wrong),
        };
        let end = self.source.value.chars().count();
        let mut parser = Parser { tokens: &tokens, at: 0, end, cx };
        let parsed = parser.either(0).and_then(|tree| match parser.next() {
            None => Ok(tree),
            Some((at, token)) => Err(Wrong { at, message: format!("expected `&&`, `||` or the end, found {token}") }),
        });
        match parsed {
            Ok(tree) => self.tree = Some(Box::new(tree)),
            Err(wrong) => self.report(cx, &wrong),
        }
    }

    /// A mistake inside the expression, at its own column: the string begins after its quotation mark, if it has one.
    fn report(&self, cx: &mut Compiler<'_>, wrong: &Wrong) {
        let place = &self.source.referenced;
        let message = format!("{} (character {} of `{}`)", wrong.message, wrong.at + 1, self.source.value);
        cx.wrong(place, message);
        if let Some(problem) = cx.problems.last_mut() {
            problem.column += wrong.at + 1;
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
enum Token {
    Name(String),
    And,
    Or,
    Not,
    Open,
    Close,
}

impl std::fmt::Display for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let text = match self {
            Self::Name(name) => name,
            Self::And => "&&",
            Self::Or => "||",
            Self::Not => "!",
            Self::Open => "(",
            Self::Close => ")",
        };
        write!(f, "`{text}`")
    }
}

struct Wrong {
    at: usize,
    message: String,
}

fn tokens(source: &str) -> Result<Vec<(usize, Token)>, Wrong> {
    let chars: Vec<char> = source.chars().collect();
    let (mut out, mut at) = (Vec::new(), 0);
    while let Some(&c) = chars.get(at) {
        let two = (c, chars.get(at + 1).copied());
        let (token, len) = match two {
            (c, _) if c.is_whitespace() => {
                at += 1;
                continue;
            }
            ('&', Some('&')) => (Token::And, 2),
            ('|', Some('|')) => (Token::Or, 2),
            ('!', _) => (Token::Not, 1),
            ('(', _) => (Token::Open, 1),
            (')', _) => (Token::Close, 1),
            (c, _) if is_name(c) => {
                let name: String = chars[at..].iter().take_while(|c| is_name(**c)).collect();
                let len = name.chars().count();
                (Token::Name(name), len)
            }
            _ => return Err(Wrong { at, message: format!("`{c}` means nothing here; use &&, ||, ! and ( )") }),
        };
        out.push((at, token));
        at += len;
    }
    Ok(out)
}

fn is_name(c: char) -> bool {
    c.is_alphanumeric() || c == '_' || c == '-'
}

struct Parser<'p, 'c> {
    tokens: &'p [(usize, Token)],
    at: usize,
    end: usize,
    cx: &'p mut Compiler<'c>,
}

impl Parser<'_, '_> {
    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.at).map(|(_, t)| t)
    }

    fn next(&mut self) -> Option<(usize, Token)> {
        let token = self.tokens.get(self.at).cloned();
        self.at += 1;
        token
    }

    fn either(&mut self, depth: usize) -> Result<Condition, Wrong> {
        let mut parts = vec![self.both(depth)?];
        while self.peek() == Some(&Token::Or) {
            self.at += 1;
            parts.push(self.both(depth)?);
        }
        Ok(one_or(parts, Condition::Any))
    }

    fn both(&mut self, depth: usize) -> Result<Condition, Wrong> {
        let mut parts = vec![self.single(depth)?];
        while self.peek() == Some(&Token::And) {
            self.at += 1;
            parts.push(self.single(depth)?);
        }
        Ok(one_or(parts, Condition::All))
    }

    fn single(&mut self, depth: usize) -> Result<Condition, Wrong> {
        let expected = |found: &str| format!("expected a condition's name, `!` or `(`, found {found}");
        if depth > MAX_DEPTH {
            return Err(Wrong { at: self.end, message: format!("brackets are nested more than {MAX_DEPTH} deep") });
        }
        match self.next() {
            None => Err(Wrong { at: self.end, message: expected("the end") }),
            Some((_, Token::Not)) => Ok(Condition::Not(Box::new(self.single(depth + 1)?))),
            Some((open, Token::Open)) => {
                let inside = self.either(depth + 1)?;
                match self.next() {
                    Some((_, Token::Close)) => Ok(inside),
                    _ => Err(Wrong { at: open, message: "this `(` is never closed".to_owned() }),
                }
            }
            Some((at, Token::Name(name))) => self.named(at, &name),
            Some((at, token)) => Err(Wrong { at, message: expected(&token.to_string()) }),
        }
    }

    fn named(&mut self, at: usize, name: &str) -> Result<Condition, Wrong> {
        let Some(mut condition) = self.cx.named.get(name).cloned() else {
            let known: Vec<&str> = self.cx.named.keys().map(String::as_str).collect();
            let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
            let message = format!("`{name}` is not among the rule's `conditions` (there are: {known})");
            return Err(Wrong { at, message });
        };
        condition.compile(self.cx);
        Ok(condition)
    }
}

fn one_or(mut parts: Vec<Condition>, join: impl Fn(Vec<Condition>) -> Condition) -> Condition {
    match (parts.len(), parts.pop()) {
        (1, Some(only)) => only,
        (_, last) => {
            parts.extend(last);
            join(parts)
        }
    }
}
