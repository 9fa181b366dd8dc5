//! What became of the input before any call was heard: what was passed over, doubtful or told apart.

use std::collections::BTreeMap;

use serde::Serialize;

/// Kinds of notes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum NoteKind {
    /// A folder or file that could not be looked at, or is no file: its recordings are missing in the lake.
    NotReadable,
    /// A link that leads to what was found already, or nowhere.
    LinkPassedOver,
    /// A file that was still being written; the next run takes it.
    StillWritten,
    /// A recording changed since it was inspected; its row was replaced.
    Replaced,
    /// A recording that was inspected cannot be read any more; its row stays.
    NowUnreadable,
    /// Several recordings claim one id; all are kept, told apart by a suffix.
    SharedId,
    /// A file bears the name of one that was inspected, and holds another call; both are kept.
    ReusedName,
    /// A start time that has no documented form.
    UnreadableTime,
    /// A metadata row that no recording belongs to.
    RowWithoutRecording,
    /// A metadata row that fits several recordings; none got it.
    AmbiguousRow,
    /// Several metadata rows for one recording; only what they agree on was taken.
    SeveralRows,
    /// A metadata row that stands twice.
    RepeatedRow,
    /// A metadata row or line that could not be used.
    BadRow,
    /// A number whose digits a spreadsheet dropped.
    DigitsLost,
    /// A whole number that was written with a decimal point.
    DecimalPoint,
    /// A column that resembles a known one and was kept under its own name.
    ColumnNotTaken,
    /// How a file was read: encoding, separator, columns.
    HowRead,
    /// A call of a transcripts file that stands on an earlier line already, word for word.
    RepeatedCall,
}

impl NoteKind {
    /// Whether a note of the kind means that something of the input was not inspected or not understood.
    pub fn is_trouble(self) -> bool {
        !matches!(
            self,
            Self::HowRead | Self::Replaced | Self::LinkPassedOver | Self::DecimalPoint | Self::ColumnNotTaken
        )
    }

    /// What notes of the kind have in common, for QA staff.
    pub fn title(self) -> &'static str {
        match self {
            Self::NotReadable => "读不出、未处理",
            Self::LinkPassedOver => "链接已跳过",
            Self::StillWritten => "仍在写入，留待下次",
            Self::Replaced => "录音有变化，已重新质检并替换原记录",
            Self::NowUnreadable => "录音现在读不出，库中原记录保留",
            Self::SharedId => "不同录音用了同一编号，都已保留并加后缀区分",
            Self::ReusedName => "文件名重复使用、内容不同，两通都保留",
            Self::UnreadableTime => "开始时间读不出",
            Self::RowWithoutRecording => "元数据行没有对应的录音",
            Self::AmbiguousRow => "元数据行对应多个录音，未采用",
            Self::SeveralRows => "一个录音有多行元数据，只取各行一致的内容",
            Self::RepeatedRow => "元数据行重复",
            Self::BadRow => "元数据行无法使用",
            Self::DigitsLost => "数字被表格软件截断，未采用",
            Self::DecimalPoint => "整数带小数点，已去掉",
            Self::ColumnNotTaken => "列名相近但未采用",
            Self::HowRead => "读取方式",
            Self::RepeatedCall => "通话重复出现",
        }
    }
}

/// One note.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Note {
    /// Kind.
    pub kind: NoteKind,
    /// The recording, or file and line.
    pub place: String,
    /// What was seen and what was done.
    pub text: String,
}

/// All notes of a run.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Intake {
    /// How many of each kind.
    pub counts: BTreeMap<NoteKind, usize>,
    /// In the order in which they came up.
    pub notes: Vec<Note>,
}

impl Intake {
    /// Adds a note.
    pub fn add(&mut self, kind: NoteKind, place: impl Into<String>, text: impl Into<String>) {
        *self.counts.entry(kind).or_default() += 1;
        self.notes.push(Note { kind, place: place.into(), text: text.into() });
    }

    /// How many of a kind.
    pub fn count(&self, kind: NoteKind) -> usize {
        self.counts.get(&kind).copied().unwrap_or(0)
    }

    /// Adds all notes of another.
    pub fn extend(&mut self, other: Self) {
        for note in other.notes {
            self.add(note.kind, note.place, note.text);
        }
    }
}
