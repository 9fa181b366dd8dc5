//! Digits of a text, however they are written or said, and what stands between them.

use std::ops::Range;

use unicode_normalization::char::decompose_compatible;

/// Digits that stand together: one character mostly, three for 三个零.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Token {
    /// Characters of the text.
    pub range: Range<usize>,
    /// What they say, digit by digit; 10 is the x of identity numbers.
    pub digits: Vec<u8>,
    /// One character, one digit: what may be left readable at the end of a number.
    pub plain: bool,
}

/// Digits side by side, with nothing between them.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Group {
    pub range: Range<usize>,
    pub digits: Vec<u8>,
    /// What joins it to the group before it in the chain.
    pub gap: Gap,
}

impl Group {
    /// Its value, as far as it is an ordinary number.
    pub(super) fn value(&self) -> u64 {
        self.digits.iter().fold(0, |n, d| (n * 10 + u64::from(*d)).min(1 << 60))
    }
}

/// What stands between two groups.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Gap {
    /// Spaces, dashes, slashes, fillers: signs that people put into one number.
    Tight,
    /// Commas and full stops, which also stand between numbers.
    List,
    /// A decimal point or a sign of times, or what groups a number.
    Dot,
    /// The colon of a time of day, or of a grouped number.
    Colon,
}

/// No gap within a number is longer than this, in characters.
const LONGEST_GAP: usize = 8;

/// Whether 十, 百, 千 count as digits too: 十六 as 1 6, where people read a number out in pairs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tens {
    Read,
    Skip,
}

/// Value of a character that is a digit and nothing else; 10 for x.
pub(super) fn digit(c: char) -> Option<u8> {
    Some(match c {
        '零' | '〇' | '○' => 0,
        '一' | '幺' | '壹' | '弌' => 1,
        '二' | '两' | '贰' | '貳' | '兩' => 2,
        '三' | '叁' | '參' | '叄' => 3,
        '四' | '肆' => 4,
        '五' | '伍' => 5,
        '六' | '陆' | '陸' => 6,
        '七' | '柒' => 7,
        '八' | '捌' => 8,
        '九' | '玖' => 9,
        'x' | 'X' | 'ｘ' | 'Ｘ' => 10,
        _ if c.is_ascii() => return c.to_digit(10).map(|d| d as u8),
        _ => return foreign_digit(c),
    })
}

/// Digits that are read so beside other digits only: 洞 (radio), 拐, 勾, and the letter O.
fn digit_in_company(c: char) -> Option<u8> {
    Some(match c {
        '洞' | 'o' | 'O' | 'ｏ' | 'Ｏ' => 0,
        '拐' => 7,
        '勾' | '钩' => 9,
        _ => return None,
    })
}

/// Decimal digits of other scripts (general category Nd, Unicode 16), and digits in full width, circles or mathematical
/// letters, which compatibility decomposition leads back to ASCII.
fn foreign_digit(c: char) -> Option<u8> {
    const ZEROS: [u32; 36] = [
        0x660, 0x6f0, 0x7c0, 0x966, 0x9e6, 0xa66, 0xae6, 0xb66, 0xbe6, 0xc66, 0xce6, 0xd66, 0xde6, 0xe50, 0xed0, 0xf20,
        0x1040, 0x1090, 0x17e0, 0x1810, 0x1946, 0x19d0, 0x1a80, 0x1a90, 0x1b50, 0x1bb0, 0x1c40, 0x1c50, 0xa620, 0xa8d0,
        0xa900, 0xa9d0, 0xa9f0, 0xaa50, 0xabf0, 0x104a0,
    ];
    let code = c as u32;
    if (0x3400..0xf900).contains(&code) && !(0xa000..0xac00).contains(&code) {
        return None;
    }
    if let Some(zero) = ZEROS.iter().find(|zero| (**zero..**zero + 10).contains(&code)) {
        return Some((code - zero) as u8);
    }
    let (mut found, mut signs) = (None, 0);
    decompose_compatible(c, |plain| {
        found = found.or_else(|| plain.to_digit(10));
        signs += usize::from(plain.is_ascii_digit());
    });
    found.filter(|_| signs == 1).map(|d| d as u8)
}

fn tens(c: char) -> bool {
    "十百千拾佰仟".contains(c)
}

/// What stands at a place.
fn token_at(text: &[char], at: usize, mode: Tens) -> Option<Token> {
    let c = text[at];
    // 三个零: so many times.
    if let (Some(times @ 2..=9), Some('个' | '個'), Some(what)) =
        (digit(c), text.get(at + 1), text.get(at + 2).and_then(|c| digit(*c)).filter(|d| *d < 10))
    {
        return Some(Token { range: at..at + 3, digits: vec![what; usize::from(times)], plain: false });
    }
    if mode == Tens::Read && tens(c) {
        let one = text[..at].last().is_none_or(|c| digit(*c).is_none());
        let open = text.get(at + 1).is_none_or(|c| digit(*c).is_none() && !tens(*c));
        let mut digits = vec![1; usize::from(one)];
        digits.extend(std::iter::repeat_n(0, usize::from(open)));
        return Some(Token { range: at..at + 1, digits, plain: false });
    }
    let value = digit(c).or_else(|| digit_in_company(c).filter(|_| has_company(text, at)))?;
    Some(Token { range: at..at + 1, digits: vec![value], plain: true })
}

