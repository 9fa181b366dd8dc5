//! Order read-back: the agent repeats the quantities that the customer gave (A16).

use callsift_core::{MatchKind, SpeakerRole};
use callsift_text::find_quantities;
use serde::Deserialize;
use serde_saphyr::Spanned;

use super::OperatorDoc;
use crate::logic::{Eval, at};
use crate::view::{CallView, Selection, TurnView};

/// What the registry says.
pub const DOC: OperatorDoc = OperatorDoc {
    name: "readback",
    checks: "After the customer's last ordered quantity (number + one of `units`), or while the order is taken, the \
             agent says at least `min_share` (0 to 1, default 0.5) of the customer's quantities again, in turns that \
             hold one of `cues` or at least two quantities. `except`: customer turns with one of these words order \
             nothing. Spoken and written numbers, 俩 and 半打 are equal.",
    example: "readback: { units: [条, 箱, 件, 包, 盒], cues: [核对, 确认, 重复, 一共], except: [坏, 少了], min_share: 0.5 }",
    blind_spots: "Which item a quantity belongs to is not compared here, nor whether a repeated number was misheard: \
                  a read-back with another number counts by its cue only where half of the quantities are right.",
};

/// Parameters of the operator.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Readback {
    /// Measure words that count ordered goods.
    pub units: Vec<char>,
    /// Words that announce a read-back.
    pub cues: Vec<String>,
    /// A customer's turn with one of these speaks of goods without ordering them (坏了三条).
    #[serde(default)]
    pub except: Vec<String>,
    /// Least share of the customer's quantities that must be said again.
    #[serde(default = "half")]
    pub min_share: Spanned<f64>,
}

fn half() -> Spanned<f64> {
    Spanned::new(0.5, serde_saphyr::Location::UNKNOWN, serde_saphyr::Location::UNKNOWN)
}

impl Readback {
    /// Adds problems for an empty list or a share that is none.
    pub fn check(&self, problems: &mut Vec<(usize, usize, String)>) {
        if self.units.is_empty() {
            problems.push((0, 0, "`units` needs at least one measure word".to_owned()));
        }
        if !(0.0..=1.0).contains(&self.min_share.value) {
            problems.push(at(&self.min_share.referenced, "`min_share` is a share, 0 to 1".to_owned()));
        }
    }

    /// Values that one turn orders or repeats, times a thousand as integers so that they compare exactly.
    fn quantities(&self, turn: &TurnView<'_>) -> Vec<i64> {
        find_quantities(turn.norm.chars())
            .into_iter()
            .filter(|q| q.unit.is_none_or(|u| self.units.contains(&u)))
            .map(|q| (q.value * 1000.0).round() as i64)
            .collect()
    }

    fn orders(&self, turn: &TurnView<'_>) -> bool {
        let text = turn.norm.text();
        !self.except.iter().any(|word| text.contains(word.as_str()))
    }

    fn is_readback(&self, turn: &TurnView<'_>, said: &[i64]) -> bool {
        let text = turn.norm.text();
        said.len() >= 2 || (!said.is_empty() && self.cues.iter().any(|cue| text.contains(cue.as_str())))
    }

    /// Compares the customer's quantities with the agent's later ones.
    pub fn eval(&self, call: &CallView<'_>, on: &Selection, path: &str) -> Eval {
        let usable = |role| call.turns.iter().filter(move |t| t.turn.role == role && !t.turn.is_unusable());
        let mut ordered: Vec<(u32, i64)> = usable(SpeakerRole::Customer)
            .filter(|t| self.orders(t))
            .flat_map(|t| self.quantities(t).into_iter().map(|q| (t.turn.index, q)))
            .collect();
        ordered.dedup();
        let total = ordered.len();
        let Some((first, _)) = ordered.first().copied() else {
            return Eval::unknown(path, "客户没有说出订货数量".to_owned());
        };
        let mut evidence = Vec::new();
        for turn in usable(SpeakerRole::Agent)
            .filter(|t| t.turn.index > first && on.candidates.contains(&(t.turn.index as usize)))
        {
            let said = self.quantities(turn);
            if !self.is_readback(turn, &said) {
                continue;
            }
            let before = ordered.len();
            for quantity in said {
                if let Some(at) = ordered.iter().position(|(index, q)| *q == quantity && *index < turn.turn.index) {
                    ordered.remove(at);
                }
            }
            if ordered.len() < before {
                evidence.push(turn.whole(MatchKind::Exact, 0.0, path));
            }
        }
        let share = (total - ordered.len()) as f64 / total as f64;
        let note = format!("客户说出{total}个数量，坐席复述{}个（{:.0}%）", total - ordered.len(), share * 100.0);
        if share < self.min_share.value {
            evidence.clear();
        }
        Eval::found(path, evidence, note)
    }
}
