//! Speakers of transcripts from elsewhere: named by their role, or only told apart by a number.

use std::collections::BTreeMap;

use callsift_core::{SpeakerRole, Turn};
use serde_json::Value;

use crate::roles;
use crate::transcript::GivenTurn;

/// Who speaks, as a transcript says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Speaker {
    /// By role; [`SpeakerRole::Unknown`] for a name that is none (a machine's, say).
    Named(SpeakerRole),
    /// By number: `0`, `spk_1`, `SPEAKER_00`. Which of them is the agent is not said.
    Numbered(u16),
}

/// What may stand before a number.
const PREFIXES: [&str; 6] = ["speaker", "spk", "channel", "ch", "说话人", "声道"];

impl Speaker {
    /// Reads a role or number.
    pub(crate) fn of(value: &Value) -> Result<Self, String> {
        let text = match value {
            Value::String(text) => text.clone(),
            Value::Number(number) => number.to_string(),
            // Said not to be known, as by a recogniser that tells no speakers apart.
            Value::Null => return Ok(Self::Named(SpeakerRole::Unknown)),
            _ => return Err("`role` is neither a name nor a number".to_owned()),
        };
        let plain: String = text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect();
        let plain = callsift_text::to_simplified(&plain);
        let role = named(&plain);
        let number = PREFIXES.iter().find_map(|p| plain.strip_prefix(p)).unwrap_or(&plain);
        // A and B, left and right: told apart, not named.
        let number = match number {
            "a" | "left" | "左" => "0",
            "b" | "right" | "右" => "1",
            other => other,
        };
        match number.parse() {
            Ok(number) if role == SpeakerRole::Unknown => Ok(Self::Numbered(number)),
            _ => Ok(Self::Named(role)),
        }
    }

    /// The role as far as it is said.
    pub(crate) fn role(self) -> SpeakerRole {
        match self {
            Self::Named(role) => role,
            Self::Numbered(_) => SpeakerRole::Unknown,
        }
    }
}

/// The role that a name begins with: 客服王芳, 坐席3021, `agent_1`.
fn named(plain: &str) -> SpeakerRole {
    const AGENTS: [&str; 9] = ["坐席", "座席", "客服", "话务员", "员工", "agent", "staff", "operator", "assistant"];
    const CUSTOMERS: [&str; 8] = ["客户", "用户", "顾客", "来电人", "customer", "client", "caller", "user"];
    let begins = |list: &[&str]| list.iter().any(|name| plain.starts_with(name));
    match (begins(&AGENTS), begins(&CUSTOMERS)) {
        (true, _) => SpeakerRole::Agent,
        (_, true) => SpeakerRole::Customer,
        _ => SpeakerRole::parse(plain),
    }
}

/// Gives numbered speakers the roles that their words speak for, each with its confidence: all turns of a number are
/// one person's.
pub(crate) fn name(turns: &mut [GivenTurn]) {
    let mut odds: BTreeMap<u16, f64> = BTreeMap::new();
    for (turn, speaker, _) in turns.iter() {
        if let Speaker::Numbered(number) = speaker {
            *odds.entry(*number).or_default() += roles::odds_of(&turn.text());
        }
    }
    // Of two people one is the agent: what speaks for one speaks against the other.
    if let [(_, a), (_, b)] = &mut odds.iter_mut().collect::<Vec<_>>()[..] {
        (**a, **b) = (**a - **b, **b - **a);
    }
    for (turn, speaker, _) in turns.iter_mut() {
        let Speaker::Numbered(number) = speaker else { continue };
        set_role(turn, *number, odds.get(number).copied().unwrap_or(0.0));
    }
}

fn set_role(turn: &mut Turn, channel: u16, odds: f64) {
    turn.channel = channel;
    let agent = roles::probability(odds);
    let (role, confidence) =
        if odds >= 0.0 { (SpeakerRole::Agent, agent) } else { (SpeakerRole::Customer, 1.0 - agent) };
    // Nothing that was said tells: half a chance is no role.
    turn.role = if odds == 0.0 { SpeakerRole::Unknown } else { role };
    turn.role_confidence = if odds == 0.0 { 0.0 } else { confidence };
}

#[cfg(test)]
mod tests {
    use callsift_core::SpeakerRole;
    use serde_json::{Value, json};

    use super::Speaker;
    use crate::Transcript;

    #[test]
    fn names_and_numbers_of_speakers_are_read() {
        use SpeakerRole::{Agent, Customer, Unknown};
        let of = |value: Value| Speaker::of(&value).unwrap();
        for (role, names) in [
            (Agent, &["agent", "AGENT", "Agent ", "坐席", "座席", "客服", "话务员"][..]),
            (Customer, &["customer", "客户", "用户", "顾客"]),
            (Unknown, &["ivr", "系统", ""]),
        ] {
            assert!(names.iter().all(|n| of(json!(n)) == Speaker::Named(role)), "{names:?}");
        }
        for number in [json!(1), json!("1"), json!("spk_1"), json!("SPEAKER_01"), json!("Speaker 1"), json!("说话人1")]
        {
            assert_eq!(of(number.clone()), Speaker::Numbered(1), "{number}");
        }
        assert_eq!(Speaker::of(&json!(null)), Ok(Speaker::Named(SpeakerRole::Unknown)));
    }

    #[test]
    fn numbered_speakers_get_roles_by_their_words() {
        let turn =
            |spk: &str, at: i64, text: &str| json!({"speaker": spk, "start_ms": at, "end_ms": at + 900, "text": text});
        let call = json!({"call_id": "k", "turns": [
            turn("spk_1", 0, "您好，订货中心，工号三零二一。"), turn("spk_0", 1000, "我要订五条红塔山。"), turn("spk_1", 2000, "好的。")]});
        let call = Transcript::parse(&call.to_string()).unwrap();
        let roles: Vec<_> = call.turns.iter().map(|t| (t.role, t.channel)).collect();
        assert_eq!(roles, [(SpeakerRole::Agent, 1), (SpeakerRole::Customer, 0), (SpeakerRole::Agent, 1)]);
        assert!(call.turns.iter().all(|t| t.role_confidence > 0.9 && t.role_confidence < 1.0));
        let dumb = json!({"call_id": "k", "turns": [turn("0", 0, "嗯。"), turn("1", 1000, "嗯。")]});
        let dumb = Transcript::parse(&dumb.to_string()).unwrap();
        assert!(dumb.turns.iter().all(|t| t.role == SpeakerRole::Unknown && t.role_confidence == 0.0));
    }
}
