//! The documentation is held to what is there: links lead somewhere, commands are understood, targets of make exist.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use clap::{CommandFactory, Parser};

use crate::args::Cli;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// Markdown at the top, in docs/ and in .github/, and the ready files of deploy/.
fn documents() -> Vec<PathBuf> {
    let files = |folder: &str| std::fs::read_dir(root().join(folder)).into_iter().flatten().flatten().map(|e| e.path());
    let is_text = |path: &PathBuf| path.extension().is_some_and(|e| e == "md");
    let mut all: Vec<PathBuf> = files("").chain(files("docs")).filter(is_text).collect();
    all.sort();
    assert!(all.len() > 15, "{all:?}");
    all
}

/// What GitHub makes of a heading.
fn anchor(heading: &str) -> String {
    let kept = heading.trim().to_lowercase();
    let kept = kept.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    kept.map(|c| if c == ' ' { '-' } else { c }).collect()
}

fn anchors(text: &str) -> BTreeSet<String> {
    text.lines().filter(|l| l.starts_with('#')).map(|l| anchor(l.trim_start_matches('#'))).collect()
}

/// Targets of links and pictures.
fn links(text: &str) -> Vec<&str> {
    text.split("](").skip(1).filter_map(|rest| rest.split_once(')')).map(|(target, _)| target).collect()
}

#[test]
fn links_lead_somewhere() {
    for file in documents() {
        let text = read(&file);
        for link in links(&text).into_iter().filter(|l| !l.starts_with("http") && !l.contains(' ')) {
            let (path, heading) = link.split_once('#').map_or((link, None), |(path, heading)| (path, Some(heading)));
            let target = if path.is_empty() { file.clone() } else { file.parent().unwrap().join(path) };
            assert!(target.exists(), "{}: {link} leads nowhere", file.display());
            if let Some(heading) = heading {
                assert!(anchors(&read(&target)).contains(heading), "{}: no heading for {link}", file.display());
            }
        }
    }
}

/// Lines of code fences for a shell, continued lines joined.
fn shell_lines(text: &str) -> Vec<String> {
    // Of the fence that is open: whether it holds commands.
    let (mut lines, mut fence) = (Vec::new(), None);
    for line in text.replace("\\\n", " ").lines() {
        if let Some(kind) = line.trim_start().strip_prefix("```") {
            fence = if fence.is_some() { None } else { Some(matches!(kind.trim(), "" | "sh" | "bash" | "console")) };
        } else if fence == Some(true) {
            lines.push(line.to_owned());
        }
    }
    lines
}

/// Words as a shell has them, command by command: quotes, comments, `&&`, `;`, `|` and what is redirected.
fn commands(line: &str) -> Vec<Vec<String>> {
    let (mut commands, mut words, mut word) = (Vec::new(), Vec::new(), String::new());
    let (mut quote, mut quoted, mut brackets) = (None, false, 0);
    for c in line.chars().chain([' ', ';']) {
        match (quote, c) {
            (Some(open), c) if c == open => quote = None,
            (None, '"' | '\'') => (quote, quoted) = (Some(c), true),
            (None, '(' | ')') => {
                brackets += if c == '(' { 1 } else { -1 };
                word.push(c);
            }
            (None, '#') if word.is_empty() && brackets == 0 => break,
            (None, c) if brackets == 0 && (c.is_whitespace() || matches!(c, ';' | '|' | '&')) => {
                if !word.is_empty() || quoted {
                    words.push(std::mem::take(&mut word));
                    quoted = false;
                }
                if !c.is_whitespace() && !words.is_empty() {
                    commands.push(std::mem::take(&mut words));
                }
            }
            (_, c) => word.push(c),
        }
    }
    commands.extend((!words.is_empty()).then_some(words));
    for words in &mut commands {
        if let Some(end) = words.iter().position(|w| w.starts_with('>') || w.starts_with("2>")) {
            words.truncate(end);
        }
    }
    commands
}

fn understood(words: &[String], place: &str) {
    let shown = words.join(" ");
    // Ellipses and placeholders of commands stand for a word each.
    let words = words.iter().filter(|w| !matches!(w.as_str(), "…" | "..."));
    if let Err(error) = Cli::try_parse_from(words)
        && error.use_stderr()
    {
        panic!("{place}: `{shown}` is not understood: {error}");
    }
}

