//! Roles on one channel, by what is said.
//!
//! Two hidden states, agent and customer; each utterance's words give log-odds for one of them, neighbours tend to
//! alternate, and forward–backward gives a posterior that is reported as the role's confidence. Without voices this
//! is a best effort: rules answer `cannot_tell` where it is not sure.

use callsift_core::{SpeakerRole, TimeSpan, Utterance};
use callsift_text::Normalizer;

/// Words of agents with their log-odds (natural logarithm), from the centre's own phrases of courtesy.
const AGENT: [(&str, f64); 26] = [
    ("为您服务", 4.0),
    ("工号", 3.5),
    ("很高兴为您", 3.5),
    ("有什么可以帮您", 4.0),
    ("请您稍等", 3.0),
    ("请稍等", 2.5),
    ("感谢您的来电", 4.0),
    ("感谢您的", 2.5),
    ("帮您", 2.5),
    ("给您", 1.5),
    ("跟您核对", 3.5),
    ("跟您确认", 3.0),
    ("您的订单", 2.0),
    ("请问您", 2.5),
    ("您好", 1.0),
    ("抱歉", 1.5),
    ("对不起", 1.0),
    ("祝您", 3.5),
    ("订货中心", 2.0),
    ("客服中心", 2.0),
    ("久等了", 2.5),
    ("还需要", 1.5),
    ("请您", 2.0),
    ("客户编码", 0.7),
    ("为您", 2.0),
    ("您", 0.7),
];
/// Words of customers, likewise.
const CUSTOMER: [(&str, f64); 20] = [
    ("我要订", 3.0),
    ("我想订", 3.0),
    ("我要投诉", 3.5),
    ("我要", 1.8),
    ("我想", 1.2),
    ("我的货", 3.0),
    ("给我", 2.0),
    ("你们", 2.2),
    ("我是", 0.8),
    ("多少钱", 1.2),
    ("什么时候到", 1.2),
    ("我的", 1.2),
    ("我这", 1.0),
    ("我们店", 2.5),
    ("超市", 0.8),
    ("喂", 0.8),
    ("对", 0.5),
    ("没有了", 1.0),
    ("来", 0.3),
    ("你", 0.4),
];
/// Probability that the next sentence is the other person's, after a pause: turns alternate more than not.
const SWITCH: f64 = 0.6;
/// The same where no pause lies between: most often the same person goes on.
const SWITCH_NO_PAUSE: f64 = 0.4;
/// A gap that counts as a pause, milliseconds.
const PAUSE_MS: i64 = 150;
/// Probability that the agent speaks first on an inbound call.
const AGENT_FIRST: f64 = 0.65;

/// Cuts an utterance after each sentence.
pub(crate) fn sentences(utterance: Utterance) -> Vec<Utterance> {
    let ends = |c: &callsift_core::TimedChar| matches!(c.ch, '。' | '？' | '！' | '?' | '!');
    let parts: Vec<&[callsift_core::TimedChar]> = utterance.chars.split_inclusive(ends).collect();
    if parts.len() < 2 {
        return vec![utterance];
    }
    let (whole, last) = (utterance.span, parts.len() - 1);
    let cut = |(i, chars): (usize, &&[callsift_core::TimedChar])| {
        let start = if i == 0 { whole.start_ms } else { chars[0].span.start_ms };
        let end = if i == last { whole.end_ms } else { chars[chars.len() - 1].span.end_ms };
        Utterance { span: TimeSpan::new(start, end), chars: chars.to_vec(), ..utterance.clone() }
    };
    parts.iter().enumerate().map(cut).collect()
}

/// Role and posterior of each utterance, in order of time.
pub fn by_text(utterances: &[Utterance]) -> Vec<(SpeakerRole, f64)> {
    let normalizer = Normalizer::matching();
    let odds: Vec<f64> = utterances.iter().map(|u| log_odds(&normalizer.normalize(&u.text()).text())).collect();
    let switches: Vec<f64> = utterances
        .windows(2)
        .map(|w| if w[1].span.start_ms - w[0].span.end_ms >= PAUSE_MS { SWITCH } else { SWITCH_NO_PAUSE })
        .collect();
    posterior(&odds, &switches)
        .into_iter()
        .map(|agent| if agent >= 0.5 { (SpeakerRole::Agent, agent) } else { (SpeakerRole::Customer, 1.0 - agent) })
        .collect()
}

/// Log-odds that the agent said it; bounded, because cues are not independent.
pub(crate) fn log_odds(text: &str) -> f64 {
    let sum = |cues: &[(&str, f64)]| -> f64 { cues.iter().filter(|(cue, _)| text.contains(cue)).map(|(_, w)| w).sum() };
    (sum(&AGENT) - sum(&CUSTOMER)).clamp(-6.0, 6.0)
}

/// Log-odds that the agent said a text.
pub(crate) fn odds_of(text: &str) -> f64 {
    log_odds(&Normalizer::matching().normalize(text).text())
}

/// Probability of log-odds, bounded as those of one utterance are.
pub(crate) fn probability(odds: f64) -> f64 {
    1.0 / (1.0 + (-odds.clamp(-6.0, 6.0)).exp())
}

/// Forward–backward over two states; the answer is the posterior probability of the agent. `switches` holds the
/// probability of a change between each two neighbours.
fn posterior(odds: &[f64], switches: &[f64]) -> Vec<f64> {
    let emit: Vec<[f64; 2]> = odds
        .iter()
        .map(|o| {
            let agent = 1.0 / (1.0 + (-o).exp());
            [agent, 1.0 - agent]
        })
        .collect();
    let mut forward: Vec<[f64; 2]> = Vec::with_capacity(emit.len());
    for (i, e) in emit.iter().enumerate() {
        let prior = forward.last().map_or([AGENT_FIRST, 1.0 - AGENT_FIRST], |f| step(*f, switches[i - 1]));
        forward.push(scale([prior[0] * e[0], prior[1] * e[1]]));
    }
    let mut backward = [1.0, 1.0];
    let mut out = vec![0.0; emit.len()];
    for i in (0..emit.len()).rev() {
        out[i] = scale([forward[i][0] * backward[0], forward[i][1] * backward[1]])[0];
        if i > 0 {
            backward = scale(step([backward[0] * emit[i][0], backward[1] * emit[i][1]], switches[i - 1]));
        }
    }
    out
}

fn step(from: [f64; 2], switch: f64) -> [f64; 2] {
    [from[0] * (1.0 - switch) + from[1] * switch, from[1] * (1.0 - switch) + from[0] * switch]
}

fn scale(p: [f64; 2]) -> [f64; 2] {
    let sum = (p[0] + p[1]).max(f64::MIN_POSITIVE);
    [p[0] / sum, p[1] / sum]
}
