//! Guards against what recognisers make up: loops, subtitle credits, impossible pace.
//!
//! Whisper writes subtitle credits on silence (`whisper_streaming` issue 179) and repeats itself (whisper.cpp 1507).
//! Text is marked, never deleted: rules do not judge it, people can still see it.

use callsift_core::Mark;

use crate::AsrOptions;

/// Credits that no one says on a call; found anywhere in an utterance they condemn it. Seen in public issues.
const CREDITS: [&str; 22] = [
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
];
/// Short credits that people might say inside a longer sentence: only condemned where they are all that was said.
const SHORT_CREDITS: [&str; 8] =
    ["谢谢观看", "感谢观看", "谢谢收看", "感谢收看", "多谢您的观看", "下期再见", "谢谢大家", "我们下期再见"];

/// Marks that a text earns by itself. `speech_ms` is the speech that it came from.
pub fn marks(text: &str, mean_logprob: f32, speech_ms: i64, options: &AsrOptions) -> Vec<Mark> {
    let plain: String = text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect();
    let mut marks = Vec::new();
    if is_credit(&plain) {
        marks.push(Mark::Hallucination);
    }
    if is_loop(&plain) {
        marks.push(Mark::Loop);
    }
    if mean_logprob < options.min_logprob {
        marks.push(Mark::LowConfidence);
    }
    let chars = plain.chars().count();
    // Half a second of grace: padding and rounding make very short segments look fast.
    if chars as f64 > options.max_chars_per_sec * (speech_ms + 500) as f64 / 1000.0 {
        marks.push(Mark::TooFast);
    }
    marks
}

fn is_credit(plain: &str) -> bool {
    CREDITS.iter().any(|c| plain.contains(c)) || SHORT_CREDITS.contains(&plain)
}

/// True where the same 2 to 12 characters stand at least four times in a row, or one character eight times.
fn is_loop(plain: &str) -> bool {
    let chars: Vec<char> = plain.chars().collect();
    (1..=12).any(|unit| {
        let needed = if unit == 1 { 8 } else { 4 };
        let mut run = 0;
        (unit..chars.len()).any(|i| {
            run = if chars[i] == chars[i - unit] { run + 1 } else { 0 };
            run >= unit * (needed - 1)
        })
    })
}

#[cfg(test)]
mod tests {
    use callsift_core::Mark;

    use super::marks;
    use crate::AsrOptions;

    fn of(text: &str, speech_ms: i64) -> Vec<Mark> {
        marks(text, -0.1, speech_ms, &AsrOptions::default())
    }

    #[test]
    fn credits_and_loops_are_marked() {
        assert_eq!(of("请不吝点赞 订阅 转发", 3000), vec![Mark::Hallucination]);
        assert_eq!(of("谢谢观看！", 2000), vec![Mark::Hallucination]);
        assert_eq!(of("好的好的好的好的", 3000), vec![Mark::Loop]);
    }

    #[test]
    fn what_people_say_is_not() {
        assert!(of("谢谢您的来电，再见。", 2000).is_empty());
        assert!(of("对对对，好的好的，谢谢谢谢。", 3000).is_empty());
        assert!(of("字幕的事我不清楚", 2000).is_empty());
    }

    #[test]
    fn impossible_pace_is_marked() {
        assert_eq!(of("这里有二十多个字但是只有半秒钟的语音这是不可能的事情", 300), vec![Mark::TooFast]);
    }
}
