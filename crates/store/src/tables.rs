//! The columns of each table. To add one: a line here, and a new [`crate::SCHEMA_VERSION`].

use callsift_core::{CallReport, Evidence, Finding, NearMiss, Outcome, Provenance, SpeakerRole, Turn, Verdict};
use callsift_text::{Normalizer, Segmenter};

use crate::schema::{Column, Table, TableName};
use crate::value::{Kind, Value};

/// A row of `calls`.
pub struct CallRow<'a> {
    pub(crate) report: &'a CallReport,
    pub(crate) provenance: &'a Provenance,
}

/// A row of `turns`.
pub struct TurnRow<'a> {
    pub(crate) report: &'a CallReport,
    pub(crate) turn: &'a Turn,
    pub(crate) words: &'a Segmenter,
}

/// A row of `findings`: a rule's answer, or one of its hits.
pub struct FindingRow<'a> {
    pub(crate) call_id: &'a str,
    pub(crate) finding: &'a Finding,
    pub(crate) hit: usize,
    pub(crate) ruleset_hash: &'a str,
}

impl FindingRow<'_> {
    fn evidence(&self) -> Option<&Evidence> {
        self.finding.evidence.get(self.hit)
    }

    /// What came closest to something that is absent.
    fn near_miss(&self) -> Option<&NearMiss> {
        self.finding.proof.as_ref()?.near_miss.as_ref()
    }
}

fn column<R>(name: &'static str, kind: Kind, nullable: bool, doc: &'static str, get: fn(&R) -> Value<'_>) -> Column<R> {
    Column { name, kind, nullable, since: 1, doc, get }
}

pub(crate) fn required<R>(name: &'static str, kind: Kind, doc: &'static str, get: fn(&R) -> Value<'_>) -> Column<R> {
    column(name, kind, false, doc, get)
}

pub(crate) fn optional<R>(name: &'static str, kind: Kind, doc: &'static str, get: fn(&R) -> Value<'_>) -> Column<R> {
    column(name, kind, true, doc, get)
}

/// A column that a later version of the tables brought; a required one must be a list.
fn since<R>(version: u32, mut column: Column<R>) -> Column<R> {
    column.since = version;
    column
}

fn failure<'r>(r: &'r CallRow<'_>) -> (Value<'r>, Value<'r>) {
    match &r.report.outcome {
        Outcome::Failed { stage, reason } => (stage.as_str().into(), reason.as_str().into()),
        _ => (Value::Null, Value::Null),
    }
}

