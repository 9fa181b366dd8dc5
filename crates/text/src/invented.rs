//! What recognisers write though nobody said it: subtitle credits, loops, tags of sounds and feelings, the prompt
//! again.
//!
//! Whisper writes subtitle credits on silence (`whisper_streaming` issue 179) and repeats itself (whisper.cpp 1507);
//! SenseVoice puts `<|zh|><|NEUTRAL|>` before each sentence. Credits and loops are marked, never deleted: rules do not
//! judge them, people can still see them. Tags are no speech and are left out.

use std::ops::Range;

use callsift_core::Mark;

use crate::numbers::is_numeral;

/// Credits that no one says on a call; found anywhere in an utterance they condemn it. Seen in public issues.
const CREDITS: [&str; 30] = [
    "请不吝点赞",
    "请不吝赐赞",
    "打赏支持明镜",
    "明镜与点点栏目",
    "明镜需要您的支持",
    "欢迎订阅明镜",
    "字幕由",
    "字幕by",
    "字幕志愿者",
    "中文字幕",
    "小编字幕",
    "amaraorg",
    "优优独播剧场",
    "yoyotelevision",
    "请点击订阅",
    "zitherharp",
    "沛队字幕",
    "mingpaocanada",
    "ご視聴",
    "thanksforwatching",
    "订阅转发打赏",
    "社群提供的字幕",
    "以下是普通话",
    "下集再见",
    "点击订阅",
    "订阅我的频道",
    "本集完",
    "字幕制作",
    "字幕组",
    "thankyouforwatching",
];
/// Short credits that people might say inside a longer sentence: only condemned where they are all that was said.
const SHORT_CREDITS: [&str; 11] = [
    "thankyou",
    "thanks",
    "未完待续",
    "谢谢观看",
    "感谢观看",
    "谢谢收看",
    "感谢收看",
    "多谢您的观看",
    "下期再见",
    "谢谢大家",
    "我们下期再见",
];

/// Sounds and states that stand in brackets in place of words.
const NO_SPEECH: [&str; 43] = [
    "音乐",
    "背景音乐",
    "彩铃",
    "铃声",
    "笑声",
    "笑",
    "掌声",
    "鼓掌",
    "静音",
    "无声",
    "沉默",
    "停顿",
    "空白",
    "噪音",
    "噪声",
    "杂音",
    "咳嗽",
    "叹气",
    "哭声",
    "呼吸声",
    "键盘声",
    "按键音",
    "拨号音",
    "忙音",
    "等待音",
    "无语音",
    "无人声",
    "静默",
    "背景音",
    "嘈杂",
    "杂声",
    "嘟嘟声",
    "音效",
    "noise",
    "music",
    "silence",
    "laughter",
    "applause",
    "cough",
    "laughs",
    "beep",
    "ringing",
    "breathing",
];
/// Words in brackets for speech that was not understood.
const NOT_UNDERSTOOD: [&str; 9] =
    ["听不清", "听不清楚", "不清楚", "无法识别", "未识别", "inaudible", "unintelligible", "unk", "unknown"];
/// A loop of digits is longer than any number that people say.
const LONGEST_NUMBER: usize = 24;
/// Characters of the longest stretch that is looked for as a loop: a sentence.
const LONGEST_LOOP: usize = 30;

/// Marks that a text earns by what it says.
pub fn invented(text: &str) -> Vec<Mark> {
    let plain = plain(text);
    let credit = is_credit(&plain).then_some(Mark::Hallucination);
    credit.into_iter().chain(is_loop(&plain).then_some(Mark::Loop)).collect()
}

/// True where nobody can say so much in so little time. Half a second of grace: padding and rounding make very short
/// segments look fast.
pub fn is_too_fast(text: &str, speech_ms: i64, max_chars_per_sec: f64) -> bool {
    plain(text).chars().count() as f64 > max_chars_per_sec * (speech_ms + 500) as f64 / 1000.0
}

