//! How well numbers are hidden, on lines where 【】 encloses what has to be.

use std::ops::Range;

use super::{mask, sensitive_numbers};

/// Counts over labelled lines, and the lines that are wrong.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MaskMeasure {
    /// Lines read.
    pub lines: usize,
    /// Labelled numbers of which no more than the last two digits are readable.
    pub hidden: usize,
    /// Labelled numbers of which more can be read.
    pub readable: usize,
    /// Stretches that were hidden and touch no labelled number.
    pub needless: usize,
    /// The text and how it is shown, of each line with a fault.
    pub wrong: Vec<(String, String)>,
}

impl MaskMeasure {
    /// Measures lines; empty ones and those that begin with `#` are passed over.
    pub fn of(lines: &str) -> Self {
        let mut measure = Self::default();
        for line in lines.lines().filter(|l| !l.trim().is_empty() && !l.starts_with('#')) {
            measure.add(line);
        }
        measure
    }

    fn add(&mut self, line: &str) {
        let (text, labelled) = read(line);
        let found = sensitive_numbers(&text);
        let covered = |label: &&Range<usize>| found.iter().any(|f| f.start <= label.start && f.end + 1 >= label.end);
        let hidden = labelled.iter().filter(covered).count();
        let touches = |f: &&Range<usize>| labelled.iter().any(|l| l.start < f.end && f.start < l.end);
        let needless = found.len() - found.iter().filter(touches).count();
        self.lines += 1;
        self.hidden += hidden;
        self.readable += labelled.len() - hidden;
        self.needless += needless;
        if hidden < labelled.len() || needless > 0 {
            let text: String = text.iter().collect();
            self.wrong.push((line.to_owned(), mask(&text)));
        }
    }
}

/// The text without its brackets, and the ranges that they enclosed.
fn read(line: &str) -> (Vec<char>, Vec<Range<usize>>) {
    let (mut text, mut ranges, mut open) = (Vec::new(), Vec::new(), None);
    for c in line.chars() {
        match c {
            '【' => open = Some(text.len()),
            '】' => ranges.extend(open.take().map(|start| start..text.len())),
            _ => text.push(c),
        }
    }
    (text, ranges)
}
