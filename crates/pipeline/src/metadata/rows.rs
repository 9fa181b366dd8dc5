//! Which row belongs to which recording. A row is booked on a recording only where it can be no other's.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::Path;

use callsift_core::path_of_name;
use percent_encoding::percent_decode_str;

use crate::intake::NoteKind;
use crate::metadata::Fields;
use crate::metadata::sheet::{Row, Sheet};

/// What names are compared by, the strictest first: as written, without case, with %-encoding undone.
const KEYS: [fn(&str) -> String; 3] = [
    str::to_owned,
    |part| part.to_lowercase(),
    |part| percent_decode_str(part).decode_utf8().map_or_else(|_| part.to_lowercase(), |p| p.to_lowercase()),
];

/// A recording that a row fits.
struct Fit {
    recording: usize,
    /// Folders that the row's path has above the recordings folder; empty where it has none.
    above: Vec<String>,
    /// The last of them are those of the recordings folder itself.
    known_folder: bool,
}

enum Found {
    One(Fit),
    Several(Vec<usize>),
    Nowhere,
}

/// The fields of each recording, in the order of the names; `sheet` is told of rows that found none or too many.
pub(super) fn assign(sheet: &mut Sheet, root: &Path, names: &[String]) -> Vec<Fields> {
    let finder = Finder::new(root, names);
    let rows = std::mem::take(&mut sheet.rows);
    let mut fits: Vec<(usize, Fit)> = Vec::new();
    for (i, row) in rows.iter().enumerate() {
        match finder.find(row) {
            Found::One(fit) => fits.push((i, fit)),
            Found::Several(which) => {
                let shown: Vec<&str> = which.iter().take(3).map(|r| names[*r].as_str()).collect();
                let text = format!(
                    "{} 对应 {} 个录音（{}…）：请在 file 列写出路径",
                    label(row),
                    which.len(),
                    shown.join("、")
                );
                sheet.intake.add(NoteKind::AmbiguousRow, sheet.place(row), text);
            }
            Found::Nowhere => {
                let text = format!("{} 没有对应的录音（no match）", label(row));
                sheet.intake.add(NoteKind::RowWithoutRecording, sheet.place(row), text);
            }
        }
    }
    let mut by_recording: BTreeMap<usize, Vec<&Row>> = BTreeMap::new();
    let strict = folders_matter(&fits, &rows);
    for (i, fit) in fits {
        if strict && !fit.above.is_empty() && !fit.known_folder {
            let text = format!("{} 的上级目录与录音目录对不上，不能确定是哪一个录音（no match）", label(&rows[i]));
            sheet.intake.add(NoteKind::AmbiguousRow, sheet.place(&rows[i]), text);
        } else {
            by_recording.entry(fit.recording).or_default().push(&rows[i]);
        }
    }
    let mut out = vec![Fields::new(); names.len()];
    for (recording, rows) in by_recording {
        out[recording] = agreed(sheet, &names[recording], &rows);
    }
    out
}

/// What to call a row.
fn label(row: &Row) -> &str {
    ["file", "call_id"].iter().filter_map(|f| row.fields.get(*f)).find(|v| !v.is_empty()).map_or("", String::as_str)
}

/// Rows may name folders above the one that was given, such as `D:\Rec`. Where they name different ones, and one is that of the
/// recordings, or file names recur, rows of other folders are about other recordings.
fn folders_matter(fits: &[(usize, Fit)], rows: &[Row]) -> bool {
    let above: BTreeSet<&[String]> = fits.iter().map(|(_, f)| f.above.as_slice()).filter(|a| !a.is_empty()).collect();
    if above.len() < 2 {
        return false;
    }
    let mut seen = BTreeSet::new();
    let mut files = rows.iter().filter_map(|r| parts(r.fields.get("file")?).pop());
    fits.iter().any(|(_, f)| f.known_folder) || files.any(|f| !seen.insert(f.to_lowercase()))
}

