//! Documentation and JSON schema of rule files, generated from the registry and the types.

use std::fmt::Write;

use crate::operators::OPERATORS;
use crate::schema::Rule;

/// Everything but the operators: `docs/rules.md` begins with it.
const PREFACE: &str = include_str!("docs.zh.md");

/// The page for rule writers, in Chinese.
pub fn rules_markdown() -> String {
    let mut out = PREFACE.to_owned();
    out.push_str("\n## 算子一览\n\n| 算子 | 名称 | 检查什么 |\n|---|---|---|\n");
    for op in OPERATORS {
        let short = op.checks.split(['。', '：']).next().unwrap_or(op.checks);
        let _ = writeln!(out, "| [`{0}`](#{0}) | {1} | {2} |", op.name, op.title, short);
    }
    for op in OPERATORS {
        let _ = write!(out, "\n### {}\n\n**{}**。{}\n\n| 参数 | 含义 |\n|---|---|\n", op.name, op.title, op.checks);
        for (name, meaning) in op.params {
            let _ = writeln!(out, "| `{name}` | {} |", meaning.replace('|', "\\|"));
        }
        let _ = write!(out, "\n```yaml\n{}\n```\n\n", op.example);
        let _ = write!(out, "成立：`{}`\n\n不成立：`{}`\n\n看不到：{}\n", op.holds, op.fails, op.blind_spots);
    }
    out
}

/// The JSON schema of a rule file, for editors.
pub fn json_schema() -> String {
    let schema = schemars::schema_for!(Rule);
    serde_json::to_string_pretty(&schema).map_or_else(|_| String::from("{}"), |text| text + "\n")
}
