//! A call that another system transcribed: one line of JSON to turns.

use std::collections::BTreeMap;

use callsift_core::{Alternative, Mark, TimeSpan, Turn};
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::{Map, Value};

use crate::lenient::mended;
use crate::mark_overlap;
use crate::speakers::{self, Speaker};

/// Times beyond this are a mistake: thirty days in milliseconds.
const MAX_MS: i64 = 30 * 24 * 3_600_000;

/// A call of a transcripts file.
#[derive(Debug, Clone, PartialEq)]
pub struct Transcript {
    /// Id of the call.
    pub call_id: String,
    /// Fields besides id, turns and `expect`: metadata, as text.
    pub fields: BTreeMap<String, String>,
    /// Turns in order of time.
    pub turns: Vec<Turn>,
}

#[derive(Deserialize)]
struct Line<T> {
    #[serde(alias = "callId", alias = "通话编号", alias = "通话ID", alias = "通话id")]
    call_id: Value,
    turns: T,
    #[serde(flatten)]
    rest: Map<String, Value>,
}

impl Transcript {
    /// Reads a line. Keys that nobody knows are kept: those of the call in `fields`, those of turns as JSON in the field
    /// `turn_extra`. What other programs write for "no number", and halves of surrogate pairs, are mended ([`crate::lenient`]).
    ///
    /// # Errors
    /// What is wrong with it, in words.
    pub fn parse(line: &str) -> Result<Self, String> {
        let line: Line<Vec<Map<String, Value>>> = read(line)?;
        let mut fields = fields(line.rest);
        let (turns, extra) = turns(line.turns)?;
        if !extra.is_empty() {
            fields.insert("turn_extra".to_owned(), Value::Array(extra).to_string());
        }
        Ok(Self { call_id: id(&line.call_id)?, turns, fields })
    }

    /// Reads only id and metadata of a line; whether its turns are sound remains to be seen.
    ///
    /// # Errors
    /// As above.
    pub fn parse_head(line: &str) -> Result<(String, BTreeMap<String, String>), String> {
        let line: Line<IgnoredAny> = read(line)?;
        Ok((id(&line.call_id)?, fields(line.rest)))
    }
}

/// Strictly first: most lines are sound, and to look for what is not takes time.
fn read<T: for<'de> Deserialize<'de>>(line: &str) -> Result<T, String> {
    serde_json::from_str(line).or_else(|error| {
        let mended = mended(line).ok_or_else(|| error.to_string())?;
        serde_json::from_str(&mended).map_err(|e| e.to_string())
    })
}

fn id(id: &Value) -> Result<String, String> {
    match id {
        Value::String(text) if !text.trim().is_empty() => Ok(text.clone()),
        Value::Number(number) if !number.is_f64() => Ok(number.to_string()),
        Value::Number(number) => {
            Err(format!("`call_id` {number} is a number that lost its last digits: write it as text"))
        }
        _ => Err("`call_id` is empty or no text".to_owned()),
    }
}

fn fields(rest: Map<String, Value>) -> BTreeMap<String, String> {
    let rest = rest.into_iter().filter(|(k, v)| k != "expect" && !v.is_null());
    rest.map(|(k, v)| (k, v.as_str().map_or_else(|| v.to_string(), str::to_owned))).collect()
}

/// Turns in order of time, and what else was said of them; what was said is spread evenly over each turn, with probability 1
/// where none is given.
fn turns(given: Vec<Map<String, Value>>) -> Result<(Vec<Turn>, Vec<Value>), String> {
    let mut turns = Vec::with_capacity(given.len());
    for (i, object) in given.into_iter().enumerate() {
        turns.extend(turn(object).map_err(|reason| format!("turn {i}: {reason}"))?);
    }
    turns.sort_by_key(|(t, ..)| (t.span.start_ms, t.span.end_ms, t.channel));
    speakers::name(&mut turns);
    let (mut out, mut extra) = (Vec::with_capacity(turns.len()), Vec::new());
    for (index, (mut turn, _, mut rest)) in (0u32..).zip(turns) {
        turn.index = index;
        out.push(turn);
        if !rest.is_empty() {
            rest.insert("turn".to_owned(), index.into());
            extra.push(Value::Object(rest));
        }
    }
    mark_overlap(&mut out);
    Ok((out, extra))
}