/// The fields of a recording's rows; of several only what all say alike.
fn agreed(sheet: &mut Sheet, name: &str, rows: &[&Row]) -> Fields {
    let Some((first, others)) = rows.split_first() else { return Fields::new() };
    let mut fields = first.fields.clone();
    let lines: Vec<String> = rows.iter().map(|r| r.line.to_string()).collect();
    if others.is_empty() {
        return fields;
    }
    if others.iter().all(|o| o.fields == first.fields) {
        let text = format!("{name}：第 {} 行内容相同（repeated）", lines.join("、"));
        sheet.intake.add(NoteKind::RepeatedRow, sheet.place(others[0]), text);
        return fields;
    }
    fields.retain(|field, value| others.iter().all(|o| o.fields.get(field) == Some(value)));
    // Two legs of one call begin at other times of one day: the day is known.
    let days: BTreeSet<Option<&str>> = rows.iter().map(|r| day(r.fields.get("started_at")?)).collect();
    if let (false, [Some(day)]) = (fields.contains_key("started_at"), &days.into_iter().collect::<Vec<_>>()[..]) {
        fields.insert("started_at".to_owned(), (*day).to_owned());
    }
    let text = format!("{name}：第 {} 行内容不同，只取一致的（several rows）", lines.join("、"));
    sheet.intake.add(NoteKind::SeveralRows, sheet.place(first), text);
    fields
}

/// The day of a time that begins with it.
fn day(time: &str) -> Option<&str> {
    time.split([' ', 'T']).next().filter(|day| day.len() >= 8)
}

/// Parts of a path as any system writes it; of an address what follows the host.
fn parts(path: &str) -> Vec<String> {
    let path = path.replace('\\', "/");
    let path = match path.split_once("://") {
        Some((_, rest)) => rest.split_once('/').map_or("", |(_, path)| path).split(['?', '#']).next().unwrap_or(""),
        None => &path,
    };
    let mut out: Vec<String> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(out.pop()),
            part => out.push(part.to_owned()),
        }
    }
    out
}

/// A name that is not UTF-8 as rows have it, where it is GBK.
fn readable(name: &str) -> Cow<'_, str> {
    let path = path_of_name(name);
    let bytes = path.as_os_str().as_encoded_bytes();
    let is_utf8 = std::str::from_utf8(bytes).is_ok();
    let decoded = || encoding_rs::GB18030.decode_without_bom_handling_and_without_replacement(bytes);
    if is_utf8 { name.into() } else { decoded().map_or_else(|| name.into(), |text| text.into_owned().into()) }
}

fn without_extension(file: &str) -> &str {
    file.rsplit_once('.').map_or(file, |(stem, _)| stem)
}

/// Finds recordings by their names.
struct Finder<'a> {
    names: &'a [String],
    /// Parts of each name.
    parts: Vec<Vec<String>>,
    /// The folder that was given, in small letters.
    folder: Vec<String>,
    /// Recordings by the key of their file name, with and without extension, for each of [`KEYS`].
    by_file: [HashMap<String, Vec<usize>>; KEYS.len()],
    by_stem: [HashMap<String, Vec<usize>>; KEYS.len()],
}

impl<'a> Finder<'a> {
    fn new(root: &Path, names: &'a [String]) -> Self {
        let parts: Vec<Vec<String>> = names.iter().map(|n| parts(&readable(n))).collect();
        let index = |cut: fn(&str) -> &str| {
            KEYS.map(|key| {
                let mut map: HashMap<String, Vec<usize>> = HashMap::new();
                for (i, parts) in parts.iter().enumerate() {
                    let file = parts.last().map_or("", |f| cut(f));
                    map.entry(key(file)).or_default().push(i);
                }
                map
            })
        };
        let (by_file, by_stem) = (index(|f| f), index(without_extension));
        let folder = root.components().map(|c| c.as_os_str().to_string_lossy().to_lowercase()).collect();
        Self { names, parts, folder, by_file, by_stem }
    }

    /// By `file` where the row has one, else by `call_id` as the name of a recording.
    fn find(&self, row: &Row) -> Found {
        let of = |field: &str| row.fields.get(field).filter(|v| !v.is_empty());
        match (of("file"), of("call_id")) {
            (Some(file), _) => self.by_path(&parts(file)),
            (None, Some(id)) => self.by_id(id),
            (None, None) => Found::Nowhere,
        }
    }

