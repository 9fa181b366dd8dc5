//! Questions that analysts ask, each with its SQL over the views; run as a test by `DuckDB`.

/// Question and SQL.
pub const QUESTIONS: [(&str, &str); 10] = [
    (
        "Which rules hit most, in how many calls of how many?",
        "SELECT rule_id, title, calls_hit, calls, round(100.0 * calls_hit / calls, 1) AS percent\n\
         FROM v_rules\n\
         ORDER BY calls_hit DESC, rule_id;",
    ),
    (
        "How do teams do by day?",
        "SELECT dt, team, count(*) AS calls, round(avg(score), 1) AS mean_score, round(avg(length_ms) / 1000) AS seconds\n\
         FROM v_calls\n\
         WHERE status = 'ok'\n\
         GROUP BY dt, team\n\
         ORDER BY dt, team;",
    ),
    (
        "Which agents have which hits?",
        "SELECT agent_id, team, rule_id, count(*) AS calls\n\
         FROM v_hits\n\
         GROUP BY agent_id, team, rule_id\n\
         ORDER BY calls DESC, agent_id, rule_id;",
    ),
    (
        "Which calls are to be heard first?",
        "SELECT dt, call_id, agent_id, score, rules_hit\n\
         FROM v_calls\n\
         WHERE status = 'ok'\n\
         ORDER BY score, call_id LIMIT 20;",
    ),
    (
        "Where exactly was it said, and what?",
        "SELECT call_id, start_ms, text, place\n\
         FROM v_findings\n\
         WHERE verdict = 'hit' AND rule_id = 'shirking'\n\
         ORDER BY call_id, hit_index;",
    ),
    (
        "Who said a word, and when?",
        "SELECT dt, call_id, role, start_ms, text FROM turns WHERE text LIKE '%不归我管%' ORDER BY dt, call_id, turn;",
    ),
    (
        "How many calls come at which hour, and how long are they?",
        "SELECT hour(started_at AT TIME ZONE 'Asia/Shanghai') AS hour, count(*) AS calls, round(median(length_ms) / 1000) AS seconds\n\
         FROM v_calls\n\
         GROUP BY 1\n\
         ORDER BY 1;",
    ),
    (
        "What failed, and why?",
        "SELECT fail_stage, count(*) AS calls, any_value(fail_reason) AS one_reason\n\
         FROM calls\n\
         WHERE status = 'failed'\n\
         GROUP BY fail_stage;",
    ),
    (
        "What could no rule tell, and for want of what?",
        "SELECT rule_id, reason, count(*) AS calls\n\
         FROM v_findings\n\
         WHERE verdict = 'cannot_tell'\n\
         GROUP BY rule_id, reason\n\
         ORDER BY calls DESC, rule_id, reason;",
    ),
    (
        "How often do people confirm a rule's hits?",
        "SELECT rule_id, count(*) FILTER (verdict = 'confirmed') AS confirmed, count(*) AS heard, sum(points) AS points\n\
         FROM v_verdicts\n\
         WHERE source = 'finding'\n\
         GROUP BY rule_id\n\
         ORDER BY heard DESC, rule_id;",
    ),
];