#[test]
fn commands_of_the_documents_are_understood() {
    let makefile = read(&root().join("Makefile"));
    let mut checked = 0;
    for file in documents().into_iter().filter(|file| !file.ends_with("CHANGELOG.md")) {
        let text = read(&file);
        for words in shell_lines(&text).iter().flat_map(|line| commands(line)) {
            let Some(start) = words.iter().position(|w| matches!(w.as_str(), "callsift" | "make")) else { continue };
            // Before it a time of cron, or `sudo`; in prose the word means something else.
            let place = file.display().to_string();
            if words[start] == "make" {
                for target in words[start + 1..].iter().filter(|w| !w.contains('=')) {
                    assert!(makefile.contains(&format!("\n{target}:")), "{place}: make {target}");
                }
            } else {
                understood(&words[start..], &place);
            }
            checked += 1;
        }
    }
    assert!(checked > 60, "{checked} commands");
}

#[test]
fn commands_of_help_and_of_deploy_are_understood() {
    let mut helps = Vec::new();
    let mut queue = vec![Cli::command()];
    while let Some(command) = queue.pop() {
        helps.extend(command.get_after_help().map(ToString::to_string));
        queue.extend(command.get_subcommands().cloned());
    }
    let helps = helps.join("\n").replace("\\\n", " ");
    let mut lines: Vec<String> = helps.lines().filter(|l| l.contains("  callsift ")).map(str::to_owned).collect();
    assert!(lines.len() > 30, "{lines:?}");
    for unit in ["run", "watch", "console"] {
        let unit = read(&root().join(format!("deploy/systemd/callsift-{unit}.service")));
        let starts = unit.lines().filter_map(|l| l.strip_prefix("ExecStart")?.split_once("/usr/bin/"));
        lines.extend(starts.map(|(_, command)| command.replace("$RUN_OPTIONS", "").replace("$CONSOLE_OPTIONS", "")));
    }
    lines.extend(read(&root().join("deploy/crontab")).lines().filter(|l| l.contains("callsift ")).map(str::to_owned));
    for file in ["kubernetes/inspect.yaml", "slurm/inspect.sbatch"] {
        let text = read(&root().join("deploy").join(file)).replace("\\\n", " ");
        let start = text.find("callsift run").unwrap();
        let end = text[start..].find(" ||").or(text[start..].find(" &\n")).unwrap();
        // What stands for a number there is one here.
        let line = text[start..start + end].replace('\n', " ").replace("$(JOB_COMPLETION_INDEX)", "3");
        let of_slurm = [("_ARRAY_TASK_ID", "3"), ("_ARRAY_TASK_COUNT", "16"), ("_CPUS_PER_TASK", "4")];
        let line = of_slurm.iter().fold(line, |line, (name, n)| line.replace(&format!("$SLURM{name}"), n));
        assert!(line.contains("--shard"), "{line}");
        lines.push(line);
    }
    for words in lines.iter().flat_map(|line| commands(line)) {
        if let Some(start) = words.iter().position(|word| word == "callsift") {
            understood(&words[start..], "help or deploy");
        }
    }
}

#[test]
fn no_paragraph_of_the_readme_is_longer_than_four_lines() {
    for name in ["README.md", "README.zh-CN.md"] {
        let mut length = 0;
        let text = read(&root().join(name));
        for line in text.lines() {
            let starts_anew = line.trim().is_empty() || line.starts_with(['#', '|', '-', '`', '!']);
            length = if starts_anew { 0 } else { length + 1 };
            assert!(length <= 4, "{name}: {line}");
        }
    }
}

#[test]
fn words_of_a_shell() {
    let split = |line: &str| commands(line).into_iter().map(|words| words.join("|")).collect::<Vec<_>>();
    assert_eq!(split(r#"a -b "c d" # e"#), ["a|-b|c d"]);
    assert_eq!(split("a b && c; d > e | f"), ["a|b", "c", "d", "f"]);
    assert_eq!(split("a $(date +%F) x"), ["a|$(date +%F)|x"]);
    assert_eq!(anchor("What is `x`, 中文"), "what-is-x-中文");
}
