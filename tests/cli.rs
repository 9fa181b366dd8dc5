//! Arguments, exit codes, generated documents.

use crate::support::{code, root, run, stderr, stdout};

#[test]
fn help_has_examples_and_exit_codes() {
    let help = run(&["--help"]);
    assert_eq!(code(&help), 0);
    assert!(stdout(&help).contains("Examples:") && stdout(&help).contains("Exit codes"));
    assert!(stdout(&run(&["run", "--help"])).contains("--recordings"));
}

#[test]
fn bad_usage_is_two() {
    assert_eq!(code(&run(&["run", "--out", "x"])), 2);
    assert_eq!(
        code(&run(&["run", "--model=whisper-mini-zh", "--recordings", "no/such/folder", "--out", "target/none"])),
        2
    );
    let model = run(&["transcribe", "tests/demo/recordings/c01-clean-order.wav", "--model", "no-such-model"]);
    assert_eq!(code(&model), 2);
    assert!(
        stderr(&model).contains("no-such-model") && stderr(&model).contains("whisper-mini-zh"),
        "{}",
        stderr(&model)
    );
}

#[test]
fn bad_configuration_shows_the_line() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("c.toml");
    std::fs::write(&file, "[vad.options]\nthreshhold = 0.4\n").unwrap();
    let output = run(&["config", "--config", file.to_str().unwrap()]);
    assert_eq!(code(&output), 2);
    assert!(
        stderr(&output).contains("line 2, column 1") && stderr(&output).contains("threshhold"),
        "{}",
        stderr(&output)
    );
}

#[test]
fn bad_rules_show_the_line_and_end_with_two() {
    let folder = tempfile::tempdir().unwrap();
    let text = std::fs::read_to_string(root().join("rules/attitude/shirking.yaml")).unwrap();
    std::fs::write(folder.path().join("shirking.yaml"), text.replace("violation_when: found", "violation_when: fonud"))
        .unwrap();
    let output = run(&["rules", "check", folder.path().to_str().unwrap()]);
    assert_eq!(code(&output), 2);
    let message = stderr(&output);
    assert!(message.contains("shirking.yaml:9:") && message.contains("found"), "{message}");
}

#[test]
fn generated_documents_are_up_to_date() {
    let generated: [(&[&str], &str); 3] = [
        (&["schema"], "docs/schema.md"),
        (&["operators"], "docs/rules.md"),
        (&["operators", "--json-schema"], "docs/rules.schema.json"),
    ];
    for (command, file) in generated {
        let written = std::fs::read_to_string(root().join(file)).unwrap();
        assert!(stdout(&run(command)) == written, "{file} is out of date: run `make docs`");
    }
}

#[test]
fn what_is_built_in_is_printed() {
    assert!(stdout(&run(&["formats"])).contains("wav/alaw"));
    assert!(stdout(&run(&["models", "list"])).contains("whisper-mini-zh"));
    assert!(stdout(&run(&["completion", "bash"])).contains("callsift"));
    assert!(stdout(&run(&["rules", "explain", "greeting-missing"])).contains("缘由"));
    let tests = run(&["rules", "test", "rules"]);
    assert_eq!(code(&tests), 0, "{}", stdout(&tests));
}

#[test]
fn transcripts_come_in_four_formats() {
    let file = "tests/demo/recordings/c06-forbidden-phrase.wav";
    let text = |format: &str| {
        let output = run(&["transcribe", file, "--format", format, "--model", "whisper-mini-zh"]);
        assert_eq!(code(&output), 0, "{}", stderr(&output));
        stdout(&output)
    };
    assert!(text("txt").contains("坐席"));
    assert!(text("srt").contains(" --> ") && text("srt").starts_with("1\n"));
    assert!(text("vtt").starts_with("WEBVTT"));
    assert!(text("json").contains("\"turns\""));
}
