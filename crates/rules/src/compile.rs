//! Turning parsed rules into ready ones: phrases enter one table, expressions are parsed, mistakes are collected.

use std::collections::BTreeMap;

use callsift_text::Normalizer;
use serde_saphyr::Location;

use crate::expression::Words;
use crate::logic::{Condition, Library};
use crate::phrases::PhraseTable;
use crate::schema::Rule;

/// A mistake in a rule file and its place, from 1; line 0: the file as a whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Line.
    pub line: usize,
    /// Column.
    pub column: usize,
    /// What is wrong and what was expected.
    pub message: String,
}

/// What preparing a rule needs.
pub struct Compiler<'a> {
    /// Phrases of all rules.
    pub table: &'a mut PhraseTable,
    /// All rules as their files say: one may use the condition of another.
    pub library: &'a Library,
    /// How many rules this one lies in.
    pub depth: usize,
    /// Conditions of this rule that have a name, as its file says: each is prepared where it is used, for or against
    /// somebody.
    pub named: BTreeMap<String, Condition>,
    /// Lists of words of this rule, for its expressions.
    pub words: Words,
    /// True while preparing what excuses people: phrases are then heard more readily.
    pub lenient: bool,
    /// True while preparing what, once found, speaks against somebody: short phrases then need the borders of words.
    pub accuses: bool,
    /// Mistakes so far.
    pub problems: Vec<Problem>,
    normalizer: Normalizer,
}

impl<'a> Compiler<'a> {
    /// A compiler that enters phrases into this table, for a rule that may refer to those of the library.
    pub fn new(table: &'a mut PhraseTable, library: &'a Library) -> Self {
        Self {
            table,
            library,
            depth: 0,
            named: BTreeMap::new(),
            words: Words::new(),
            lenient: false,
            accuses: true,
            problems: Vec::new(),
            normalizer: Normalizer::matching(),
        }
    }

    /// Adds a mistake at a place.
    pub fn wrong(&mut self, place: &Location, message: impl Into<String>) {
        self.problems.push(Problem {
            line: place.line() as usize,
            column: place.column() as usize,
            message: message.into(),
        });
    }

    /// Adds a mistake of the file as a whole, or of something whose place is not known.
    pub fn wrong_somewhere(&mut self, message: impl Into<String>) {
        self.problems.push(Problem { line: 0, column: 0, message: message.into() });
    }

    /// Adds a mistake unless it holds.
    pub fn expect(&mut self, holds: bool, place: &Location, message: impl Into<String>) {
        if !holds {
            self.wrong(place, message);
        }
    }

    /// Runs with phrases that speak against somebody, or for them.
    pub fn accusing(&mut self, accuses: bool, run: impl FnOnce(&mut Self)) {
        let before = std::mem::replace(&mut self.accuses, accuses);
        run(self);
        self.accuses = before;
    }

    /// Takes what has a name in this rule; what had one before comes back.
    pub fn enter(&mut self, rule: &Rule) -> (BTreeMap<String, Condition>, Words) {
        let named = std::mem::replace(&mut self.named, rule.conditions.clone());
        (named, std::mem::replace(&mut self.words, rule.words.clone()))
    }

    /// Runs inside another rule, with what has a name there.
    pub fn inside(&mut self, rule: &Rule, run: impl FnOnce(&mut Self)) {
        let before = self.enter(rule);
        self.depth += 1;
        run(self);
        self.depth -= 1;
        (self.named, self.words) = before;
    }

    /// A text in matching form.
    pub fn matching(&self, text: &str) -> Vec<char> {
        self.normalizer.normalize(text).chars().to_vec()
    }
}