/// A turn, who speaks, and the keys that nobody knows.
pub(crate) type GivenTurn = (Turn, Speaker, Map<String, Value>);

/// A turn as given; `None` where it holds nothing but signs for silence or music: nobody spoke.
fn turn(mut given: Map<String, Value>) -> Result<Option<GivenTurn>, String> {
    let speaker = given.remove("role").or_else(|| given.remove("speaker"));
    let speaker = Speaker::of(&speaker.ok_or("`role` is missing")?)?;
    let (start_ms, end_ms) = (ms(&mut given, "start_ms")?, ms(&mut given, "end_ms")?);
    if start_ms < 0 || end_ms < start_ms || end_ms > MAX_MS {
        return Err(format!("`start_ms` {start_ms} and `end_ms` {end_ms} are no span"));
    }
    let text = match given.remove("text") {
        Some(Value::String(text)) => text,
        Some(Value::Null) => String::new(),
        Some(_) => return Err("`text` is no text".to_owned()),
        None => return Err("`text` is missing".to_owned()),
    };
    let prob = match given.remove("confidence") {
        None | Some(Value::Null) => 1.0,
        Some(value) => number(&value).ok_or("`confidence` is no number")?.clamp(0.0, 1.0),
    };
    let confidences = confidences(&mut given, &text)?;
    let marks = marks(&mut given);
    let alternatives = alternatives(&mut given)?;
    let spoken = callsift_text::spoken(&text);
    let mut turn = Turn::from_text(0, speaker.role(), TimeSpan::new(start_ms, end_ms), &spoken.text, prob as f32);
    if let Some(probs) = confidences.filter(|_| spoken.text == text) {
        turn.chars.iter_mut().zip(&probs).for_each(|(c, prob)| c.prob = *prob as f32);
        turn.confidence = probs.iter().sum::<f64>() / probs.len().max(1) as f64;
    }
    turn.marks = spoken.marks.into_iter().chain(marks).collect();
    turn.marks.sort_unstable();
    turn.marks.dedup();
    turn.alternatives = alternatives;
    if let Some(sure) = given.remove("role_confidence").as_ref().and_then(number) {
        turn.role_confidence = turn.role_confidence.min(sure.clamp(0.0, 1.0));
    }
    Ok((!spoken.is_silence).then_some((turn, speaker, given)))
}

/// Probability of each character of the text, where they are given.
fn confidences(given: &mut Map<String, Value>, text: &str) -> Result<Option<Vec<f64>>, String> {
    let values = match given.remove("confidences") {
        None | Some(Value::Null) => return Ok(None),
        Some(Value::Array(values)) => values,
        Some(_) => return Err("`confidences` is no list".to_owned()),
    };
    let wanted = text.chars().count();
    if values.len() != wanted {
        return Err(format!("`confidences` has {} numbers for {wanted} characters", values.len()));
    }
    let probs: Option<Vec<f64>> = values.iter().map(|v| number(v).map(|p| p.clamp(0.0, 1.0))).collect();
    probs.map(Some).ok_or_else(|| "`confidences` holds what is no number".to_owned())
}

/// Other readings of the turn with their log-likelihoods beside `text`: `[["您好，订货中心", -2.5]]`.
fn alternatives(given: &mut Map<String, Value>) -> Result<Vec<Alternative>, String> {
    let readings = match given.remove("alternatives") {
        None | Some(Value::Null) => return Ok(Vec::new()),
        Some(readings) => serde_json::from_value::<Vec<(String, f64)>>(readings),
    };
    let readings = readings.map_err(|e| format!("`alternatives` is no list of texts and numbers: {e}"))?;
    let mut readings: Vec<Alternative> =
        readings.into_iter().map(|(text, score)| Alternative { text, score }).collect();
    readings.sort_by(|a, b| b.score.total_cmp(&a.score).then_with(|| a.text.cmp(&b.text)));
    Ok(readings)
}

