//! Many phrases at once: one trie over classes of syllables that sound alike.
//!
//! The trie is walked from every place of the text. Most walks end at once, so the cost hardly grows with the number
//! of phrases; what arrives at a phrase's end is then priced exactly by [`Syllable::cost`](super::Syllable::cost).
//! Long phrases may have one syllable dropped, inserted or replaced, never the first.

use std::ops::Range;

use super::{GAP_FROM, SoundText, align, sound_limit};

/// A phrase heard in a text.
#[derive(Debug, Clone, PartialEq)]
pub struct SoundHit {
    /// Which phrase: its position in the list that the index was made from.
    pub phrase: u32,
    /// Characters of the text.
    pub range: Range<usize>,
    /// Mean cost per syllable of the phrase; 0 is the same characters or the same sounds.
    pub cost: f64,
}

#[derive(Debug, Clone, Default)]
struct Node {
    /// Class and node, sorted by class.
    children: Vec<(u32, u32)>,
    ends: Vec<u32>,
    /// Length of the longest phrase that passes here.
    longest: usize,
    /// Children of the children that a phrase passes which may stray, with their classes, sorted: the way on where a
    /// syllable is missing or another one.
    beyond: Vec<(u32, u32)>,
    /// Phrases that end at those children.
    end_next: Vec<u32>,
}

impl Node {
    fn child(&self, class: u32) -> Option<u32> {
        self.children.binary_search_by_key(&class, |c| c.0).ok().map(|at| self.children[at].1)
    }
}

/// Phrases, ready to be heard in texts.
#[derive(Debug, Clone)]
pub struct SoundIndex {
    nodes: Vec<Node>,
    phrases: Vec<SoundText>,
    /// Classes with which a phrase begins, as bits: most walks end here.
    begins: Vec<u64>,
}

impl Default for SoundIndex {
    fn default() -> Self {
        Self { nodes: vec![Node::default()], phrases: Vec::new(), begins: vec![0; 1024] }
    }
}

/// Phrases whose characters have several readings are entered at most so many times.
const MAX_READINGS: usize = 16;

impl SoundIndex {
    /// An index of these phrases, which are in matching form; phrases of one syllable are never heard, for they sound
    /// like too much else.
    pub fn new(phrases: Vec<SoundText>) -> Self {
        let mut index = Self { phrases, ..Self::default() };
        for i in 0..index.phrases.len() {
            index.insert(i as u32);
        }
        for node in 1..index.nodes.len() {
            index.look_ahead(node);
        }
        index
    }

    /// Notes what lies two steps on, so that straying costs what it finds and not what there is.
    fn look_ahead(&mut self, node: usize) {
        let (mut beyond, mut end_next) = (Vec::new(), Vec::new());
        let children = self.nodes[node].children.iter().map(|(_, child)| &self.nodes[*child as usize]);
        for child in children.filter(|child| child.longest >= GAP_FROM) {
            beyond.extend_from_slice(&child.children);
            end_next.extend_from_slice(&child.ends);
        }
        beyond.sort_unstable();
        (self.nodes[node].beyond, self.nodes[node].end_next) = (beyond, end_next);
    }

    fn insert(&mut self, phrase: u32) {
        let sounds = &self.phrases[phrase as usize];
        let length = sounds.len();
        if length < 2 {
            return;
        }
        let mut paths: Vec<Vec<u32>> = vec![Vec::new()];
        for i in 0..length {
            let classes = sounds.classes(i);
            let wanted = if paths.len() * classes.len() > MAX_READINGS { &classes[..1] } else { &classes[..] };
            paths = paths.iter().flat_map(|p| wanted.iter().map(|c| [p.as_slice(), &[*c]].concat())).collect();
        }
        for path in paths {
            let mut at = 0usize;
            for class in path {
                if at == 0 {
                    self.begins[place(class).0] |= place(class).1;
                }
                at = self.step(at, class);
                self.nodes[at].longest = self.nodes[at].longest.max(length);
            }
            self.nodes[at].ends.push(phrase);
        }
    }

    /// The child of a node for a class, made if it is not there.
    fn step(&mut self, at: usize, class: u32) -> usize {
        let next = self.nodes.len() as u32;
        let children = &mut self.nodes[at].children;
        match children.binary_search_by_key(&class, |c| c.0) {
            Ok(found) => children[found].1 as usize,
            Err(gap) => {
                children.insert(gap, (class, next));
                self.nodes.push(Node::default());
                next as usize
            }
        }
    }

    /// Every place where a phrase is heard within its [`sound_limit`]; the best places of a phrase, without overlaps
    /// among themselves, sorted by phrase and place.
    pub fn find(&self, text: &SoundText) -> Vec<SoundHit> {
        let mut walk = Walk { index: self, text, start: 0, hits: Vec::new() };
        for start in 0..text.len() {
            let mut begins = false;
            text.each_class(start, |class| begins |= self.begins[place(class).0] & place(class).1 != 0);
            if begins {
                walk.start = start;
                walk.from(0, start, 0, false);
            }
        }
        best_places(walk.hits)
    }
}

/// Word and bit of a class; the few classes that share one only cost a walk that ends at once.
fn place(class: u32) -> (usize, u64) {
    let slot = class % 65_536;
    ((slot / 64) as usize, 1 << (slot % 64))
}

struct Walk<'a> {
    index: &'a SoundIndex,
    text: &'a SoundText,
    start: usize,
    hits: Vec<SoundHit>,
}