/// True where a text may be the prompt given back: a stretch of the prompt makes up most of it.
pub fn is_echo(text: &str, prompt: &str) -> bool {
    const LEAST: usize = 4;
    let (said, given): (Vec<char>, Vec<char>) = (plain(text).chars().collect(), plain(prompt).chars().collect());
    if said.len() < LEAST || given.len() < LEAST {
        return false;
    }
    // The prompt may come back more than once, or with something between: what counts is how much of the text is its
    // words.
    let mut covered = vec![false; said.len()];
    for (start, part) in said.windows(LEAST).enumerate() {
        if given.windows(LEAST).any(|g| g == part) {
            covered[start..start + LEAST].fill(true);
        }
    }
    covered.iter().filter(|c| **c).count() >= LEAST.max(said.len() * 3 / 5)
}

/// What stands in a text besides words.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tags {
    /// Characters that are tags, in order.
    pub ranges: Vec<Range<usize>>,
    /// One of them says that speech was not understood.
    pub not_understood: bool,
}

/// Finds tags: `<|zh|>`, `<noise>`, `[BLANK_AUDIO]`, （音乐）, 【听不清】. What people may have said in brackets is no tag.
pub fn find_tags(chars: &[char]) -> Tags {
    let mut tags = Tags::default();
    let mut at = 0;
    while at < chars.len() {
        let Some((end, inside)) = bracketed(chars, at) else {
            at += 1;
            continue;
        };
        let known = |list: &[&str]| list.contains(&inside.as_str());
        let not_understood = known(&NOT_UNDERSTOOD);
        let is_tag = match chars[at] {
            '{' | '<' | '＜' => inside.chars().all(|c| c.is_ascii_alphanumeric() || "_-|/ ".contains(c)),
            _ => not_understood || known(&NO_SPEECH) || is_capitals(&chars[at + 1..end - 1]),
        };
        if is_tag {
            tags.ranges.push(at..end);
            tags.not_understood |= not_understood;
            at = end;
        } else {
            at += 1;
        }
    }
    tags
}

/// A text that some recogniser wrote, as far as it is speech.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Spoken {
    /// Without tags.
    pub text: String,
    /// Reasons for care, sorted.
    pub marks: Vec<Mark>,
    /// There was nothing but tags, and none of them stands for speech: nobody spoke.
    pub is_silence: bool,
}

/// Leaves tags out of a text and marks what nobody said.
pub fn spoken(text: &str) -> Spoken {
    let chars: Vec<char> = text.chars().collect();
    let Tags { ranges, not_understood } = find_tags(&chars);
    let left = (0..chars.len()).filter(|i| !ranges.iter().any(|r| r.contains(i))).map(|i| chars[i]);
    let left: String = left.collect();
    let is_empty = !left.chars().any(char::is_alphanumeric);
    let mut marks = invented(&left);
    if is_empty && not_understood {
        marks.push(Mark::Uncovered);
    }
    marks.sort_unstable();
    let is_silence = is_empty && !not_understood && !ranges.is_empty();
    Spoken { text: if ranges.is_empty() { text.to_owned() } else { left.trim().to_owned() }, marks, is_silence }
}

/// The end of a bracket that opens here, and what it holds, without signs and in small letters.
fn bracketed(chars: &[char], open: usize) -> Option<(usize, String)> {
    const LONGEST: usize = 32;
    let close = match chars[open] {
        '<' => '>',
        '{' => '}',
        '＜' => '＞',
        '[' => ']',
        '(' => ')',
        '（' => '）',
        '【' => '】',
        '［' => '］',
        '*' => '*',
        _ => return None,
    };
    let length = chars[open + 1..].iter().take(LONGEST).position(|c| *c == close)?;
    let inside = &chars[open + 1..open + 1 + length];
    let words = inside.iter().filter(|c| c.is_alphanumeric()).flat_map(|c| c.to_lowercase());
    (length > 0).then(|| (open + length + 2, words.collect()))
}

/// `BLANK_AUDIO`, `MUSIC PLAYING`, `SPEAKER_00`: names of sounds and speakers in capitals.
fn is_capitals(inside: &[char]) -> bool {
    let letters = inside.iter().filter(|c| c.is_ascii_uppercase()).count();
    letters >= 3 && inside.iter().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || "_ -".contains(*c))
}