/// Reasons for care by their names in the tables; names that are not known are another system's, and stay in `turn_extra`.
fn marks(given: &mut Map<String, Value>) -> Vec<Mark> {
    let Some(Value::Array(names)) = given.get("marks") else { return Vec::new() };
    let marks: Option<Vec<Mark>> = names.iter().map(|name| name.as_str().and_then(Mark::parse)).collect();
    if marks.is_some() {
        given.remove("marks");
    }
    marks.unwrap_or_default()
}

/// Whole milliseconds; a number with decimals is rounded.
fn ms(given: &mut Map<String, Value>, name: &str) -> Result<i64, String> {
    let value = given.remove(name).ok_or_else(|| format!("`{name}` is missing"))?;
    match value.as_i64() {
        Some(ms) => Ok(ms),
        // What lies beyond is clamped and then is no span.
        None => number(&value).map(|ms| ms.round() as i64).ok_or_else(|| format!("`{name}` is no number")),
    }
}

fn number(value: &Value) -> Option<f64> {
    let number = value.as_f64().or_else(|| value.as_str()?.trim().parse().ok())?;
    number.is_finite().then_some(number)
}

#[cfg(test)]
mod tests {
    use callsift_core::{Mark, SpeakerRole, TimeSpan};

    use super::Transcript;

