//! Written digits to the numerals that people say.

use std::ops::Range;

use super::quantity::MEASURES;
use super::{Edit, parse_number, runs};

/// Longer runs of written digits are codes even before a measure word (13800138000打不通).
const LONGEST_COUNT: usize = 6;

/// Says a number as Mandarin does: 205 → 二百零五, 12 → 十二. Beyond 99,999,999 the digits are said one by one.
pub fn to_spoken(value: u64) -> String {
    if value == 0 {
        return "零".to_owned();
    }
    if value > 99_999_999 {
        return value.to_string().chars().map(spoken_digit).collect();
    }
    let mut out = String::new();
    let (high, low) = (value / 10_000, value % 10_000);
    if high > 0 {
        out.push_str(&section_words(high));
        out.push('万');
        if low > 0 && low < 1000 {
            out.push('零');
        }
    }
    if low > 0 {
        out.push_str(&section_words(low));
    }
    out.strip_prefix("一十").map(|rest| format!("十{rest}")).unwrap_or(out)
}

fn section_words(value: u64) -> String {
    let mut out = String::new();
    let mut gap = false;
    for (p, name) in [(1000, "千"), (100, "百"), (10, "十"), (1, "")] {
        let d = value / p % 10;
        if d == 0 {
            gap = !out.is_empty();
            continue;
        }
        if std::mem::take(&mut gap) {
            out.push('零');
        }
        out.push(char::from_digit(d as u32, 10).map_or('零', spoken_digit));
        out.push_str(name);
    }
    out
}

fn spoken_digit(c: char) -> char {
    const DIGITS: [char; 10] = ['零', '一', '二', '三', '四', '五', '六', '七', '八', '九'];
    c.to_digit(10).map_or(c, |d| DIGITS[d as usize])
}

fn one_by_one(digits: &[char]) -> String {
    digits.iter().map(|c| spoken_digit(*c)).collect()
}

/// Edits that turn written digits into spoken numerals, as people say them: clock times (10:30 → 十点三十), decimals
/// (3.5 → 三点五), percentages, ranges before a measure word (5-6条 → 五到六条), separators (1,200 → 一千二百), and runs of
/// digits. Four or more digits, or a leading zero, are a code (工号 3021, a phone number) and are said digit by digit,
/// unless a measure word makes them a count (2000条).
pub(crate) fn spoken_edits(chars: &[char]) -> Vec<Edit> {
    let written = runs(chars, |c| c.is_ascii_digit());
    let mut edits = Vec::new();
    let mut at = 0;
    while let Some(run) = written.get(at) {
        let previous = at.checked_sub(1).map(|i| written[i].clone());
        let text = Written { chars, previous, runs: &written[at..] };
        let (taken, said) = text
            .clock()
            .or_else(|| text.range())
            .or_else(|| text.number())
            .unwrap_or_else(|| (1, one_by_one(&chars[run.clone()])));
        let start = if money_sign(chars, run.start) { run.start - 1 } else { run.start };
        let mut end = written[at + taken - 1].end;
        let said = match chars.get(end) {
            Some('%' | '‰') => {
                end += 1;
                let base = if chars[end - 1] == '%' { "百分之" } else { "千分之" };
                format!("{base}{said}")
            }
            next if start < run.start && !next.is_some_and(|c| "元块万千百亿".contains(*c)) => {
                format!("{said}元")
            }
            _ => said,
        };
        edits.push((start..end, said.chars().collect()));
        at += taken;
    }
    edits
}

fn money_sign(chars: &[char], start: usize) -> bool {
    start > 0 && matches!(chars[start - 1], '¥' | '￥')
}

/// Runs of written digits from one on, in their text.
struct Written<'a> {
    chars: &'a [char],
    /// The run before them.
    previous: Option<Range<usize>>,
    runs: &'a [Range<usize>],
}