/// Letters and digits in small letters, in simplified characters.
fn plain(text: &str) -> String {
    crate::to_simplified(text).chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

fn is_credit(plain: &str) -> bool {
    // Names of sounds without brackets, and the sounds of a line: 嘟嘟嘟.
    let is_sound = ["music", "sil", "silence", "noise"].contains(&plain)
        || plain.chars().count() >= 3 && plain.chars().all(|c| "嘟滴哔嘀".contains(c));
    is_sound || CREDITS.iter().any(|c| plain.contains(c)) || SHORT_CREDITS.contains(&plain)
}

/// True where the same 2 to 12 characters stand at least four times in a row, or one character eight times. Digits may
/// be said again and again (八八八八八八八八 is a number), up to a length that no number has.
fn is_loop(plain: &str) -> bool {
    let chars: Vec<char> = plain.chars().collect();
    (1..=LONGEST_LOOP).any(|unit| {
        let needed = if unit == 1 { 8 } else { 4 };
        let mut run = 0;
        (unit..chars.len()).any(|i| {
            run = if chars[i] == chars[i - unit] { run + 1 } else { 0 };
            let enough = run >= unit * (needed - 1);
            let digits = || chars[i + 1 - unit..=i].iter().all(|c| is_numeral(*c));
            enough && (run + unit > LONGEST_NUMBER || !digits())
        })
    })
}

#[cfg(test)]
mod tests {
    use callsift_core::Mark;

    use super::{find_tags, invented, is_echo, is_too_fast};

    #[test]
    fn credits_and_loops_are_marked() {
        assert_eq!(invented("请不吝点赞 订阅 转发"), vec![Mark::Hallucination]);
        assert_eq!(invented("谢谢观看！"), vec![Mark::Hallucination]);
        for text in ["Thank you.", "以下是普通話的句子。", "點擊訂閱", "嘟嘟嘟嘟", "MUSIC", "下集再見"]
        {
            assert_eq!(invented(text), vec![Mark::Hallucination], "{text}");
        }
        assert_eq!(invented("好的好的好的好的"), vec![Mark::Loop]);
        assert_eq!(invented(&"零".repeat(40)), vec![Mark::Loop]);
        assert_eq!(invented(&"您好，请问有什么可以帮您？好的。".repeat(4)), vec![Mark::Loop]);
    }

    #[test]
    fn what_people_say_is_not() {
        for text in [
            "谢谢您的来电，再见。",
            "对对对，好的好的，谢谢谢谢。",
            "字幕的事我不清楚",
            "我的号码是八八八八八八八八",
            "12121212转8",
            "六六六六六六六六",
        ] {
            assert_eq!(invented(text), [], "{text}");
        }
    }

    #[test]
    fn impossible_pace_is_known() {
        assert!(is_too_fast("这里有二十多个字但是只有半秒钟的语音这是不可能的事情", 300, 12.0));
        assert!(!is_too_fast("您好", 300, 12.0));
    }

    #[test]
    fn tags_are_no_speech() {
        let without = |text: &str| -> String {
            let chars: Vec<char> = text.chars().collect();
            let tags = find_tags(&chars).ranges;
            (0..chars.len()).filter(|i| !tags.iter().any(|t| t.contains(i))).map(|i| chars[i]).collect()
        };
        for (text, left) in [
            ("<|zh|><|NEUTRAL|><|Speech|><|withitn|>您好。", "您好。"),
            ("[BLANK_AUDIO]", ""),
            ("[SPEAKER_00]您好{noise}", "您好"),
            ("（音乐）您好【笑声】", "您好"),
            ("<unk>再见</s>", "再见"),
            ("*咳嗽* 好的", " 好的"),
            ("要五条(红塔山)，价格<100", "要五条(红塔山)，价格<100"),
            ("[A4]纸两包", "[A4]纸两包"),
        ] {
            assert_eq!(without(text), left, "{text}");
        }
        assert!(find_tags(&"【听不清】".chars().collect::<Vec<_>>()).not_understood);
    }

    #[test]
    fn the_prompt_given_back_is_known() {
        let prompt = "以下是普通话的客服通话。您好，请问有什么可以帮您？好的，请稍等。";
        assert!(is_echo("您好，请问有什么可以帮您？", prompt));
        assert!(is_echo("以下是普通话的客服通话", prompt));
        assert!(is_echo("您好，请问有什么可以帮您？好的。您好，请问有什么可以帮您？好的。嗯", prompt));
        assert!(!is_echo("您好，我要订货", prompt));
        assert!(!is_echo("好的", prompt) && !is_echo("随便说点什么吧", ""));
    }
}