    fn by_path(&self, row: &[String]) -> Found {
        let Some((file, folders)) = row.split_last() else { return Found::Nowhere };
        for (index, with_extension) in [(&self.by_file, true), (&self.by_stem, false)] {
            for (key, map) in KEYS.iter().zip(index) {
                let candidates = map.get(&key(file)).map_or(&[][..], Vec::as_slice);
                let fitting = candidates.iter().filter_map(|r| self.fit(*r, folders, *key));
                match best(fitting.collect()) {
                    Found::Nowhere => {}
                    found => return found,
                }
            }
            // A name with an extension of a recording that is not here must not be taken for another one's stem.
            if with_extension && self.is_recording_name(file) {
                return Found::Nowhere;
            }
        }
        Found::Nowhere
    }

    /// Whether the name ends as recordings of this folder do.
    fn is_recording_name(&self, file: &str) -> bool {
        let extension = |f: &str| f.rsplit_once('.').map(|(_, e)| e.to_lowercase());
        extension(file)
            .is_some_and(|e| self.parts.iter().any(|p| p.last().and_then(|f| extension(f)).as_ref() == Some(&e)))
    }

    /// How a recording whose file name fits lies to the folders of a row: one is the end of the other, or it does not fit.
    /// With it how many parts are the same, and whether it is the very path.
    fn fit(&self, recording: usize, folders: &[String], key: fn(&str) -> String) -> Option<(Fit, (bool, usize))> {
        let own = self.parts[recording].split_last().map_or(&[][..], |(_, folders)| folders);
        let same = own.iter().rev().zip(folders.iter().rev()).take_while(|(a, b)| key(a) == key(b)).count();
        if same < own.len().min(folders.len()) {
            return None;
        }
        let above: Vec<String> = folders[..folders.len() - same].iter().map(|f| f.to_lowercase()).collect();
        let of_folder = above.iter().rev().zip(self.folder.iter().rev()).take_while(|(a, b)| a == b).count();
        let exact = same == own.len() && (above.is_empty() || of_folder > 0);
        Some((Fit { recording, above, known_folder: of_folder > 0 }, (exact, same + of_folder)))
    }

    fn by_id(&self, id: &str) -> Found {
        let one = |recording: usize| Fit { recording, above: Vec::new(), known_folder: false };
        if let Some(recording) = self.names.iter().position(|n| n == id) {
            return Found::One(one(recording));
        }
        let hits = [&self.by_file[0], &self.by_stem[0]].into_iter().find_map(|map| map.get(id));
        match hits.map_or(&[][..], Vec::as_slice) {
            [] => Found::Nowhere,
            [recording] => Found::One(one(*recording)),
            several => Found::Several(several.to_vec()),
        }
    }
}

