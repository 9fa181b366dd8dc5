//! Roles on one channel, by what is said.
//!
//! Two hidden states, agent and customer; each utterance's words give log-odds for one of them, neighbours tend to
//! alternate, and forward–backward gives a posterior that is reported as the role's confidence. Without voices this
//! is a best effort: rules answer `cannot_tell` where it is not sure.

use callsift_core::{SpeakerRole, Utterance};
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
/// Probability that the next utterance on one channel is the other person's: turns alternate more than not.
const SWITCH: f64 = 0.6;
/// Probability that the agent speaks first on an inbound call.
const AGENT_FIRST: f64 = 0.65;

/// Role and posterior of each utterance, in order of time.
pub fn by_text(utterances: &[Utterance]) -> Vec<(SpeakerRole, f64)> {
    let normalizer = Normalizer::matching();
    let odds: Vec<f64> = utterances.iter().map(|u| log_odds(&normalizer.normalize(&u.text()).text())).collect();
    posterior(&odds)
        .into_iter()
        .map(|agent| if agent >= 0.5 { (SpeakerRole::Agent, agent) } else { (SpeakerRole::Customer, 1.0 - agent) })
        .collect()
}

/// Log-odds that the agent said it; bounded, because cues are not independent.
fn log_odds(text: &str) -> f64 {
    let sum = |cues: &[(&str, f64)]| -> f64 { cues.iter().filter(|(cue, _)| text.contains(cue)).map(|(_, w)| w).sum() };
    (sum(&AGENT) - sum(&CUSTOMER)).clamp(-6.0, 6.0)
}

/// Forward–backward over two states; the answer is the posterior probability of the agent.
fn posterior(odds: &[f64]) -> Vec<f64> {
    let emit: Vec<[f64; 2]> = odds
        .iter()
        .map(|o| {
            let agent = 1.0 / (1.0 + (-o).exp());
            [agent, 1.0 - agent]
        })
        .collect();
    let step =
        |from: [f64; 2]| [from[0] * (1.0 - SWITCH) + from[1] * SWITCH, from[1] * (1.0 - SWITCH) + from[0] * SWITCH];
    let scale = |p: [f64; 2]| {
        let sum = (p[0] + p[1]).max(f64::MIN_POSITIVE);
        [p[0] / sum, p[1] / sum]
    };
    let mut forward: Vec<[f64; 2]> = Vec::with_capacity(emit.len());
    for e in &emit {
        let prior = forward.last().map_or([AGENT_FIRST, 1.0 - AGENT_FIRST], |f| step(*f));
        forward.push(scale([prior[0] * e[0], prior[1] * e[1]]));
    }
    let mut backward = [1.0, 1.0];
    let mut out = vec![0.0; emit.len()];
    for i in (0..emit.len()).rev() {
        out[i] = scale([forward[i][0] * backward[0], forward[i][1] * backward[1]])[0];
        backward = scale(step([backward[0] * emit[i][0], backward[1] * emit[i][1]]));
    }
    out
}
