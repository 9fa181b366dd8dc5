//! Recognition noise: characters replaced by others that sound the same or nearly so, as recognisers do.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use crate::sound::char_cost;

/// Replaces a share of the Han characters of a text. The same seed and text give the same noise.
#[derive(Debug, Clone, Copy)]
pub struct RecognitionNoise {
    /// Share of the characters that are replaced, 0 to 1.
    pub rate: f64,
    /// Seed; noise of different texts is independent.
    pub seed: u64,
}

impl RecognitionNoise {
    /// The text with noise, of the same length. Two of three replacements have the same sound up to the tone, the
    /// third one a confusion (zh/z, n/l, in/ing …), where there is such a character.
    pub fn apply(&self, text: &str) -> String {
        let mut state = text.bytes().fold(self.seed ^ 0x9e37_79b9_7f4a_7c15, |h, b| mix(h ^ u64::from(b)));
        let mut draw = || {
            state = mix(state.wrapping_add(0x9e37_79b9_7f4a_7c15));
            (state >> 11) as f64 / (1u64 << 53) as f64
        };
        text.chars()
            .map(|c| {
                let (hit, kind, which) = (draw() < self.rate, draw(), draw());
                if hit { replacement(c, kind, which).unwrap_or(c) } else { c }
            })
            .collect()
    }
}

/// One step of splitmix64.
fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

fn replacement(c: char, kind: f64, which: f64) -> Option<char> {
    let (same, near) = alike().get(&c)?;
    let list = if near.is_empty() || (kind < 2.0 / 3.0 && !same.is_empty()) { same } else { near };
    let at = ((which * list.len() as f64) as usize).min(list.len().checked_sub(1)?);
    list.get(at).copied()
}

/// Everyday characters, which recognisers write when they mishear: the 3,755 of GB 2312-80, level 1, sorted by code.
const EVERYDAY: &str = include_str!("everyday.txt");

type Alike = BTreeMap<char, (Vec<char>, Vec<char>)>;

/// For each everyday character those of the same sound up to the tone, and those one confusion away.
fn alike() -> &'static Alike {
    static ALIKE: OnceLock<Alike> = OnceLock::new();
    ALIKE.get_or_init(|| {
        let chars: Vec<char> = EVERYDAY.chars().filter(|c| !c.is_whitespace()).collect();
        let others = |c: char, from: f64, to: f64| -> Vec<char> {
            let costs = chars.iter().copied().filter(|o| *o != c).map(|o| (o, char_cost(c, o)));
            costs.filter(|(_, cost)| (from..to).contains(cost)).map(|(o, _)| o).collect()
        };
        chars.iter().map(|c| (*c, (others(*c, 0.0, 0.15), others(*c, 0.15, 0.45)))).collect()
    })
}

#[cfg(test)]
mod tests {
    use super::RecognitionNoise;
    use crate::sound::char_cost;

    #[test]
    fn noise_sounds_like_what_was_said_and_is_the_same_each_time() {
        let text = "您好这里是订货中心请问您今天要订什么货我帮您登记一下";
        let noise = RecognitionNoise { rate: 0.3, seed: 7 };
        let heard = noise.apply(text);
        assert_eq!(heard, noise.apply(text));
        assert_ne!(heard, RecognitionNoise { rate: 0.3, seed: 8 }.apply(text));
        let changed: Vec<(char, char)> = text.chars().zip(heard.chars()).filter(|(a, b)| a != b).collect();
        assert!(changed.len() >= 3, "{heard}");
        assert!(changed.iter().all(|(a, b)| char_cost(*a, *b) < 0.45), "{heard}");
        assert_eq!(RecognitionNoise { rate: 0.0, seed: 7 }.apply(text), text);
    }
}
