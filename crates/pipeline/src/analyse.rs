//! Everything after recognition, for one call: turns, text models, rules, score.

use std::borrow::Cow;
use std::time::{Duration, Instant};

use callsift_core::{AudioInfo, LevelTrack, SentimentTrend};
use callsift_core::{CallReport, ChannelLayout, Outcome, Recording, Stage, StageName, TalkMetrics, Turn, Utterance};
use callsift_dialogue::{TurnBuilder, talk_metrics};
use callsift_rules::{CallFacts, Doubts, RuleSet, score};
use callsift_sentiment::{TextClassifier, trend};

use crate::again::SecondHearing;
use crate::config::Config;
use crate::facts;

/// Judges calls; one per thread, because a text model's session is not shared.
pub struct Analyser<'a> {
    config: &'a Config,
    rules: &'a RuleSet,
    classifier: Option<TextClassifier>,
    again: Option<SecondHearing<'a>>,
    asking: Duration,
}

impl<'a> Analyser<'a> {
    /// An analyser; without a classifier the labels stay empty.
    pub fn new(config: &'a Config, rules: &'a RuleSet, classifier: Option<TextClassifier>) -> Self {
        Self { config, rules, classifier, again: None, asking: Duration::ZERO }
    }

    /// With a recogniser to ask before anybody is accused.
    #[must_use]
    pub fn with_second_hearing(self, again: Option<SecondHearing<'a>>) -> Self {
        Self { again, ..self }
    }

    /// A recognised call to its report.
    pub fn call(&mut self, recording: Recording, mut audio: AudioInfo, utterances: Vec<Utterance>) -> CallReport {
        let levels = std::mem::take(&mut audio.levels);
        let mut turns = self.turns(&recording, audio.layout, &levels, utterances);
        for turn in &mut turns {
            turn.loudness_dbfs = levels.get(usize::from(turn.channel)).and_then(|track| track.mean_dbfs(turn.span));
        }
        let outcome = if turns.is_empty() { Outcome::Empty } else { Outcome::Ok };
        self.judge(blank(recording, outcome, Some(audio), turns))
    }

    /// Time spent on second hearings so far; starts again from nothing.
    pub fn take_asking(&mut self) -> Duration {
        std::mem::take(&mut self.asking)
    }

    /// Asks the recogniser about what rules would say that nobody said.
    fn hear_again(&mut self, report: &mut CallReport) -> Result<(), String> {
        let Some(again) = self.again.as_mut().filter(|_| self.config.rules.second_hearing) else { return Ok(()) };
        let facts = facts::of_report(report);
        let doubts = self.rules.doubts(&report.turns, &facts, &self.config.rules);
        if doubts == Doubts::default() {
            return Ok(());
        }
        let start = Instant::now();
        let asked = again.ask(&report.recording.path, &mut report.turns, &doubts);
        self.asking += start.elapsed();
        asked
    }

    /// A call transcribed elsewhere to its report; failed ones stay as they are.
    pub fn transcript(&mut self, report: CallReport) -> CallReport {
        match report.outcome {
            Outcome::Failed { .. } => report,
            _ => self.judge(report),
        }
    }

    fn turns(
        &self,
        recording: &Recording,
        layout: ChannelLayout,
        levels: &[LevelTrack],
        utterances: Vec<Utterance>,
    ) -> Vec<Turn> {
        let facts = CallFacts { meta: recording.meta.clone(), ..CallFacts::default() };
        let options = self.config.dialogue.for_call(|name| facts.field(name).map(Cow::into_owned));
        let mut builder = TurnBuilder::new(layout, &options).with_levels(levels);
        let mut turns = Vec::new();
        for utterance in utterances {
            let Ok(()) = builder.push(utterance, &mut turns);
        }
        let Ok(()) = builder.finish(&mut turns);
        turns
    }

    fn judge(&mut self, mut report: CallReport) -> CallReport {
        if let Err(error) = self.label(&mut report.turns) {
            return failed(report.recording, report.audio, StageName::Sentiment, error);
        }
        // Of a call that came as text there is nothing to hear.
        let heard = if report.audio.is_some() { self.hear_again(&mut report) } else { Ok(()) };
        if let Err(error) = heard {
            return failed(report.recording, report.audio, StageName::Asr, error);
        }
        report.metrics = talk_metrics(&report.turns, &self.config.dialogue);
        report.trend = trend(&report.turns);
        let options = &self.config.rules;
        let facts = facts::of_report(&report);
        report.findings = self.rules.evaluate(&report.turns, facts, options);
        report.score = (report.outcome == Outcome::Ok).then(|| score(&report.findings));
        report
    }

    /// Labels from the text model, in one batch.
    fn label(&mut self, turns: &mut [Turn]) -> Result<(), String> {
        self.classifier.as_mut().map_or(Ok(()), |classifier| classifier.label(turns)).map_err(|e| e.to_string())
    }
}

fn blank(recording: Recording, outcome: Outcome, audio: Option<AudioInfo>, turns: Vec<Turn>) -> CallReport {
    CallReport {
        recording,
        outcome,
        audio,
        turns,
        metrics: TalkMetrics::default(),
        trend: SentimentTrend::default(),
        findings: Vec::new(),
        score: None,
    }
}

/// The report of a call that a stage could not do. Rows do not depend on where a machine keeps recordings: the reason
/// names the recording as the tables do.
pub fn failed(recording: Recording, audio: Option<AudioInfo>, stage: StageName, reason: String) -> CallReport {
    let path = recording.path.to_string_lossy();
    let reason = if path.is_empty() { reason } else { reason.replace(path.as_ref(), &recording.name) };
    blank(recording, Outcome::Failed { stage, reason }, audio, Vec::new())
}

#[cfg(test)]
mod tests {
    use callsift_core::{CallMeta, Outcome, Recording, StageName};

    use super::failed;

    #[test]
    fn a_failed_row_does_not_depend_on_where_recordings_are_kept() {
        let reason = |path: &str| {
            let meta = CallMeta::default();
            let recording = Recording { path: path.into(), name: "day/k1.wav".to_owned(), sha256: String::new(), meta };
            match failed(recording, None, StageName::Audio, format!("file is empty: {path}")).outcome {
                Outcome::Failed { reason, .. } => reason,
                other => panic!("{other:?}"),
            }
        };
        assert_eq!(reason("/data/day/k1.wav"), "file is empty: day/k1.wav");
        assert_eq!(reason("/data/day/k1.wav"), reason("/mnt/other/day/k1.wav"));
        assert_eq!(reason(""), "file is empty: ");
    }
}
