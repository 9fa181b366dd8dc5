//! What was looked for, marked where it stands.

use maud::{Markup, html};

/// The text with every occurrence of the words of `asked` marked: as the index finds them, without regard to capitals.
pub(super) fn highlit(text: &str, asked: &str) -> Markup {
    let words: Vec<Vec<char>> =
        asked.split(|c: char| !c.is_alphanumeric()).filter(|w| !w.is_empty()).map(small).collect();
    let chars: Vec<char> = text.chars().collect();
    let mut marked = vec![false; chars.len()];
    for word in &words {
        for at in 0..=chars.len().saturating_sub(word.len()) {
            let same = chars
                .get(at..at + word.len())
                .is_some_and(|piece| piece.iter().zip(word).all(|(a, b)| a.to_lowercase().eq(b.to_lowercase())));
            if same {
                marked[at..at + word.len()].fill(true);
            }
        }
    }
    html! { @for (piece, hit) in runs(&chars, &marked) { @if hit { mark { (piece) } } @else { (piece) } } }
}

fn small(word: &str) -> Vec<char> {
    word.to_lowercase().chars().collect()
}

/// Pieces of a text that are marked alike.
fn runs(chars: &[char], marked: &[bool]) -> Vec<(String, bool)> {
    let mut out: Vec<(String, bool)> = Vec::new();
    for (c, hit) in chars.iter().zip(marked) {
        match out.last_mut() {
            Some((piece, same)) if same == hit => piece.push(*c),
            _ => out.push((c.to_string(), *hit)),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::highlit;

    #[test]
    fn words_are_marked_wherever_they_stand() {
        let of = |text: &str, asked: &str| highlit(text, asked).into_string();
        assert_eq!(of("您好，您好吗", "您好"), "<mark>您好</mark>，<mark>您好</mark>吗");
        assert_eq!(of("A区五条", "a区 五条"), "<mark>A区五条</mark>");
        assert_eq!(of("<b>哈哈哈", "哈哈"), "&lt;b&gt;<mark>哈哈哈</mark>");
        assert_eq!(
            (of("短", "很长的话"), of("", "x"), of("您好", "？！")),
            ("短".into(), String::new(), "您好".into())
        );
    }
}
