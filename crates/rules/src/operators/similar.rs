//! A sentence that is like one of the examples, by characters and by sound.

use callsift_core::{Evidence, MatchKind};
use callsift_text::{SoundText, likeness};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_saphyr::Spanned;

use super::{EXCEPT, Operator, OperatorDoc};
use crate::compile::Compiler;
use crate::logic::Eval;
use crate::phrases::{Ear, Phrases};
use crate::sentences::said;
use crate::view::{CallView, Selection, TurnView};

/// What the registry says.
pub const DOC: OperatorDoc = OperatorDoc {
    name: "similar",
    title: "相似句",
    checks: "话轮里有一个分句与例句相似：按字与按读音的二元组重合度（Dice 系数）取大者。分句以标点切分，相邻两句也合起来比。",
    params: &[("any", "例句列表，像其中一句即可"), ("at_least", "最低相似度，0 到 1，默认 0.7"), EXCEPT],
    example: "similar: { any: [请问还有什么可以帮您], at_least: 0.7 }",
    holds: "turns: [\"agent: 好的，请问您还有什么可以帮您的吗？\"]",
    fails: "turns: [\"agent: 请问您要几条\"]",
    blind_spots: "意思相同而用字全不同的句子；识别结果没有标点时分句切不开，长话轮会稀释相似度。",
};

/// Parameters of the operator.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Similar {
    /// Sentences; one of them is enough.
    #[schemars(with = "Vec<String>")]
    pub any: Vec<Spanned<String>>,
    /// Least likeness, 0 to 1; 0.7 where absent.
    #[serde(default)]
    #[schemars(with = "Option<f64>")]
    pub at_least: Option<Spanned<f64>>,
    /// A turn that holds one of these is excused.
    #[serde(default)]
    pub except: Phrases,
    #[serde(skip)]
    sentences: Vec<SoundText>,
}

impl Operator for Similar {
    fn compile(&mut self, cx: &mut Compiler<'_>) {
        self.except.compile(cx, Ear::Exact);
        if self.any.is_empty() {
            cx.wrong_somewhere("`similar` needs at least one sentence in `any`");
        }
        for sentence in &self.any {
            let chars = cx.matching(&sentence.value);
            cx.expect(chars.len() >= 4, &sentence.referenced, "a sentence to compare with needs at least 4 characters");
            self.sentences.push(SoundText::new(&chars));
        }
        if let Some(at_least) = &self.at_least {
            let good = (0.3..=1.0).contains(&at_least.value);
            cx.expect(good, &at_least.referenced, "`at_least` is a likeness, 0.3 to 1; lower is met by anything");
        }
    }

    fn eval(&self, call: &CallView<'_>, on: &Selection, path: &str) -> Eval {
        let (mut evidence, mut best) = (Vec::new(), 0.0f64);
        for turn in on.views(call).filter(|t| !self.except.any_in(t)) {
            let found = self.best_in(turn, path);
            best = found.as_ref().map_or(best, |(score, _)| best.max(*score));
            evidence.extend(found.filter(|(score, _)| *score >= self.limit()).map(|(_, e)| e));
        }
        let note = call.words(said!(SIMILAR, best, self.limit()));
        Eval::found(path, evidence, note)
    }
}

impl Similar {
    fn limit(&self) -> f64 {
        self.at_least.as_ref().map_or(0.7, |v| v.value)
    }

    fn best_in(&self, turn: &TurnView<'_>, path: &str) -> Option<(f64, Evidence)> {
        let clauses = turn.clauses();
        let pairs = clauses.windows(2).map(|w| w[0].start..w[1].end);
        let mut best: Option<(f64, std::ops::Range<usize>)> = None;
        for range in clauses.iter().cloned().chain(pairs) {
            let sounds = SoundText::new(&turn.norm.chars()[range.clone()]);
            let score = self.sentences.iter().map(|s| likeness(&sounds, s)).fold(0.0, f64::max);
            if best.as_ref().is_none_or(|(b, _)| score > *b) {
                best = Some((score, range));
            }
        }
        best.map(|(score, range)| (score, turn.evidence(range, MatchKind::Similar, 1.0 - score, path)))
    }
}