impl Walk<'_> {
    fn from(&mut self, node: u32, at: usize, depth: usize, strayed: bool) {
        let here = &self.index.nodes[node as usize];
        for phrase in &here.ends {
            self.price(*phrase, at, strayed);
        }
        if at < self.text.len() {
            self.text.each_class(at, |class| {
                if let Some(next) = here.child(class) {
                    self.from(next, at + 1, depth + 1, strayed);
                }
            });
        }
        if strayed || depth == 0 || here.longest < GAP_FROM {
            return;
        }
        if at < self.text.len() {
            self.from(node, at + 1, depth, true);
        }
        // A syllable is missing, or it is another one.
        for at in at..=(at + 1).min(self.text.len()) {
            here.end_next.iter().for_each(|phrase| self.price(*phrase, at, true));
            self.beyond(here, at, depth);
        }
    }

    /// Goes on over the children's children that sound like what stands here.
    fn beyond(&mut self, here: &Node, at: usize, depth: usize) {
        if at == self.text.len() || here.beyond.is_empty() {
            return;
        }
        self.text.each_class(at, |class| {
            let first = here.beyond.partition_point(|(c, _)| *c < class);
            for (_, next) in here.beyond[first..].iter().take_while(|(c, _)| *c == class) {
                self.from(*next, at + 1, depth + 2, true);
            }
        });
    }

    fn price(&mut self, phrase: u32, end: usize, strayed: bool) {
        let wanted = &self.index.phrases[phrase as usize];
        let length = wanted.len();
        if end <= self.start || strayed && length < GAP_FROM {
            return;
        }
        let limit = sound_limit(length);
        if strayed {
            let heard = &self.text.sounds[self.start..end];
            let best = align(heard, &wanted.sounds, 1.0, limit).into_iter().min_by(|a, b| a.cost.total_cmp(&b.cost));
            if let Some(m) = best {
                let range = self.start + m.range.start..self.start + m.range.end;
                self.hits.push(SoundHit { phrase, range, cost: m.cost });
            }
            return;
        }
        let cost: f64 = (0..length).map(|i| wanted.cost_at(i, self.text, self.start + i)).sum::<f64>() / length as f64;
        if cost <= limit + 1e-9 {
            self.hits.push(SoundHit { phrase, range: self.start..end, cost });
        }
    }
}

fn best_places(mut hits: Vec<SoundHit>) -> Vec<SoundHit> {
    hits.sort_by(|a, b| {
        let place = |h: &SoundHit| (h.range.start, h.range.end);
        a.phrase.cmp(&b.phrase).then(a.cost.total_cmp(&b.cost)).then(place(a).cmp(&place(b)))
    });
    let mut kept: Vec<SoundHit> = Vec::new();
    for hit in hits {
        let mut same = kept.iter().rev().take_while(|k| k.phrase == hit.phrase);
        if same.all(|k| hit.range.end <= k.range.start || k.range.end <= hit.range.start) {
            kept.push(hit);
        }
    }
    kept.sort_by_key(|h| (h.phrase, h.range.start));
    kept
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::SoundIndex;
    use crate::sound::{SoundText, sound_limit};

    fn sounds(text: &str) -> SoundText {
        SoundText::new(&text.chars().collect::<Vec<_>>())
    }

    fn heard(phrases: &[&str], text: &str) -> Vec<(u32, usize, usize)> {
        let index = SoundIndex::new(phrases.iter().map(|p| sounds(p)).collect());
        index.find(&sounds(text)).into_iter().map(|h| (h.phrase, h.range.start, h.range.end)).collect()
    }

    #[test]
    fn all_phrases_are_found_in_one_pass() {
        let phrases = ["爱买不买", "不归我管", "再见"];
        assert_eq!(heard(&phrases, "那你爱卖不卖不归我馆在见"), [(0, 2, 6), (1, 6, 10), (2, 10, 12)]);
        assert_eq!(heard(&phrases, "好的谢谢"), []);
    }

    #[test]
    fn long_phrases_may_lose_gain_or_change_one_syllable() {
        let phrases = ["公司就是这样规定的"];
        assert_eq!(heard(&phrases, "公司就这样规定的").len(), 1);
        assert_eq!(heard(&phrases, "公司啊就是这样规定的").len(), 1);
        assert_eq!(heard(&phrases, "公司就是怎样规定的").len(), 1);
        assert_eq!(heard(&["不归我管"], "归我管").len(), 0);
    }

    #[test]
    fn one_syllable_is_not_heard() {
        assert_eq!(heard(&["笨"], "本人"), []);
    }

    proptest! {
        #[test]
        fn hits_lie_in_the_text_and_within_the_limit(text in "[您好再见在建买卖不归我管馆说话0-9a-c]{0,30}") {
            let phrases = ["您好", "再见", "不归我管", "你有完没完啊", "说a话"];
            let index = SoundIndex::new(phrases.iter().map(|p| sounds(p)).collect());
            for hit in index.find(&sounds(&text)) {
                prop_assert!(hit.range.start < hit.range.end && hit.range.end <= text.chars().count());
                prop_assert!(hit.cost <= sound_limit(phrases[hit.phrase as usize].chars().count()) + 1e-6);
            }
            // What stands there letter by letter is always heard.
            if let Some(byte) = text.find("不归我管") {
                let at = text[..byte].chars().count();
                prop_assert!(index.find(&sounds(&text)).iter().any(|h| h.phrase == 2 && h.range.start == at));
            }
        }
    }
}
