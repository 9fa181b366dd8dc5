//! Names of columns, in Chinese and English, as exports of call platforms and spreadsheets have them.

use std::collections::{BTreeMap, BTreeSet};

/// A field that callsift knows, with the headings that stand for it. Case, blanks and signs between letters do not count.
const KNOWN: [(&str, &[&str]); 9] = [
    (
        "file",
        &[
            "file",
            "file name",
            "recording",
            "recording file",
            "recording name",
            "path",
            "file path",
            "recording path",
            "audio",
            "audio file",
            "wav",
            "uri",
            "录音",
            "录音文件",
            "录音文件名",
            "录音名称",
            "录音路径",
            "录音文件路径",
            "录音地址",
            "录音档",
            "录音档案",
            "录音档名",
            "档名",
            "文件",
            "文件名",
            "文件名称",
            "文件路径",
            "音频",
            "音频文件",
        ],
    ),
    (
        "call_id",
        &[
            "call id",
            "recording id",
            "unique id",
            "uuid",
            "call uuid",
            "session id",
            "通话id",
            "通话编号",
            "通话标识",
            "通话流水号",
            "呼叫id",
            "呼叫编号",
            "呼叫流水号",
            "流水号",
            "录音编号",
            "录音id",
            "录音流水号",
            "会话id",
            "会话编号",
        ],
    ),
    (
        "agent_id",
        &[
            "agent id",
            "agent number",
            "agent no",
            "agent code",
            "staff id",
            "employee id",
            "工号",
            "坐席工号",
            "座席工号",
            "客服工号",
            "员工工号",
            "员工号",
            "员工编号",
            "话务员工号",
            "坐席编号",
            "坐席号",
            "座席号",
            "座席编号",
            "坐席id",
            "座席id",
        ],
    ),
    (
        "agent_name",
        &[
            "agent name",
            "staff name",
            "employee name",
            "坐席",
            "座席",
            "坐席姓名",
            "座席姓名",
            "坐席名称",
            "座席名称",
            "客服姓名",
            "客服人员",
            "员工姓名",
            "话务员",
            "话务员姓名",
        ],
    ),
    ("queue", &["queue", "queue name", "skill group", "队列", "队列名称", "技能组", "技能组名称"]),
    ("direction", &["direction", "call direction", "方向", "呼叫方向", "通话方向", "呼入呼出"]),
    (
        "customer_id",
        &[
            "customer id",
            "customer",
            "customer code",
            "customer number",
            "客户编码",
            "客户编号",
            "客户代码",
            "客户号",
            "客户id",
        ],
    ),
    (
        "started_at",
        &[
            "started at",
            "start time",
            "call date",
            "call time",
            "call start time",
            "开始时间",
            "通话开始时间",
            "呼叫开始时间",
            "录音开始时间",
            "起始时间",
            "呼叫时间",
            "来电时间",
            "接通时间",
            "呼入时间",
        ],
    ),
    ("order", &["order", "order record", "订单", "订单内容", "订单记录"]),
];

/// How the columns of a file are understood.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Columns {
    /// Heading as written, and the field that it is: itself where it is none of ours.
    pub taken: Vec<(String, String)>,
    /// Headings that resemble a known one and are kept under their own name, with that name and field.
    pub alike: Vec<(String, &'static str)>,
}

/// Heading without case, blanks and signs; full-width letters as half-width ones, traditional characters as simplified ones.
fn key(heading: &str) -> String {
    let half = heading.chars().map(|c| match c {
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(c as u32 - 0xfee0).unwrap_or(c),
        c => c,
    });
    let plain: String = half.filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect();
    callsift_text::to_simplified(&plain)
}

/// The field that a heading stands for.
pub fn field(heading: &str) -> Option<&'static str> {
    let key = key(heading);
    KNOWN.iter().find(|(_, names)| names.iter().any(|n| self::key(n) == key)).map(|(field, _)| *field)
}

/// Headings that may stand for a field and for something else: named, not taken.
const DOUBTFUL: [(&str, &str); 5] = [
    ("通话时间", "started_at"),
    ("日期", "started_at"),
    ("时间", "started_at"),
    ("date", "started_at"),
    ("time", "started_at"),
];

