//! The nearest of what there is to what was typed.

use std::path::{Path, PathBuf};

/// Likeness from which a name is offered, 0 to 1.
const ALIKE: f64 = 0.6;

/// The name most like the one that was typed; `None` where none is.
pub fn nearest<'a>(typed: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let typed = typed.to_lowercase();
    let likeness = |name: &str| {
        let name = name.to_lowercase();
        // The beginning of a name is what people remember of it.
        let begun = typed.len() >= 3 && (name.starts_with(&typed) || typed.starts_with(&name));
        strsim::normalized_damerau_levenshtein(&typed, &name).max(if begun { ALIKE } else { 0.0 })
    };
    let alike = names.into_iter().map(|name| (likeness(name), name)).filter(|(likeness, _)| *likeness >= ALIKE);
    // Of equals the first.
    alike.fold(None, |best: Option<(f64, &str)>, one| best.filter(|b| b.0 >= one.0).or(Some(one))).map(|(_, name)| name)
}

/// `; did you mean …?`, or nothing where no name is like it.
pub fn did_you_mean<'a>(typed: &str, names: impl IntoIterator<Item = &'a str>) -> String {
    nearest(typed, names)
        .map_or_else(String::new, |name| format!("; did you mean `{}`?", callsift_core::visible_line(name)))
}

/// What is there in place of a path that is not: the name most like it beside it, or the last folder of the path that
/// exists.
pub fn nearest_path(path: &Path) -> Option<PathBuf> {
    let whole = std::path::absolute(path).ok()?;
    let there = whole.ancestors().skip(1).find(|folder| folder.is_dir())?;
    let mut rest = whole.strip_prefix(there).ok()?.components();
    let wrong = rest.next()?.as_os_str().to_string_lossy().into_owned();
    let mut names: Vec<String> = std::fs::read_dir(there)
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .filter(|name| !name.starts_with('.'))
        .collect();
    names.sort();
    let Some(name) = nearest(&wrong, names.iter().map(String::as_str)) else { return Some(there.to_owned()) };
    let alike = there.join(name);
    // The rest of the path, where there is one and it leads somewhere.
    let whole = alike.join(rest.as_path()).components().collect::<PathBuf>();
    Some(if whole.exists() { whole } else { alike })
}

/// The path as it would be typed: from the current folder where it lies below, whole elsewhere.
pub fn typed(path: &Path) -> std::path::Display<'_> {
    let here = std::env::current_dir().ok();
    let below = here.as_deref().and_then(|here| path.strip_prefix(here).ok());
    below.filter(|below| !below.as_os_str().is_empty()).unwrap_or(path).display()
}

#[cfg(test)]
mod tests {
    use super::{did_you_mean, nearest, nearest_path};

    #[test]
    fn slips_of_the_finger_and_beginnings_are_understood() {
        let ids = ["greeting-missing", "shirking", "farewell-missing", "quarrel"];
        assert_eq!(nearest("shriking", ids), Some("shirking"));
        assert_eq!(nearest("greeting", ids), Some("greeting-missing"));
        assert_eq!(nearest("Farewel-missing", ids), Some("farewell-missing"));
        assert_eq!(did_you_mean("quarell", ids), "; did you mean `quarrel`?");
        for stranger in ["price", "q", ""] {
            assert_eq!(did_you_mean(stranger, ids), "", "{stranger}");
        }
    }

    #[test]
    fn the_nearest_path_exists() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(dir.path().join("data/lake")).unwrap();
        let near = |path: &str| nearest_path(&dir.path().join(path)).unwrap();
        assert_eq!(near("dta/lake"), dir.path().join("data/lake"));
        assert_eq!(near("dta/other"), dir.path().join("data"));
        assert_eq!(near("data/laek"), dir.path().join("data/lake"));
        assert_eq!(near("data/nothing-like-it/x"), dir.path().join("data"));
    }
}