fn has_company(text: &[char], at: usize) -> bool {
    let is = |c: &char| digit(*c).is_some_and(|d| d < 10) || digit_in_company(*c).is_some();
    let sure = |c: &char| digit(*c).is_some_and(|d| d < 10);
    let reach = |from: usize, step: isize| {
        let places = (1..=6).map_while(|i| from.checked_add_signed(step * i).and_then(|at| text.get(at)));
        places.take_while(|c| is(c)).any(sure)
    };
    reach(at, -1) || reach(at, 1)
}

/// Tokens of a stretch, in order, without overlaps.
pub(super) fn tokens(text: &[char], mode: Tens) -> Vec<Token> {
    let mut out: Vec<Token> = Vec::new();
    let mut at = 0;
    while at < text.len() {
        if let Some(token) = token_at(text, at, mode) {
            at = token.range.end;
            out.push(token);
        } else {
            at += 1;
        }
    }
    out
}

/// Groups of digits that may belong to one number: chains with nothing but joining signs between their groups.
pub(super) fn chains(text: &[char], mode: Tens) -> Vec<Vec<Group>> {
    let mut chains: Vec<Vec<Group>> = Vec::new();
    for token in tokens(text, mode) {
        let gap = last_end(&chains).and_then(|end| gap(&text[end..token.range.start]));
        if token.digits == [10] && !(gap.is_some() && ends_identity(chains.last())) {
            continue;
        }
        let Token { range, digits, .. } = token;
        match (gap, chains.last_mut()) {
            (Some(gap), Some(chain)) => match chain.last_mut() {
                Some(group) if group.range.end == range.start => {
                    group.range.end = range.end;
                    group.digits.extend(digits);
                }
                _ => chain.push(Group { range, digits, gap }),
            },
            _ => chains.push(vec![Group { range, digits, gap: Gap::Tight }]),
        }
    }
    chains
}

fn last_end(chains: &[Vec<Group>]) -> Option<usize> {
    chains.last().and_then(|chain| chain.last()).map(|group| group.range.end)
}

/// An x ends an identity number and stands nowhere else.
fn ends_identity(chain: Option<&Vec<Group>>) -> bool {
    chain.is_some_and(|chain| chain.iter().map(|g| g.digits.len()).sum::<usize>() >= 15)
}

/// What the characters between two groups make of them; `None` where they are words.
fn gap(between: &[char]) -> Option<Gap> {
    // One asterisk joins, more are a mask.
    let stars = between.iter().filter(|c| **c == '*').count();
    let joined = |c: char| joins(c) || c == '*' && stars == 1;
    if between.len() > LONGEST_GAP || !without_fillers(between).into_iter().all(joined) {
        return None;
    }
    let visible: Vec<char> = between.iter().copied().filter(|c| !c.is_whitespace() && !is_invisible(*c)).collect();
    Some(match visible[..] {
        // 100*200*300 is a size.
        ['.' | '．' | '*'] => Gap::Dot,
        [':' | '：' | '∶'] => Gap::Colon,
        _ if visible.iter().any(|c| "，,、;；。．.".contains(*c)) => Gap::List,
        _ => Gap::Tight,
    })
}

/// What stands between two groups without the words that people put there while they read a number out.
fn without_fillers(between: &[char]) -> Vec<char> {
    const WORDS: [&str; 11] = ["然后是", "然后", "那个", "就是", "后面是", "后面", "最后", "接着", "再来", "对", "再"];
    let text: String = between.iter().collect();
    WORDS.iter().fold(text, |text, word| text.replace(word, "")).chars().collect()
}

/// Signs and sounds that stand within one number.
fn joins(c: char) -> bool {
    const DASHES: &str = "-‐‑‒–—―−－﹣~～_＿";
    const OTHERS: &str = "/／\\＼|｜.．·•・:：∶()（）[]+＋#＃'’‘→…，,、;；。嗯呃啊哦欸诶吧呢的杠";
    c.is_whitespace() || is_invisible(c) || DASHES.contains(c) || OTHERS.contains(c)
}

/// Characters that take no room: zero-width spaces and joiners, direction marks, variation selectors, key caps.
pub(crate) fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180e}'
        | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{20dd}'..='\u{20e4}'
        | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{1d173}'..='\u{1d17a}'
        | '\u{e0000}'..='\u{e0fff}')
}
