//! How well marks are put: precision and recall per mark on lines that people punctuated.

use serde::Serialize;

use super::punctuate;

/// One mark's counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct MarkScore {
    /// Put where a person put it.
    pub right: usize,
    /// Put at all.
    pub put: usize,
    /// Put by people.
    pub wanted: usize,
}

impl MarkScore {
    /// Harmonic mean of precision and recall, 0 to 1; 0 where there is neither.
    pub fn f1(self) -> f64 {
        2.0 * self.right as f64 / (self.put + self.wanted).max(1) as f64
    }
}

/// Counts for ，。？ over lines, in this order.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct MarkMeasure {
    /// Lines measured.
    pub lines: usize,
    /// Comma, full stop, question mark.
    pub marks: [MarkScore; 3],
    /// Marks at the end of lines, where the kind alone is to be found, do not count here: comma, full stop, question
    /// mark.
    pub inner: [MarkScore; 3],
}

/// The mark that counts for what a person wrote: 、；： and the ASCII comma are commas, an exclamation mark is a full
/// stop.
fn kind(c: char) -> Option<usize> {
    match c {
        '，' | ',' | '、' | '；' | ';' | '：' => Some(0),
        '。' | '！' | '!' => Some(1),
        '？' | '?' => Some(2),
        _ => None,
    }
}

impl MarkMeasure {
    /// Takes the marks out of each line of a text, puts them in again and compares. No pauses are known. Lines that a
    /// person left without a mark at the end are taken without their end.
    pub fn of(text: &str) -> Self {
        let mut measure = Self::default();
        for line in text.lines() {
            measure.line(line);
        }
        measure
    }

    fn line(&mut self, line: &str) {
        let (mut chars, mut wanted): (Vec<char>, Vec<Option<usize>>) = (Vec::new(), Vec::new());
        for c in line.chars() {
            if c.is_alphanumeric() {
                chars.push(c);
                wanted.push(None);
            } else if let Some(last) = wanted.last_mut() {
                *last = (*last).max(kind(c));
            }
        }
        let Some(end) = chars.len().checked_sub(1) else { return };
        let mut found = vec![None; chars.len()];
        for (i, mark) in punctuate(&chars, &[], true) {
            found[i] = kind(mark);
        }
        self.lines += 1;
        for (i, (wanted, found)) in wanted.into_iter().zip(found).enumerate() {
            if i < end {
                count(&mut self.inner, wanted, found);
            } else if !matches!(wanted, Some(1 | 2)) {
                continue;
            }
            count(&mut self.marks, wanted, found);
        }
    }
}

fn count(scores: &mut [MarkScore; 3], wanted: Option<usize>, found: Option<usize>) {
    if let Some(k) = wanted {
        scores[k].wanted += 1;
        scores[k].right += usize::from(found == wanted);
    }
    if let Some(k) = found {
        scores[k].put += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::MarkMeasure;

    #[test]
    fn counts_what_is_right_put_and_wanted() {
        let m = MarkMeasure::of("好的，谢谢。\n\n地址是在哪里。\n好的");
        assert_eq!(m.lines, 3);
        let [comma, stop, question] = m.marks;
        assert_eq!((comma.right, comma.put, comma.wanted), (1, 1, 1));
        assert_eq!((stop.right, stop.put, stop.wanted), (1, 1, 2));
        assert_eq!((question.right, question.put, question.wanted), (0, 1, 0));
        assert!((stop.f1() - 2.0 / 3.0).abs() < 1e-9);
    }
}
