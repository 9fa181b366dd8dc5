//! Likeness of two short texts, by characters and by sound.

use crate::sound::SoundText;

/// Sound alone proves a little less than letters.
const BY_SOUND: f64 = 0.95;

/// Likeness of two texts in matching form, 0 to 1: the Dice coefficient of their pairs of neighbouring characters, or of
/// neighbouring sounds (confusions joined, tones dropped) times 0.95, whichever is more. (Dice 1945,
/// doi:10.2307/1932409.)
pub fn likeness(a: &SoundText, b: &SoundText) -> f64 {
    if a.is_empty() || b.is_empty() {
        return 0.0;
    }
    let letters = dice(&a.chars(), &b.chars());
    if letters >= BY_SOUND {
        return letters;
    }
    letters.max(BY_SOUND * dice(&a.first_classes(), &b.first_classes()))
}

/// Dice coefficient over pairs of neighbours; texts of one character are compared whole.
fn dice<T: Copy + Ord>(a: &[T], b: &[T]) -> f64 {
    if a.len() < 2 || b.len() < 2 {
        return if a == b { 1.0 } else { 0.0 };
    }
    let (a_pairs, b_pairs) = (pairs(a), pairs(b));
    let (mut left, mut shared) = (a_pairs.as_slice(), 0);
    // Both are sorted: what stands before a pair of the one cannot be met by a later pair of it.
    for pair in &b_pairs {
        left = &left[left.partition_point(|p| p < pair)..];
        if let Some(rest) = left.strip_prefix(std::slice::from_ref(pair)) {
            left = rest;
            shared += 1;
        }
    }
    2.0 * f64::from(shared) / (a.len() + b.len() - 2) as f64
}

fn pairs<T: Copy + Ord>(text: &[T]) -> Vec<(T, T)> {
    let mut pairs: Vec<(T, T)> = text.windows(2).map(|w| (w[0], w[1])).collect();
    pairs.sort_unstable();
    pairs
}

#[cfg(test)]
mod tests {
    use super::likeness;
    use crate::SoundText;

    fn like(a: &str, b: &str) -> f64 {
        let sounds = |t: &str| SoundText::new(&t.chars().collect::<Vec<_>>());
        likeness(&sounds(a), &sounds(b))
    }

    #[test]
    fn same_words_same_sounds_other_words() {
        assert!((like("请问还有什么可以帮您", "请问还有什么可以帮您") - 1.0).abs() < 1e-9);
        assert!(like("请问还有什么可以帮您", "请问害有神么可以帮您") > 0.9);
        assert!(like("请问还有什么可以帮您", "请问您要几条") < 0.3);
        assert!(like("", "您好").abs() < 1e-9);
    }
}