/// The fit with the most in common with the row; several where they are alike.
fn best(fits: Vec<(Fit, (bool, usize))>) -> Found {
    let Some(most) = fits.iter().map(|(_, likeness)| *likeness).max() else { return Found::Nowhere };
    let mut best: Vec<Fit> = fits.into_iter().filter(|(_, likeness)| *likeness == most).map(|(fit, _)| fit).collect();
    match (best.pop(), best.is_empty()) {
        (Some(fit), true) => Found::One(fit),
        (Some(fit), false) => Found::Several(best.iter().map(|f| f.recording).chain([fit.recording]).collect()),
        (None, _) => Found::Nowhere,
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::assign;
    use crate::intake::NoteKind;
    use crate::metadata::sheet::{Row, Sheet};

    /// Rows of file, agent and start against recordings of `/data/rec`: the agents that got booked, and the sheet.
    fn booked(names: &[&str], rows: &[(&str, &str)]) -> (Vec<String>, Sheet) {
        let row = |(i, (file, agent)): (usize, &(&str, &str))| {
            let pairs = [("file", *file), ("agent_id", *agent)];
            let fields = pairs.into_iter().map(|(k, v)| (k.to_owned(), v.to_owned())).collect();
            Row { line: i + 2, fields }
        };
        let mut sheet = Sheet {
            name: "calls.csv".to_owned(),
            rows: rows.iter().enumerate().map(row).collect(),
            ..Sheet::default()
        };
        let names: Vec<String> = names.iter().map(|n| (*n).to_owned()).collect();
        let fields = assign(&mut sheet, Path::new("/data/rec"), &names);
        (fields.iter().map(|f| f.get("agent_id").cloned().unwrap_or_default()).collect(), sheet)
    }

    #[test]
    fn a_row_finds_its_recording_however_the_path_is_written() {
        for file in [
            "3021/k 1.wav",
            "./3021/k 1.wav",
            "3021\\k 1.wav",
            "D:\\Rec\\3021\\k 1.wav",
            "\\\\host\\Rec\\3021\\K 1.WAV",
            "3021/k%201.wav",
            "http://host/rec/3021/k%201.wav?x=1",
            "k 1.wav",
            "3021/k 1",
            "K 1",
            "/data/rec/3021/k 1.wav",
            "x/../3021/k 1.wav",
        ] {
            let (agents, sheet) = booked(&["2205/k2.wav", "3021/k 1.wav"], &[(file, "a")]);
            assert_eq!(agents, ["", "a"], "{file}");
            assert!(sheet.intake.notes.is_empty(), "{file}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn names_in_gbk_are_found_by_their_characters() {
        let (agents, _) = booked(&["3021/\u{fffd}C4\u{fffd}E3.wav"], &[("3021\\你.wav", "a")]);
        assert_eq!(agents, ["a"]);
    }

    #[test]
    fn a_row_that_fits_several_is_booked_on_none() {
        let names = ["1086/0001.wav", "2205/0001.wav", "3021/0001.wav"];
        let (agents, sheet) = booked(&names, &[("0001.wav", "1086"), ("0001.wav", "2205"), ("3021/0001.wav", "3021")]);
        assert_eq!(agents, ["", "", "3021"]);
        assert_eq!(sheet.intake.count(NoteKind::AmbiguousRow), 2);
        let (agents, sheet) = booked(&["k1.wav", "k1.mp3"], &[("k1", "a"), ("K1.WAV", "b")]);
        assert_eq!(agents, ["b", ""]);
        assert_eq!(sheet.intake.count(NoteKind::AmbiguousRow), 1);
        let (agents, _) = booked(&["a.wav", "A.wav"], &[("a.wav", "a"), ("A.wav", "b")]);
        assert_eq!(agents, ["a", "b"]);
    }

    #[test]
    fn nobody_s_row_is_booked_on_another_call() {
        // The recording of 2205 is not here; its row must not go to the one of 1086 that bears the same name.
        let (agents, sheet) =
            booked(&["1086/0001.wav"], &[("2205/0001.wav", "2205"), ("0001.mp3", "x"), ("0002.wav", "y")]);
        assert_eq!((agents, sheet.intake.count(NoteKind::RowWithoutRecording)), (vec![String::new()], 3));
        let (agents, sheet) = booked(&["0001.wav"], &[("D:\\rec\\0001.wav", "a"), ("D:\\other\\0001.wav", "b")]);
        assert_eq!((agents, sheet.intake.count(NoteKind::AmbiguousRow)), (vec!["a".to_owned()], 1));
        let (agents, _) = booked(
            &["0001.wav", "0002.wav"],
            &[("D:\\x\\0001.wav", "a"), ("D:\\y\\0001.wav", "b"), ("D:\\y\\0002.wav", "c")],
        );
        assert_eq!(agents, ["", ""]);
        let (agents, _) = booked(&["0001.wav", "0002.wav"], &[("D:\\x\\0001.wav", "a"), ("D:\\y\\0002.wav", "c")]);
        assert_eq!(agents, ["a", "c"]);
    }

    #[test]
    fn of_several_rows_only_what_they_agree_on_is_taken() {
        let (agents, sheet) = booked(&["a.wav"], &[("a.wav", "1086"), ("a.wav", "3021")]);
        assert_eq!((agents, sheet.intake.count(NoteKind::SeveralRows)), (vec![String::new()], 1));
        let (agents, sheet) = booked(&["a.wav"], &[("a.wav", "1086"), ("a.wav", "1086")]);
        assert_eq!((agents, sheet.intake.count(NoteKind::RepeatedRow)), (vec!["1086".to_owned()], 1));
    }
}
