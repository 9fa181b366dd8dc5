-- Who may log in. `may_see_numbers`: phone, identity and card numbers stand unmasked.
CREATE TABLE users (
    id              INTEGER PRIMARY KEY,
    name            TEXT NOT NULL UNIQUE,
    display         TEXT NOT NULL,
    role            TEXT NOT NULL CHECK (role IN ('admin', 'lead', 'reviewer', 'agent')),
    agent_id        TEXT,
    password        TEXT NOT NULL,
    may_see_numbers INTEGER NOT NULL DEFAULT 0,
    disabled        INTEGER NOT NULL DEFAULT 0,
    created_us      INTEGER NOT NULL,
    CHECK (role <> 'agent' OR agent_id IS NOT NULL)
) STRICT;

-- Only the SHA-256 of a session's token is kept: who reads the file cannot log in with it.
CREATE TABLE sessions (
    token_sha256 TEXT PRIMARY KEY,
    user_id      INTEGER NOT NULL REFERENCES users (id),
    csrf         TEXT NOT NULL,
    created_us   INTEGER NOT NULL,
    seen_us      INTEGER NOT NULL
) STRICT;

-- Draws of calls, each with all it depends on.
CREATE TABLE draws (
    id          INTEGER PRIMARY KEY,
    title       TEXT NOT NULL,
    record      TEXT NOT NULL,
    seed        TEXT NOT NULL,
    frame_hash  TEXT NOT NULL,
    frame_calls INTEGER NOT NULL,
    drawn_us    INTEGER NOT NULL,
    drawn_by    TEXT NOT NULL
) STRICT;

-- Every call of a frame with the probability that the draw takes it, and that it is heard as a whole and not only at its
-- flagged places; `picked` tells the calls that were drawn.
CREATE TABLE draw_calls (
    draw_id     INTEGER NOT NULL REFERENCES draws (id),
    call_id     TEXT NOT NULL,
    probability REAL,
    whole       REAL,
    picked      INTEGER NOT NULL,
    part        TEXT NOT NULL,
    why         TEXT NOT NULL,
    reviewer    TEXT,
    duplicate   TEXT,
    PRIMARY KEY (draw_id, call_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX draw_calls_by_call ON draw_calls (call_id);

-- Who is at a call now. Slot 0 is the review that counts, slot 1 a blind duplicate.
CREATE TABLE claims (
    call_id  TEXT NOT NULL,
    slot     INTEGER NOT NULL,
    user_id  INTEGER NOT NULL REFERENCES users (id),
    since_us INTEGER NOT NULL,
    until_us INTEGER NOT NULL,
    PRIMARY KEY (call_id, slot)
) STRICT, WITHOUT ROWID;

-- What people said of findings and of misses. Rows are only ever added; `before` is the row that a row replaces.
CREATE TABLE verdicts (
    id           INTEGER PRIMARY KEY,
    call_id      TEXT NOT NULL,
    slot         INTEGER NOT NULL,
    rule_id      TEXT NOT NULL,
    place        TEXT NOT NULL,
    source       TEXT NOT NULL CHECK (source IN ('finding', 'missed', 'appeal')),
    verdict      TEXT NOT NULL CHECK (verdict IN ('confirmed', 'rejected', 'unsure', 'withdrawn')),
    start_ms     INTEGER,
    end_ms       INTEGER,
    text         TEXT,
    note         TEXT NOT NULL,
    ruleset_hash TEXT NOT NULL,
    user_id      INTEGER NOT NULL REFERENCES users (id),
    at_us        INTEGER NOT NULL,
    before       INTEGER UNIQUE REFERENCES verdicts (id)
) STRICT;
CREATE INDEX verdicts_by_call ON verdicts (call_id, slot, rule_id, place);

-- The listening form (电话监控记录表) of a call, each version a row.
CREATE TABLE forms (
    id         INTEGER PRIMARY KEY,
    call_id    TEXT NOT NULL,
    slot       INTEGER NOT NULL,
    items      TEXT NOT NULL,
    score      REAL NOT NULL,
    strengths  TEXT NOT NULL,
    weaknesses TEXT NOT NULL,
    keep       INTEGER NOT NULL,
    whole      INTEGER NOT NULL,
    user_id    INTEGER NOT NULL REFERENCES users (id),
    at_us      INTEGER NOT NULL,
    before     INTEGER UNIQUE REFERENCES forms (id)
) STRICT;
CREATE INDEX forms_by_call ON forms (call_id, slot);

-- Appeals of agents, and the one decision of each.
CREATE TABLE appeals (
    id          INTEGER PRIMARY KEY,
    verdict_id  INTEGER NOT NULL UNIQUE REFERENCES verdicts (id),
    reason      TEXT NOT NULL,
    user_id     INTEGER NOT NULL REFERENCES users (id),
    at_us       INTEGER NOT NULL,
    deadline_us INTEGER NOT NULL
) STRICT;
CREATE TABLE decisions (
    appeal_id INTEGER PRIMARY KEY REFERENCES appeals (id),
    upheld    INTEGER NOT NULL,
    reason    TEXT NOT NULL,
    user_id   INTEGER NOT NULL REFERENCES users (id),
    at_us     INTEGER NOT NULL
) STRICT;

-- Who heard, saw or took out what.
CREATE TABLE audit (
    id      INTEGER PRIMARY KEY,
    at_us   INTEGER NOT NULL,
    who     TEXT NOT NULL,
    action  TEXT NOT NULL,
    call_id TEXT,
    detail  TEXT NOT NULL
) STRICT;
CREATE INDEX audit_by_time ON audit (at_us);

-- The review that counts: of each place the last row of slot 0.
CREATE VIEW current_verdicts AS
    SELECT v.* FROM verdicts v LEFT JOIN verdicts n ON n.before = v.id WHERE n.id IS NULL;
CREATE VIEW current_forms AS
    SELECT f.* FROM forms f LEFT JOIN forms n ON n.before = f.id WHERE n.id IS NULL;

-- History is added to and never changed.
CREATE TRIGGER verdicts_stay BEFORE UPDATE ON verdicts BEGIN SELECT RAISE(ABORT, 'verdicts are append-only'); END;
CREATE TRIGGER verdicts_remain BEFORE DELETE ON verdicts BEGIN SELECT RAISE(ABORT, 'verdicts are append-only'); END;
CREATE TRIGGER forms_stay BEFORE UPDATE ON forms BEGIN SELECT RAISE(ABORT, 'forms are append-only'); END;
CREATE TRIGGER forms_remain BEFORE DELETE ON forms BEGIN SELECT RAISE(ABORT, 'forms are append-only'); END;
CREATE TRIGGER appeals_stay BEFORE UPDATE ON appeals BEGIN SELECT RAISE(ABORT, 'appeals are append-only'); END;
CREATE TRIGGER appeals_remain BEFORE DELETE ON appeals BEGIN SELECT RAISE(ABORT, 'appeals are append-only'); END;
CREATE TRIGGER decisions_stay BEFORE UPDATE ON decisions BEGIN SELECT RAISE(ABORT, 'decisions are append-only'); END;
CREATE TRIGGER decisions_remain BEFORE DELETE ON decisions BEGIN SELECT RAISE(ABORT, 'decisions are append-only'); END;
CREATE TRIGGER audit_stays BEFORE UPDATE ON audit BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
CREATE TRIGGER audit_remains BEFORE DELETE ON audit BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