fn quality(r: &CallRow<'_>, get: fn(&callsift_core::ChannelQuality) -> f64) -> Value<'static> {
    let audio = r.report.audio.as_ref();
    Value::Float64List(audio.map_or_else(Vec::new, |a| a.quality.iter().map(|q| Some(get(q))).collect()))
}

fn rules_with(r: &CallRow<'_>, verdict: Verdict) -> Value<'static> {
    let matching = r.report.findings.iter().filter(|f| f.verdict == verdict);
    Value::TextList(matching.map(|f| f.rule_id.clone()).collect())
}

fn audio<'r, T: Into<Value<'r>>>(r: &'r CallRow<'_>, get: impl Fn(&'r callsift_core::AudioInfo) -> T) -> Value<'r> {
    r.report.audio.as_ref().map_or(Value::Null, |a| get(a).into())
}

/// SHA-256 of a call's recording, as it was decoded, or as it lay there where it could not be; empty where there is none.
pub(crate) fn sha256(report: &CallReport) -> &str {
    report.audio.as_ref().map_or(report.recording.sha256.as_str(), |a| a.sha256.as_str())
}

fn gaps<'r>(r: &'r CallRow<'_>) -> impl Iterator<Item = &'r callsift_core::TimeSpan> {
    r.report.audio.iter().flat_map(|a| &a.gaps)
}

fn extra_json(r: &CallRow<'_>) -> Value<'static> {
    // A map from text to text always serialises.
    serde_json::to_string(&r.report.recording.meta.extra).unwrap_or_else(|_| "{}".to_owned()).into()
}

fn confidence(r: &CallRow<'_>) -> Value<'static> {
    let spoken: usize = r.report.turns.iter().map(Turn::spoken_chars).sum();
    let sum: f64 = r.report.turns.iter().map(|t| t.confidence * t.spoken_chars() as f64).sum();
    if spoken == 0 { Value::Null } else { Value::Float64(sum / spoken as f64) }
}

/// The table of calls.
#[expect(clippy::too_many_lines, reason = "one line per column")]
pub fn calls<'a>() -> Table<CallRow<'a>> {
    Table {
        name: TableName::Calls,
        doc: "One row per call, whatever became of it.",
        columns: vec![
            required("call_id", Kind::Text, "Unique id of the call; see Ids.", |r| {
                r.report.recording.meta.call_id.as_str().into()
            }),
            required(
                "recording",
                Kind::Text,
                "Path of the recording, relative to the recordings folder; bytes that are no UTF-8 as `�` and two hexadecimal digits.",
                |r| r.report.recording.name.as_str().into(),
            ),
            optional("started_at", Kind::Timestamp, "Start of the call.", |r| {
                r.report.recording.meta.started_at_us.into()
            }),
            optional("agent_id", Kind::Text, "Agent's number (工号).", |r| {
                r.report.recording.meta.agent_id.clone().into()
            }),
            optional("agent_name", Kind::Text, "Agent's name.", |r| r.report.recording.meta.agent_name.clone().into()),
            optional("queue", Kind::Text, "Queue or skill group.", |r| r.report.recording.meta.queue.clone().into()),
            required("direction", Kind::Text, "`inbound`, `outbound` or `unknown`.", |r| {
                r.report.recording.meta.direction.as_str().into()
            }),
            optional("customer_id", Kind::Text, "Customer's code.", |r| {
                r.report.recording.meta.customer_id.clone().into()
            }),
            optional("order_record", Kind::Text, "Order as the order system has it.", |r| {
                r.report.recording.meta.order.clone().into()
            }),
            required("extra", Kind::Text, "All other metadata fields as a JSON object.", extra_json),
            required("status", Kind::Text, "`ok`, `empty` (nobody spoke) or `failed`.", |r| {
                r.report.outcome.as_str().into()
            }),
            optional(
                "fail_stage",
                Kind::Text,
                "Stage that failed: input, audio, vad, asr, dialogue, sentiment, rules.",
                |r| failure(r).0,
            ),
            optional("fail_reason", Kind::Text, "Why it failed, with the mend where there is one.", |r| failure(r).1),
            optional("audio_sha256", Kind::Text, "SHA-256 of the recording's bytes.", |r| match sha256(r.report) {
                "" => Value::Null,
                sha256 => sha256.into(),
            }),
            optional("format", Kind::Text, "Container and codec, e.g. `wav/alaw`.", |r| audio(r, |a| a.format.clone())),
            optional("decoder", Kind::Text, "What decoded it.", |r| audio(r, |a| a.decoder.clone())),
            optional("sample_rate_hz", Kind::Int32, "Sample rate of the file in hertz.", |r| {
                r.report.audio.as_ref().map_or(Value::Null, |a| Value::Int32(a.sample_rate as i32))
            }),
            optional("channels", Kind::Int32, "Channels in the file.", |r| {
                r.report.audio.as_ref().map_or(Value::Null, |a| Value::Int32(i32::from(a.channels)))
            }),
            optional(
                "layout",
                Kind::Text,
                "`stereo` (one speaker a channel), `mono`, `fake_stereo` (same signal twice, treated as mono).",
                |r| audio(r, |a| a.layout.as_str()),
            ),
            optional("duration_ms", Kind::Int64, "Length of the recording in milliseconds.", |r| {
                audio(r, |a| Some(a.duration_ms))
            }),
            required("channel_rms_dbfs", Kind::Float64List, "Level per channel in dBFS.", |r| {
                quality(r, |q| q.rms_dbfs)
            }),
            required("channel_snr_db", Kind::Float64List, "Signal to noise ratio per channel in dB.", |r| {
                quality(r, |q| q.snr_db)
            }),
            required(
                "channel_clipped_ratio",
                Kind::Float64List,
                "Share of clipped samples per channel, 0 to 1.",
                |r| quality(r, |q| q.clipped_ratio),
            ),
            required(
                "channel_dropouts",
                Kind::Float64List,
                "Gaps of digital zero inside the signal per channel.",
                |r| quality(r, |q| q.dropouts as f64),
            ),
            since(
                3,
                required(
                    "audio_marks",
                    Kind::TextList,
                    "What is or may be wrong with the sound, see below; empty where nothing is, or without a recording.",
                    |r| {
                        let marks = r.report.audio.iter().flat_map(|a| &a.marks);
                        Value::TextList(marks.map(|m| m.as_str().to_owned()).collect())
                    },
                ),
            ),
            since(
                3,
                required(
                    "gap_start_ms",
                    Kind::Int64List,
                    "Starts of the stretches that are silent because nothing was recorded or could be decoded, milliseconds.",
                    |r| Value::Int64List(gaps(r).map(|g| g.start_ms).collect()),
                ),
            ),
            since(
                3,
                required("gap_end_ms", Kind::Int64List, "Ends of these stretches, milliseconds.", |r| {
                    Value::Int64List(gaps(r).map(|g| g.end_ms).collect())
                }),
            ),
            required("turns", Kind::Int32, "Number of turns.", |r| Value::Int32(r.report.turns.len() as i32)),
            optional("asr_confidence", Kind::Float64, "Mean character probability, 0 to 1.", confidence),
            required("agent_speech_ms", Kind::Int64, "Agent's speech in milliseconds.", |r| {
                Value::Int64(r.report.metrics.agent_speech_ms)
            }),
            required("customer_speech_ms", Kind::Int64, "Customer's speech in milliseconds.", |r| {
                Value::Int64(r.report.metrics.customer_speech_ms)
            }),
            required("overlap_ms", Kind::Int64, "Both spoke, milliseconds.", |r| {
                Value::Int64(r.report.metrics.overlap_ms)
            }),
            required("silence_ms", Kind::Int64, "Nobody spoke, from first to last word, milliseconds.", |r| {
                Value::Int64(r.report.metrics.silence_ms)
            }),
            required("longest_silence_ms", Kind::Int64, "Longest stretch of it, milliseconds.", |r| {
                Value::Int64(r.report.metrics.longest_silence_ms)
            }),
            required("agent_interruptions", Kind::Int64, "Times the agent cut in (抢话).", |r| {
                Value::Int64(r.report.metrics.agent_interruptions)
            }),
            required("customer_interruptions", Kind::Int64, "Times the customer cut in.", |r| {
                Value::Int64(r.report.metrics.customer_interruptions)
            }),
            required("agent_cpm", Kind::Float64, "Agent's pace in characters per minute of speech.", |r| {
                Value::Float64(r.report.metrics.agent_cpm)
            }),
            required("customer_cpm", Kind::Float64, "Customer's pace in characters per minute of speech.", |r| {
                Value::Float64(r.report.metrics.customer_cpm)
            }),
            required("agent_talk_share", Kind::Float64, "Agent's share of all speech, 0 to 1.", |r| {
                Value::Float64(r.report.metrics.agent_talk_share)
            }),
            required(
                "agent_sentiment_q",
                Kind::Float64List,
                "Agent's mean sentiment per quarter of the call, −1 to 1; null where silent or no model ran.",
                |r| Value::Float64List(r.report.trend.agent.to_vec()),
            ),
            required("customer_sentiment_q", Kind::Float64List, "Customer's, likewise.", |r| {
                Value::Float64List(r.report.trend.customer.to_vec())
            }),
            optional(
                "score",
                Kind::Float64,
                "Machine score: 100 less the points of all hits; 0 after a fatal hit; null where the call failed.",
                |r| r.report.score.into(),
            ),
            required("rules_hit", Kind::TextList, "Ids of the rules that hit.", |r| rules_with(r, Verdict::Hit)),
            required("rules_cannot_tell", Kind::TextList, "Ids of the rules that could not tell.", |r| {
                rules_with(r, Verdict::CannotTell)
            }),
            required("rules_not_applicable", Kind::TextList, "Ids of the rules that do not concern the call.", |r| {
                rules_with(r, Verdict::NotApplicable)
            }),
            required("asr_model", Kind::Text, "Speech model; `external` for transcripts from elsewhere.", |r| {
                r.provenance.asr_model.as_str().into()
            }),
            required("asr_sha256", Kind::Text, "SHA-256 of the speech model.", |r| {
                r.provenance.asr_sha256.as_str().into()
            }),
            required("vad_sha256", Kind::Text, "SHA-256 of the voice activity model, or `energy`.", |r| {
                r.provenance.vad_sha256.as_str().into()
            }),
            required("text_model_sha256", Kind::Text, "SHA-256 of the text model; empty where none ran.", |r| {
                r.provenance.text_model_sha256.as_str().into()
            }),
            required("ruleset_hash", Kind::Text, "Hash of all rule files in force.", |r| {
                r.provenance.ruleset_hash.as_str().into()
            }),
            required("config_hash", Kind::Text, "Hash of all options that can change a result.", |r| {
                r.provenance.config_hash.as_str().into()
            }),
            required("code_version", Kind::Text, "Version of callsift.", |r| r.provenance.code_version.as_str().into()),
        ],
    }
}

/// Readings of a turn that the recogniser was asked about.
fn readings<'a>() -> [Column<TurnRow<'a>>; 2] {
    [
        since(
            4,
            required(
                "alternatives",
                Kind::TextList,
                "Other readings of `text` that the recogniser was asked about before a rule said that something was not said, the \
                 likeliest first; empty where nothing hung on the turn.",
                |r| Value::TextList(r.turn.alternatives.iter().map(|a| a.text.clone()).collect()),
            ),
        ),
        since(
            4,
            required(
                "alternative_scores",
                Kind::Float64List,
                "Log-probability of each of them minus that of `text`, given the sound (natural logarithm).",
                |r| Value::Float64List(r.turn.alternatives.iter().map(|a| Some(a.score)).collect()),
            ),
        ),
    ]
}

/// The table of turns.
pub fn turns<'a>() -> Table<TurnRow<'a>> {
    let mut table: Table<TurnRow<'a>> = Table {
        name: TableName::Turns,
        doc: "One row per turn: what one person said until the other took over or fell silent.",
        columns: vec![
            required("call_id", Kind::Text, "Call that holds it.", |r| r.report.recording.meta.call_id.as_str().into()),
            required("turn", Kind::Int32, "Position in the call, from 0.", |r| Value::Int32(r.turn.index as i32)),
            required("role", Kind::Text, "`agent`, `customer` or `unknown`.", |r| r.turn.role.as_str().into()),
            required(
                "role_confidence",
                Kind::Float64,
                "How sure the role is, 0 to 1; 1 where the channel decides.",
                |r| Value::Float64(r.turn.role_confidence),
            ),
            required("channel", Kind::Int32, "Channel in the recording, from 0.", |r| {
                Value::Int32(i32::from(r.turn.channel))
            }),
            required("start_ms", Kind::Int64, "Start in milliseconds of the recording.", |r| {
                Value::Int64(r.turn.span.start_ms)
            }),
            required("end_ms", Kind::Int64, "End in milliseconds of the recording.", |r| {
                Value::Int64(r.turn.span.end_ms)
            }),
            required("text", Kind::Text, "What was recognised, simplified Chinese.", |r| r.turn.text().into()),
            required("text_normalized", Kind::Text, "The same with written digits and half-width signs.", |r| {
                Normalizer::reading().normalize(&r.turn.text()).text().into()
            }),
            required("words", Kind::TextList, "Words by jieba, without punctuation.", |r| {
                Value::TextList(r.words.words(&r.turn.text()))
            }),
            required(
                "char_start_ms",
                Kind::Int64List,
                "Start of each character of `text`, milliseconds. Measured by alignment with the sound where callsift's own engine \
                 recognised (the characters of one token share its time). Guessed with whisper.cpp (shared out between its time marks) \
                 and where `asr_model` is `external` (spread evenly over the turn). The same holds for `char_end_ms`.",
                |r| Value::Int64List(r.turn.chars.iter().map(|c| c.span.start_ms).collect()),
            ),
            required("char_end_ms", Kind::Int64List, "End of each character of `text`, milliseconds.", |r| {
                Value::Int64List(r.turn.chars.iter().map(|c| c.span.end_ms).collect())
            }),
            required("char_prob", Kind::Float64List, "Probability of each character of `text`, 0 to 1.", |r| {
                Value::Float64List(r.turn.chars.iter().map(|c| Some(f64::from(c.prob))).collect())
            }),
            required("confidence", Kind::Float64, "Mean of it over spoken characters.", |r| {
                Value::Float64(r.turn.confidence)
            }),
            required(
                "marks",
                Kind::TextList,
                "Reasons for care: hallucination, loop, low_confidence, too_fast, uncovered.",
                |r| Value::TextList(r.turn.marks.iter().map(|m| m.as_str().to_owned()).collect()),
            ),
            required("overlap_ms", Kind::Int64, "The other side spoke too, milliseconds.", |r| {
                Value::Int64(r.turn.overlap_ms)
            }),
            required("chars_per_min", Kind::Float64, "Pace in characters per minute.", |r| {
                Value::Float64(if r.turn.span.is_empty() {
                    0.0
                } else {
                    r.turn.spoken_chars() as f64 * 60_000.0 / r.turn.span.len_ms() as f64
                })
            }),
            since(
                2,
                optional(
                    "loudness_dbfs",
                    Kind::Float64,
                    "Level of the voice in dBFS; null without a recording.",
                    |r| r.turn.loudness_dbfs.into(),
                ),
            ),
            required("labels", Kind::TextList, "Labels of the text models.", |r| {
                Value::TextList(r.turn.labels.iter().map(|l| l.label.clone()).collect())
            }),
            required("label_probs", Kind::Float64List, "Calibrated probability of each label, 0 to 1.", |r| {
                Value::Float64List(r.turn.labels.iter().map(|l| Some(l.prob)).collect())
            }),
            required(
                "label_thresholds",
                Kind::Float64List,
                "Probability from which the model's own configuration believes each label; null where it names none.",
                |r| Value::Float64List(r.turn.labels.iter().map(|l| l.threshold).collect()),
            ),
        ],
    };
    table.columns.extend(readings());
    table
}

/// The table of findings.
pub fn findings<'a>() -> Table<FindingRow<'a>> {
    Table {
        name: TableName::Findings,
        doc: "One row per rule and call with the verdict; a rule that hits several places has one row per place, told \
          apart by `hit_index`. Points stand on the first row only, so that they may be summed.",
        columns: vec![
            required("call_id", Kind::Text, "Call that was judged.", |r| r.call_id.into()),
            required("rule_id", Kind::Text, "Rule.", |r| r.finding.rule_id.as_str().into()),
            required("title", Kind::Text, "Title of the rule in Chinese.", |r| r.finding.title.as_str().into()),
            required("category", Kind::Text, "Category of the rule.", |r| r.finding.category.as_str().into()),
            required("severity", Kind::Text, "`minor`, `moderate`, `severe` or `fatal`.", |r| {
                r.finding.severity.as_str().into()
            }),
            required("verdict", Kind::Text, "`hit`, `clear`, `cannot_tell` or `not_applicable`.", |r| {
                r.finding.verdict.as_str().into()
            }),
            required("reason", Kind::Text, "Why, in Chinese.", |r| r.finding.reason.as_str().into()),
            required("points", Kind::Float64, "Points off the score; 0 on all but the first row of a hit.", |r| {
                Value::Float64(if r.hit == 0 { r.finding.points } else { 0.0 })
            }),
            required("hit_index", Kind::Int32, "Which place, from 0.", |r| Value::Int32(r.hit as i32)),
            required("hit_count", Kind::Int32, "Places with evidence; 0 for absences and for all but hits.", |r| {
                Value::Int32(r.finding.evidence.len() as i32)
            }),
            optional("turn", Kind::Int32, "Turn of the evidence.", |r| {
                r.evidence().map_or(Value::Null, |e| Value::Int32(e.turn as i32))
            }),
            optional("role", Kind::Text, "Who said it.", |r| {
                r.evidence().map_or(Value::Null, |e| match e.role {
                    SpeakerRole::Unknown => Value::Null,
                    role => role.as_str().into(),
                })
            }),
            optional(
                "start_ms",
                Kind::Int64,
                "When, milliseconds of the recording; for absences the start of the searched window.",
                |r| {
                    r.evidence().map(|e| e.span.start_ms).or(r.finding.proof.as_ref().map(|p| p.window.start_ms)).into()
                },
            ),
            optional("end_ms", Kind::Int64, "End of it.", |r| {
                r.evidence().map(|e| e.span.end_ms).or(r.finding.proof.as_ref().map(|p| p.window.end_ms)).into()
            }),
            optional("char_start", Kind::Int32, "First character in the turn's `text`.", |r| {
                r.evidence().map_or(Value::Null, |e| Value::Int32(e.char_start as i32))
            }),
            optional("char_end", Kind::Int32, "First character after it.", |r| {
                r.evidence().map_or(Value::Null, |e| Value::Int32(e.char_end as i32))
            }),
            optional("text", Kind::Text, "What was said, original characters.", |r| {
                r.evidence().map_or(Value::Null, |e| e.text.as_str().into())
            }),
            optional(
                "match_kind",
                Kind::Text,
                "`exact`, `pattern`, `sound`, `similar`, `model`, `measure` or `absence`.",
                |r| match (r.evidence(), &r.finding.proof) {
                    (Some(e), _) => e.kind.as_str().into(),
                    (None, Some(_)) => "absence".into(),
                    _ => Value::Null,
                },
            ),
            optional(
                "match_cost",
                Kind::Float64,
                "0 exact; mean cost per syllable for sound; 1 − probability for models.",
                |r| r.evidence().map(|e| e.cost).into(),
            ),
            optional("condition", Kind::Text, "The condition that fired, as a path into the rule.", |r| {
                r.evidence().map_or(Value::Null, |e| e.condition.as_str().into())
            }),
            optional("searched_speech_ms", Kind::Int64, "Absence: speech searched, milliseconds.", |r| {
                r.finding.proof.as_ref().map(|p| p.speech_ms).into()
            }),
            optional("searched_turns", Kind::Int32, "Absence: turns searched.", |r| {
                r.finding.proof.as_ref().map_or(Value::Null, |p| Value::Int32(p.turns as i32))
            }),
            optional(
                "searched_confidence",
                Kind::Float64,
                "Absence: mean character probability of what was searched.",
                |r| r.finding.proof.as_ref().map(|p| p.mean_confidence).into(),
            ),
            optional("near_miss_text", Kind::Text, "Absence: the closest thing that was said.", |r| {
                r.near_miss().map_or(Value::Null, |n| n.text.as_str().into())
            }),
            optional("near_miss_phrase", Kind::Text, "Absence: the phrase that it resembles.", |r| {
                r.near_miss().map_or(Value::Null, |n| n.phrase.as_str().into())
            }),
            optional("near_miss_score", Kind::Float64, "Absence: likeness by sound, 0 to 1.", |r| {
                r.near_miss().map(|n| n.score).into()
            }),
            optional("near_miss_start_ms", Kind::Int64, "Absence: when that was said.", |r| {
                r.near_miss().map(|n| n.span.start_ms).into()
            }),
            required("ruleset_hash", Kind::Text, "Hash of all rule files in force.", |r| r.ruleset_hash.into()),
        ],
    }
}