    #[test]
    fn turns_are_sorted_and_metadata_is_kept() {
        let line = r#"{"call_id":"k","queue":"order","tenure_months":8,"expect":{"a":"hit"},"turns":[
            {"role":"customer","start_ms":2500,"end_ms":4000,"text":"五条"},
            {"role":"agent","start_ms":0,"end_ms":2600,"text":"您好","confidence":0.5}]}"#;
        let call = Transcript::parse(line).unwrap();
        assert_eq!(call.turns[0].text(), "您好");
        assert_eq!((call.turns[0].overlap_ms, call.turns[1].overlap_ms), (100, 100));
        assert_eq!(call.fields["tenure_months"], "8");
        assert!(!call.fields.contains_key("expect"));
    }

    #[test]
    fn what_no_person_said_is_left_out_or_marked() {
        let line = r#"{"call_id":"k","turns":[
            {"role":"agent","start_ms":0,"end_ms":2000,"text":"<|zh|><|NEUTRAL|>您好"},
            {"role":"agent","start_ms":2000,"end_ms":3000,"text":"[BLANK_AUDIO]"},
            {"role":"agent","start_ms":3000,"end_ms":4000,"text":"请不吝点赞订阅"},
            {"role":"customer","start_ms":4000,"end_ms":5000,"text":"（听不清）"}]}"#;
        let call = Transcript::parse(line).unwrap();
        let seen: Vec<_> = call.turns.iter().map(|t| (t.text(), t.marks.clone())).collect();
        assert_eq!(
            seen,
            [
                ("您好".to_owned(), vec![]),
                ("请不吝点赞订阅".to_owned(), vec![Mark::Hallucination]),
                (String::new(), vec![Mark::Uncovered])
            ]
        );
    }

    #[test]
    fn what_is_wrong_is_said() {
        let of = |line: &str| Transcript::parse(line).unwrap_err();
        assert!(of("{\"call_id\":\"\",\"turns\":[]}").contains("empty"));
        assert!(of("{\"call_id\":\"a\"}").contains("turns"));
        let span = r#"{"call_id":"a","turns":[{"role":"agent","start_ms":5,"end_ms":9223372036854775807,"text":"x"}]}"#;
        assert!(of(span).contains("no span"));
    }

    #[test]
    fn what_a_recogniser_said_of_its_characters_is_kept() {
        let line = r#"{"call_id":"k","turns":[
            {"role":"agent","start_ms":0,"end_ms":2000,"text":"您好","confidences":[0.5,"0.25"],"marks":["low_confidence"],
             "role_confidence":0.4,"alternatives":[["您早",-9],["你好",-1.5]]},
            {"role":"agent","start_ms":3000,"end_ms":4000,"text":"请讲","marks":["odd"]}]}"#;
        let call = Transcript::parse(line).unwrap();
        let probs: Vec<f32> = call.turns[0].chars.iter().map(|c| c.prob).collect();
        assert_eq!((probs, call.turns[0].confidence), (vec![0.5, 0.25], 0.375));
        assert_eq!((call.turns[0].role_confidence, call.turns[1].role_confidence), (0.4, 1.0));
        let readings: Vec<_> = call.turns[0].alternatives.iter().map(|a| (a.text.as_str(), a.score)).collect();
        assert_eq!(readings, [("你好", -1.5), ("您早", -9.0)], "the likeliest first");
        assert_eq!(call.turns[0].marks, [Mark::LowConfidence]);
        assert!(call.turns[1].marks.is_empty() && call.fields["turn_extra"].contains("odd"));
    }

    #[test]
    fn what_is_plain_is_taken() {
        let line = r#"{"call_id":20261116090010001,"班组":"一组","turns":[
            {"role":"AGENT","start_ms":0.4,"end_ms":"1999.6","text":"您好\ud83d","confidence":NaN,"emotion":"calm"},
            {"speaker":"客户","start_ms":2500,"end_ms":4000,"text":null,"words":[1]}]}"#;
        let call = Transcript::parse(line).unwrap();
        assert_eq!((call.call_id.as_str(), call.fields["班组"].as_str()), ("20261116090010001", "一组"));
        let [agent, customer] = &call.turns[..] else { panic!("two turns") };
        assert_eq!(
            (agent.role, agent.span, agent.text().as_str()),
            (SpeakerRole::Agent, TimeSpan::new(0, 2000), "您好\u{fffd}")
        );
        assert_eq!((customer.role, customer.text().as_str()), (SpeakerRole::Customer, ""));
        assert_eq!(call.fields["turn_extra"], r#"[{"emotion":"calm","turn":0},{"turn":1,"words":[1]}]"#);
        let nobody = r#"{"call_id":"a","turns":[{"role":null,"start_ms":0,"end_ms":900,"text":"您好"}]}"#;
        assert_eq!(Transcript::parse(nobody).unwrap().turns[0].role, SpeakerRole::Unknown);
    }

    #[test]
    fn what_is_not_plain_has_a_reason_with_its_turn() {
        let of = |turn: &str| Transcript::parse(&format!(r#"{{"call_id":"a","turns":[{turn}]}}"#)).unwrap_err();
        for (turn, says) in [
            (r#"{"role":"agent","start_ms":NaN,"end_ms":1,"text":"x"}"#, "turn 0: `start_ms` is no number"),
            (r#"{"role":"agent","start_ms":0,"text":"x"}"#, "turn 0: `end_ms` is missing"),
            (r#"{"start_ms":0,"end_ms":1,"text":"x"}"#, "turn 0: `role` is missing"),
            (r#"{"role":"agent","start_ms":0,"end_ms":1}"#, "turn 0: `text` is missing"),
            (r#"{"role":["agent"],"start_ms":0,"end_ms":1,"text":"x"}"#, "turn 0: `role` is neither"),
            (r#"{"role":"agent","start_ms":0,"end_ms":1e300,"text":"x"}"#, "no span"),
            (r#"{"role":"agent","start_ms":0,"end_ms":1,"text":"x","confidence":"high"}"#, "`confidence` is no number"),
            (
                r#"{"role":"agent","start_ms":0,"end_ms":1,"text":"x","confidences":[1,1]}"#,
                "2 numbers for 1 characters",
            ),
        ] {
            assert!(of(turn).contains(says), "{}", of(turn));
        }
        assert!(Transcript::parse(r#"{"call_id":2.02611e30,"turns":[]}"#).unwrap_err().contains("digits"));
    }
}
