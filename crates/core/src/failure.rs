//! Why a recording failed, in Chinese for QA staff.
//!
//! Tables hold the reason in English with its details, as engineers need it. What QA staff need is the kind of trouble and what to
//! do, and that is told by how the reason reads. Each error of the audio crate is tested to be known here.

/// Parts of reasons, the first that fits counts, and what they mean.
const KNOWN: [(&str, &str); 15] = [
    ("cannot read the recording", "录音文件读不出，请检查存储和权限后重跑"),
    ("file is empty", "录音文件是空的，请重新取录音"),
    ("not a recording but", "不是录音文件"),
    ("unsupported format", "录音格式不支持"),
    ("holds no audio", "只有文件头，没有声音：录音在开头就断了"),
    ("malformed", "录音文件已损坏"),
    ("is outside the limit", "超出设定的限度（如时长、声道数）"),
    ("needs ffmpeg", "这种格式要装 ffmpeg 才能解码"),
    ("ffmpeg cannot decode", "ffmpeg 解码失败"),
    ("cannot decode", "解码失败，录音可能不完整"),
    ("recogniser state", "内存不足，识别无法开始；可减少并行数"),
    ("recognition failed", "语音识别出错"),
    ("model", "模型出错，请告知技术人员"),
    ("the start time `", "元数据里的开始时间读不出，无法归到哪一天；更正后重跑，或用 --dt 指定日期"),
    ("the run was stopped", "运行被中止，重跑即可"),
];

/// What a reason means; `None` where it is of no known kind.
pub fn reason_zh(reason: &str) -> Option<&'static str> {
    KNOWN.iter().find(|(part, _)| reason.contains(part)).map(|(_, zh)| *zh)
}

/// The stage of a table as QA staff call it; as it stands where it is no known one.
pub fn stage_zh(stage: &str) -> &str {
    match stage {
        "input" => "输入",
        "audio" => "录音",
        "vad" => "人声检测",
        "asr" => "语音识别",
        "dialogue" => "话轮",
        "sentiment" => "文本模型",
        "rules" => "规则",
        other => other,
    }
}

/// Stage and reason in one sentence; a reason of no known kind stays as it is.
pub fn sentence_zh(stage: &str, reason: &str) -> String {
    format!("{}：{}", stage_zh(stage), reason_zh(reason).unwrap_or(reason))
}

#[cfg(test)]
mod tests {
    use super::sentence_zh;
    use crate::StageName;

    #[test]
    fn kinds_are_told_and_the_unknown_is_left() {
        assert_eq!(sentence_zh("audio", "file is empty: /a/b.wav"), "录音：录音文件是空的，请重新取录音");
        assert_eq!(
            sentence_zh("audio", "wav holds no audio: malformed.wav"),
            "录音：只有文件头，没有声音：录音在开头就断了"
        );
        assert_eq!(sentence_zh("input", "line 3: no such field"), "输入：line 3: no such field");
    }

    #[test]
    fn every_stage_has_a_name() {
        use StageName::{Asr, Audio, Dialogue, Input, Rules, Sentiment, Vad};
        for stage in [Input, Audio, Vad, Asr, Dialogue, Sentiment, Rules] {
            assert_ne!(super::stage_zh(stage.as_str()), stage.as_str());
        }
    }
}