impl Written<'_> {
    fn digits(&self, run: usize) -> &[char] {
        self.runs.get(run).map_or(&[], |r| &self.chars[r.clone()])
    }

    fn value(&self, run: usize) -> Option<u64> {
        parse_number(self.digits(run))
    }

    /// The one character between a run and the next.
    fn between(&self, run: usize) -> Option<char> {
        let (here, next) = (self.runs.get(run)?, self.runs.get(run + 1)?);
        (next.start == here.end + 1).then(|| self.chars[here.end])
    }

    fn after(&self, run: usize) -> Option<char> {
        self.runs.get(run).and_then(|r| self.chars.get(r.end)).copied()
    }

    fn before(&self) -> Option<char> {
        self.runs[0].start.checked_sub(1).map(|i| self.chars[i])
    }

    /// 10:30, 9：05, 23:59:59. How many runs, and how they are said.
    fn clock(&self) -> Option<(usize, String)> {
        let is_colon = |c: Option<char>| matches!(c, Some(':' | '：'));
        if !is_colon(self.between(0)) || is_colon(self.before()) || self.digits(0).len() > 2 {
            return None;
        }
        let sixty = |run: usize| self.value(run).filter(|v| *v < 60 && self.digits(run).len() == 2);
        let (hour, minute) = (self.value(0).filter(|h| *h <= 24)?, sixty(1)?);
        let said = |v: u64| if v < 10 { format!("零{}", to_spoken(v)) } else { to_spoken(v) };
        let mut text = format!("{}点", to_spoken(hour));
        if !is_colon(self.between(1)) {
            if minute > 0 {
                text += &said(minute);
            }
            return Some((2, text));
        }
        let second = sixty(2)?;
        Some((3, format!("{text}{}分{}秒", said(minute), said(second))))
    }

    /// 5-6条, 10~15箱: two counts, the second the larger one, before a measure word.
    fn range(&self) -> Option<(usize, String)> {
        let joined = matches!(self.between(0)?, '-' | '~' | '–' | '—' | '～' | '、' | '－');
        let chained = matches!(self.before(), Some('-' | '~' | '–' | '—' | '～'));
        let counts = |run: usize| {
            let digits = self.digits(run);
            self.value(run).filter(|_| digits.len() <= 4 && digits[0] != '0')
        };
        let (a, b) = (counts(0)?, counts(1)?);
        let counted = self.after(1).is_some_and(|c| MEASURES.contains(c) && !"月日号点年".contains(c));
        (joined && !chained && a < b && counted).then(|| (2, format!("{}到{}", to_spoken(a), to_spoken(b))))
    }

    /// 5, 200, 1,200, 3.5, 2000条.
    fn number(&self) -> Option<(usize, String)> {
        let groups = self.groups_of_three();
        let last = groups;
        let whole: Vec<char> = (0..=last).flat_map(|run| self.digits(run)).copied().collect();
        let decimals = self.between(last) == Some('.')
            && !matches!(self.before(), Some('.'))
            && self.between(last + 1) != Some('.')
            && whole.len() <= LONGEST_COUNT + 2;
        let counted = |after: Option<char>| {
            after.is_some_and(|c| (MEASURES.contains(c) && !"年号点".contains(c)) || "多余来万千百亿%".contains(c))
        };
        let zero_leads = whole[0] == '0' && whole.len() > 1;
        let is_code = zero_leads
            || self.is_part_of_code()
            || whole.len() >= 4
                && groups == 0
                && !decimals
                && (whole.len() > LONGEST_COUNT || !counted(self.after(last)));
        if is_code {
            return None;
        }
        let said = to_spoken(parse_number(&whole)?);
        if decimals {
            return Some((last + 2, format!("{said}点{}", one_by_one(self.digits(last + 1)))));
        }
        Some((last + 1, said))
    }

    /// 138-0013-8000: a dash or a space joins it to four digits or more, on either side.
    fn is_part_of_code(&self) -> bool {
        let joined = |a: &Range<usize>, b: &Range<usize>| {
            b.start == a.end + 1 && matches!(self.chars[a.end], '-' | ' ') && a.len().max(b.len()) >= 4
        };
        let here = &self.runs[0];
        self.previous.as_ref().is_some_and(|p| joined(p, here)) || self.runs.get(1).is_some_and(|n| joined(here, n))
    }

    /// How many runs of three digits follow after commas: 1,200,000 has two.
    fn groups_of_three(&self) -> usize {
        let first = self.digits(0);
        if first.len() > 3 || first[0] == '0' || self.before() == Some(',') {
            return 0;
        }
        let more =
            (0..self.runs.len()).take_while(|i| self.between(*i) == Some(',') && self.digits(i + 1).len() == 3).count();
        // 100,200,3: a list.
        if self.between(more) == Some(',') { 0 } else { more }
    }
}

#[cfg(test)]
mod tests {
    use super::to_spoken;
    use crate::Normalizer;

    #[test]
    fn written_numbers_are_said_as_people_say_them() {
        for (written, said) in [
            ("8.5折", "八点五折"),
            ("８．５折", "八点五折"),
            ("3.5元", "三点五元"),
            ("涨了5.03", "涨了五点零三"),
            ("明天10:30送到", "明天十点三十送到"),
            ("明天10：30送到", "明天十点三十送到"),
            ("9:05", "九点零五"),
            ("18:00", "十八点"),
            ("1,200元", "一千二百元"),
            ("1,234,567", "一百二十三万四千五百六十七"),
            ("2000条", "二千条"),
            ("12000元", "一万二千元"),
            ("打85折", "打八十五折"),
            ("50%", "百分之五十"),
            ("99.5％", "百分之九十九点五"),
            ("5-6条", "五到六条"),
            ("10~15箱", "十到十五箱"),
            ("¥35", "三十五元"),
            ("￥3.5元", "三点五元"),
            ("1.5万", "一点五万"),
            ("工号3021", "工号三零二一"),
            ("3021号为您服务", "三零二一号为您服务"),
            ("2026年11月5日", "二零二六年十一月五日"),
            ("138-0013-8000", "一三八零零一三八零零零"),
            ("13800138000打不通", "一三八零零一三八零零零打不通"),
            ("007号", "零零七号"),
            ("5,10,15", "五十十五"),
        ] {
            assert_eq!(Normalizer::matching().normalize(written).text(), said, "{written}");
        }
    }

    #[test]
    fn what_is_made_leads_back_to_what_was_written() {
        let n = Normalizer::matching().normalize("今天打8.5折。");
        assert_eq!(n.original_slice(3..7), "8.5折");
        let n = Normalizer::matching().normalize("10:30到");
        assert_eq!(n.original_slice(0..4), "10:30");
    }

    #[test]
    fn hundreds_and_zeros() {
        for (value, said) in [(205, "二百零五"), (12, "十二"), (10_005, "一万零五"), (0, "零")] {
            assert_eq!(to_spoken(value), said);
        }
    }
}
