//! What `config.json` says of a text model.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

/// How logits become probabilities.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Activation {
    /// One label of the head is true: probabilities sum to 1.
    #[default]
    Softmax,
    /// Each label for itself.
    Sigmoid,
}

/// One question that the model answers.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Head {
    /// Name; the output is `<name>_logits`, or `logits` where there is one head.
    pub name: String,
    /// Labels in the order of the logits. Names are unique over all heads, for rules know only the label.
    pub labels: Vec<String>,
    /// Divides the logits, so that probabilities are what they say (calibration); above 0. Default 1.
    #[serde(default = "one")]
    pub temperature: f64,
    /// How logits become probabilities. Default softmax.
    #[serde(default)]
    pub activation: Activation,
    /// Probability from which a label is to be believed, as its trainer measured; rules may ask for another.
    #[serde(default)]
    pub thresholds: BTreeMap<String, f64>,
}

/// Settings of a text model.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelConfig {
    /// Questions, in the order of the labels given out.
    pub heads: Vec<Head>,
    /// True where the model reads the previous turn too, as the first of a pair. Default false.
    #[serde(default)]
    pub pair_input: bool,
    /// Most tokens of one input, special ones included. Default 128: a long turn.
    #[serde(default = "usual_length")]
    pub max_length: usize,
    /// Turns computed at once, those of like length together. Default 16.
    #[serde(default = "usual_batch")]
    pub batch: usize,
    /// Models whose answers this one reads instead of tokens. Default none.
    #[serde(default)]
    pub joins: Option<Joins>,
}

/// The models that a joined one reads.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Joins {
    /// The sentence encoder: vectors of the turn and of the turn before it.
    pub sentences: Part,
    /// The text model whose logits are read.
    pub labels: Part,
}

/// One of them.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Part {
    /// Name of its folder.
    pub model: String,
    /// SHA-256 of its `model.onnx`.
    pub sha256: String,
}

fn one() -> f64 {
    1.0
}

fn usual_length() -> usize {
    128
}

fn usual_batch() -> usize {
    16
}

/// The parts of a Hugging Face configuration that are read; the rest is the trainer's business.
#[derive(Deserialize)]
struct HubConfig {
    id2label: Option<BTreeMap<String, String>>,
    callsift: Option<ModelConfig>,
}

impl ModelConfig {
    /// Reads `config.json`; the error says what is wrong.
    pub fn parse(json: &str) -> Result<Self, String> {
        let hub: HubConfig = serde_json::from_str(json).map_err(|error| error.to_string())?;
        let config = match (hub.callsift, hub.id2label) {
            (Some(config), _) => config,
            (None, Some(labels)) => Self::of_hub(labels)?,
            (None, None) => return Err("neither id2label nor callsift.heads names the labels".to_owned()),
        };
        config.check()?;
        Ok(config)
    }

    fn of_hub(mut id2label: BTreeMap<String, String>) -> Result<Self, String> {
        let labels: Option<Vec<_>> = (0..id2label.len()).map(|id| id2label.remove(&id.to_string())).collect();
        let labels = labels.ok_or("the keys of id2label are not 0, 1, 2, …")?;
        let (name, thresholds) = ("sentiment".to_owned(), BTreeMap::new());
        let head = Head { name, labels, temperature: 1.0, activation: Activation::Softmax, thresholds };
        Ok(Self { heads: vec![head], pair_input: false, max_length: usual_length(), batch: usual_batch(), joins: None })
    }

    fn check(&self) -> Result<(), String> {
        let mut seen = BTreeSet::new();
        for head in &self.heads {
            let range = |value: f64| value.is_finite() && value > 0.0;
            if head.labels.is_empty() || !range(head.temperature) {
                return Err(format!("head {} has no labels, or a temperature that is not above 0", head.name));
            }
            if let Some(label) = head.labels.iter().find(|label| !seen.insert(label.as_str())) {
                return Err(format!("label {label} is there twice"));
            }
            if let Some(label) = head.thresholds.keys().find(|label| !head.labels.contains(label)) {
                return Err(format!("threshold of {label}, which is no label of head {}", head.name));
            }
        }
        if self.heads.is_empty() || !(8..=4096).contains(&self.max_length) || !(1..=256).contains(&self.batch) {
            return Err("no heads, or max_length not in 8 to 4096, or batch not in 1 to 256".to_owned());
        }
        Ok(())
    }
}

impl Head {
    /// Calibrated probabilities of one row of logits, in the order of the labels.
    pub fn probabilities(&self, logits: &[f32]) -> Vec<f64> {
        let scaled: Vec<f64> = logits.iter().map(|&logit| f64::from(logit) / self.temperature).collect();
        match self.activation {
            Activation::Sigmoid => scaled.iter().map(|logit| 1.0 / (1.0 + (-logit).exp())).collect(),
            Activation::Softmax => {
                let highest = scaled.iter().copied().fold(f64::NEG_INFINITY, f64::max);
                let powers: Vec<f64> = scaled.iter().map(|logit| (logit - highest).exp()).collect();
                let sum: f64 = powers.iter().sum();
                powers.iter().map(|power| power / sum).collect()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(temperature: f64, activation: Activation) -> Head {
        let labels = vec!["a".to_owned(), "b".to_owned()];
        Head { name: "h".to_owned(), labels, temperature, activation, thresholds: BTreeMap::new() }
    }

    #[test]
    fn plain_hub_folders_need_only_id2label() {
        let config = ModelConfig::parse(r#"{"model_type":"bert","id2label":{"1":"neg","0":"pos"}}"#).unwrap();
        assert_eq!(
            (config.heads[0].labels.as_slice(), config.pair_input),
            (&["pos".to_owned(), "neg".to_owned()][..], false)
        );
    }

    #[test]
    fn mistakes_are_named() {
        let cases = [
            ("{}", "neither id2label"),
            (r#"{"id2label":{"1":"a"}}"#, "not 0, 1, 2"),
            (r#"{"callsift":{"heads":[],"pairs":true}}"#, "unknown field `pairs`"),
            (r#"{"callsift":{"heads":[{"name":"h","labels":["a"],"temperature":0}]}}"#, "temperature"),
            (r#"{"callsift":{"heads":[{"name":"h","labels":["a","a"]}]}}"#, "twice"),
            (r#"{"callsift":{"heads":[{"name":"h","labels":["a"],"thresholds":{"b":0.5}}]}}"#, "no label"),
            (r#"{"callsift":{"heads":[]}}"#, "no heads"),
        ];
        for (json, want) in cases {
            let error = ModelConfig::parse(json).unwrap_err();
            assert!(error.contains(want), "{error}");
        }
    }

    #[test]
    fn temperature_softens_and_huge_logits_do_not_overflow() {
        let sharp = head(1.0, Activation::Softmax).probabilities(&[2.0, 0.0]);
        let soft = head(4.0, Activation::Softmax).probabilities(&[2.0, 0.0]);
        assert!((sharp[0] - 0.880_797).abs() < 1e-6 && (soft[0] - 0.622_459).abs() < 1e-6);
        assert_eq!(head(1.0, Activation::Softmax).probabilities(&[3e38, 0.0]), [1.0, 0.0]);
        assert_eq!(head(1.0, Activation::Sigmoid).probabilities(&[0.0, 0.0]), [0.5, 0.5]);
    }
}
