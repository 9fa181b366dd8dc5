//! Views for analysts, printed as SQL: what they ask for most, said once.

use std::fmt::Write;

/// An engine whose SQL is printed; each is tested with the engine itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// `DuckDB`.
    DuckDb,
    /// Spark SQL.
    Spark,
    /// `ClickHouse`, also chdb.
    ClickHouse,
}

/// Tables of the run, and what people said, where it was exported.
const TABLES: [(&str, bool); 4] = [("calls", true), ("turns", true), ("findings", true), ("reviews", false)];

/// The views over a lake. `lake` is a path as the engine sees it, `team_field` the metadata field that holds an
/// agent's team; without `reviews` those of verdicts are left out, since their table has no file yet.
pub fn views(dialect: Dialect, lake: &str, team_field: &str, reviews: bool) -> String {
    let mut out = format!("-- Views over the lake {}; made by `callsift schema --sql`.\n", lake.replace('\n', " "));
    let tables = TABLES.iter().filter(|(_, always)| *always || reviews);
    for (table, _) in tables {
        out.push_str(&dialect.table(lake, table));
    }
    let team = dialect.team(team_field);
    let place = "CASE WHEN turn IS NULL THEN '' \
                 WHEN char_end > char_start THEN concat('t', turn, ':', char_start, '-', char_end) \
                 ELSE concat('t', turn, '@', coalesce(start_ms, 0)) END";
    let create = dialect.create();
    for (name, doc, select) in [
        (
            "v_calls",
            "calls with the agent's team and a length also where there was no recording (end of the last turn)",
            format!(
                "SELECT c.*, {team} AS team, coalesce(c.duration_ms, t.last_ms, 0) AS length_ms\n  FROM calls c \
                 LEFT JOIN (SELECT call_id, max(end_ms) AS last_ms FROM turns GROUP BY call_id) t ON t.call_id = c.call_id"
            ),
        ),
        (
            "v_findings",
            "findings with the place that verdicts are joined by",
            format!("SELECT f.*, {place} AS place FROM findings f"),
        ),
        (
            "v_hits",
            "one row for each rule and call that it hit, with who was at the telephone",
            format!(
                "SELECT f.dt, f.call_id, f.rule_id, f.title, f.category, f.severity, f.points, f.hit_count, f.start_ms, f.reason,\n    \
                 f.ruleset_hash, c.agent_id, c.agent_name, {team} AS team, c.queue, c.score\n  \
                 FROM findings f JOIN calls c ON c.call_id = f.call_id\n  WHERE f.verdict = 'hit' AND f.hit_index = 0"
            ),
        ),
        (
            "v_rules",
            "one row for each rule and set of rules, with the calls that it judged",
            "SELECT rule_id, ruleset_hash, max(title) AS title, max(category) AS category, max(severity) AS severity,\n    \
             sum(CASE WHEN hit_index = 0 THEN 1 ELSE 0 END) AS calls,\n    \
             sum(CASE WHEN verdict = 'hit' AND hit_index = 0 THEN 1 ELSE 0 END) AS calls_hit,\n    \
             sum(CASE WHEN verdict = 'cannot_tell' THEN 1 ELSE 0 END) AS calls_cannot_tell\n  \
             FROM findings GROUP BY rule_id, ruleset_hash"
                .to_owned(),
        ),
        (
            "v_agents",
            "one row for each agent",
            format!(
                "SELECT agent_id, max(agent_name) AS agent_name, max({team}) AS team, count(*) AS calls, avg(score) AS mean_score,\n    \
                 min(c.dt) AS first_dt, max(c.dt) AS last_dt\n  FROM calls c WHERE agent_id IS NOT NULL GROUP BY agent_id"
            ),
        ),
        (
            "v_verdicts",
            "what people said and still say, first reviews only, with the points of the finding",
            "SELECT r.dt AS said_dt, r.call_id, r.rule_id, r.place, r.source, r.verdict, r.reviewer, r.note, f.points, f.reason\n  \
             FROM reviews r LEFT JOIN v_findings f\n    ON f.call_id = r.call_id AND f.rule_id = r.rule_id AND f.place = r.place\n  \
             WHERE r.\"current\" AND NOT r.duplicate"
                .to_owned(),
        ),
    ] {
        if name == "v_verdicts" && !reviews {
            out.push_str("\n-- v_verdicts: run `callsift reviews --lake LAKE export` first, then print the views again.\n");
            continue;
        }
        let select = if dialect == Dialect::DuckDb { select } else { select.replace('"', "`") };
        let _ = write!(out, "\n-- {doc}\n{create} {name} AS\n  {select};\n");
    }
    out
}

impl Dialect {
    fn create(self) -> &'static str {
        match self {
            Self::Spark => "CREATE OR REPLACE TEMPORARY VIEW",
            Self::DuckDb | Self::ClickHouse => "CREATE OR REPLACE VIEW",
        }
    }

    /// A table over the parts of all versions.
    fn table(self, lake: &str, table: &str) -> String {
        let lake = lake.trim_end_matches('/').replace('\'', if self == Self::DuckDb { "''" } else { "\\'" });
        let create = self.create();
        match self {
            Self::DuckDb => format!(
                "{create} {table} AS\n  SELECT * FROM read_parquet('{lake}/{table}/*/*.parquet', union_by_name = true, \
                 hive_partitioning = true, hive_types = {{dt: DATE}});\n"
            ),
            Self::Spark => format!(
                "{create} {table} USING parquet OPTIONS (path '{lake}/{table}', mergeSchema 'true', basePath '{lake}/{table}');\n"
            ),
            Self::ClickHouse => format!(
                "{create} {table} AS\n  SELECT * FROM file('{lake}/{table}/*/*.parquet', Parquet)\n  \
                 SETTINGS use_hive_partitioning = 1, schema_inference_mode = 'union', join_use_nulls = 1;\n"
            ),
        }
    }

    fn team(self, field: &str) -> String {
        // A name of a field, not a path into the object.
        let name: String = field.chars().filter(|c| !matches!(c, '\'' | '"' | '\\')).collect();
        match self {
            Self::DuckDb => format!("json_extract_string(extra, '$.\"{name}\"')"),
            Self::Spark => format!("get_json_object(extra, '$.{name}')"),
            Self::ClickHouse => format!("nullIf(JSONExtractString(extra, '{name}'), '')"),
        }
    }
}