/// The field that a heading resembles: one is a part of the other, or a letter or two differ.
fn resembled(heading: &str) -> Option<&'static str> {
    let key = key(heading);
    let long = |text: &str| text.chars().count() >= if text.is_ascii() { 4 } else { 2 };
    let alike = |name: &str| {
        let name = self::key(name);
        let part = long(&name) && key.contains(&name) || long(&key) && name.contains(&key);
        part || key.is_ascii() && name.is_ascii() && name.len() >= 5 && differ(&key, &name) <= 2
    };
    let doubtful = DOUBTFUL.iter().find(|(name, _)| *name == key).map(|(_, field)| *field);
    doubtful.or_else(|| KNOWN.iter().find(|(_, names)| names.iter().any(|n| alike(n))).map(|(field, _)| *field))
}

/// Letters to insert, leave out or change, two neighbours exchanged counting as two.
fn differ(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut corner = std::mem::replace(&mut row[0], i + 1);
        for (j, y) in b.iter().enumerate() {
            let cost = (corner + usize::from(x != *y)).min(row[j] + 1).min(row[j + 1] + 1);
            corner = std::mem::replace(&mut row[j + 1], cost);
        }
    }
    row[b.len()]
}

impl Columns {
    /// Understands headings. Of two columns for one field the one named as the field itself counts, else the first.
    pub fn of(headings: &[String]) -> Self {
        let mut columns = Self::default();
        let named: BTreeSet<&str> = headings.iter().filter_map(|h| field(h).filter(|f| f == h)).collect();
        let mut used = BTreeSet::new();
        for heading in headings {
            let own = field(heading).filter(|f| (f == heading || !named.contains(f)) && used.insert(*f));
            if own.is_none()
                && let Some(field) = field(heading).or_else(|| resembled(heading))
            {
                columns.alike.push((heading.clone(), field));
            }
            columns.taken.push((heading.clone(), own.unwrap_or(heading).to_owned()));
        }
        columns
    }

    /// Headings that are known under another name than their own: heading and field.
    pub fn mapped(&self) -> BTreeMap<String, String> {
        let known = self.taken.iter().filter(|(heading, field)| self::field(heading) == Some(field.as_str()));
        known.cloned().collect()
    }

    /// True where a column says which recording or call a row is about.
    pub fn say_which(&self) -> bool {
        self.taken.iter().any(|(_, field)| field == "file" || field == "call_id")
    }
}

#[cfg(test)]
mod tests {
    use super::{Columns, KNOWN, field};

    #[test]
    fn headings_are_known_in_both_languages_whatever_their_case() {
        for (heading, known) in [
            ("录音", "file"),
            ("File_Name", "file"),
            ("工号", "agent_id"),
            ("坐席姓名", "agent_name"),
            ("开始时间", "started_at"),
            ("Start Time", "started_at"),
            ("CALL-ID", "call_id"),
            ("通话ＩＤ", "call_id"),
            ("技能组", "queue"),
            ("呼叫方向", "direction"),
            ("agentId", "agent_id"),
            ("錄音", "file"),
            ("開始時間", "started_at"),
            ("坐席工號", "agent_id"),
            ("calldate", "started_at"),
        ] {
            assert_eq!(field(heading), Some(known), "{heading}");
        }
        assert!(["备注", "录音时长", "unit", "班组", "结束时间", ""].iter().all(|h| field(h).is_none()));
    }

    #[test]
    fn no_heading_stands_for_two_fields() {
        let all: Vec<String> = KNOWN.iter().flat_map(|(_, names)| names.iter().map(|n| super::key(n))).collect();
        let distinct: std::collections::BTreeSet<_> = all.iter().collect();
        assert_eq!(distinct.len(), all.len());
    }

    #[test]
    fn what_resembles_is_named_and_not_taken() {
        let headings =
            ["file", "录音文件", "agnet_id", "开始时间(北京)", "备注", "通话时间", "日期"].map(str::to_owned);
        let columns = Columns::of(&headings);
        assert_eq!(
            columns.alike.iter().map(|(h, f)| (h.as_str(), *f)).collect::<Vec<_>>(),
            [
                ("录音文件", "file"),
                ("agnet_id", "agent_id"),
                ("开始时间(北京)", "started_at"),
                ("通话时间", "started_at"),
                ("日期", "started_at")
            ]
        );
        assert!(columns.taken.contains(&("agnet_id".to_owned(), "agnet_id".to_owned())));
        assert!(columns.say_which() && !Columns::of(&headings[2..]).say_which());
    }
}
