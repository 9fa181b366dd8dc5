-- The lake, copied so that a page is one query. Made anew whenever it is lost or of another version: nothing here is precious.
CREATE TABLE parts (
    name  TEXT PRIMARY KEY,
    stamp TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- What of the lake is not shown as it lies there: parts that cannot be read (no call), and calls whose id stands in another part.
CREATE TABLE odd (
    part    TEXT NOT NULL,
    call_id TEXT,
    what    TEXT NOT NULL
) STRICT;

CREATE TABLE calls (
    id          INTEGER PRIMARY KEY,
    call_id     TEXT NOT NULL UNIQUE,
    part        TEXT NOT NULL,
    date        TEXT NOT NULL,
    started_us  INTEGER,
    agent_id    TEXT NOT NULL,
    agent_name  TEXT NOT NULL,
    unit        TEXT NOT NULL,
    queue       TEXT NOT NULL,
    direction   TEXT NOT NULL,
    customer_id TEXT,
    order_text  TEXT,
    recording   TEXT NOT NULL,
    -- Nothing where there was no recording to inspect.
    audio_sha256 TEXT,
    -- SHA-256 of all rows of the call: tells a call that only moved to another part from one that changed.
    print       TEXT NOT NULL DEFAULT '',
    status      TEXT NOT NULL,
    fail_reason TEXT,
    layout      TEXT,
    -- What is or may be wrong with the sound, by commas.
    audio_marks TEXT NOT NULL DEFAULT '',
    duration_ms INTEGER NOT NULL,
    score       REAL,
    hits        INTEGER NOT NULL,
    worst       INTEGER NOT NULL,
    -- Violations that a person is expected to confirm, the minutes that it takes to hear them, and their worth per minute,
    -- which the queue is sorted by. Nothing until the call is ranked; worth 0 where nothing was found.
    expected    REAL,
    minutes     REAL,
    risk        REAL,
    -- What stands for the id in addresses of pages: empty where the id itself does, nothing until that is decided.
    address     TEXT
) STRICT;
CREATE INDEX calls_without_address ON calls (id) WHERE address IS NULL;
CREATE UNIQUE INDEX calls_by_address ON calls (address) WHERE address <> '';
-- Tells by which secret addresses were made.
CREATE TABLE address_key (print TEXT NOT NULL) STRICT;
CREATE INDEX calls_by_part ON calls (part);
CREATE INDEX calls_by_date ON calls (date, started_us);
CREATE INDEX calls_by_length ON calls (duration_ms, call_id);
CREATE INDEX calls_by_agent ON calls (agent_id, date);
CREATE INDEX calls_by_customer ON calls (customer_id) WHERE customer_id IS NOT NULL;
CREATE INDEX calls_by_score ON calls (score IS NULL, score, call_id);
-- What is still to hear, worst first, is most of what the queue is asked for.
CREATE INDEX calls_to_hear ON calls (risk DESC, call_id) WHERE status = 'ok' AND hits > 0;
CREATE INDEX calls_by_risk ON calls (risk DESC, call_id);
CREATE INDEX calls_failed ON calls (date) WHERE status = 'failed';

-- What the machine said of every rule in a call, in a few bytes: figures of a quarter read these and not millions of findings.
-- Three bytes for each rule: its number in `rules`, little end first, and 0 where it cannot tell or does not apply, 1 where it is
-- clear, else one more than the places that it hit.
CREATE TABLE outcomes (
    call  INTEGER PRIMARY KEY REFERENCES calls (id) ON DELETE CASCADE,
    rules BLOB NOT NULL
) STRICT;
CREATE TABLE rules (
    number  INTEGER PRIMARY KEY,
    rule_id TEXT NOT NULL UNIQUE,
    -- Whether a hit of it ever took points off, and whether one did not.
    costs   INTEGER NOT NULL DEFAULT 0,
    free    INTEGER NOT NULL DEFAULT 0
) STRICT;

-- Agents that calls ever had, by number and name.
CREATE TABLE agents (
    agent_id   TEXT NOT NULL,
    agent_name TEXT NOT NULL,
    PRIMARY KEY (agent_id, agent_name)
) STRICT, WITHOUT ROWID;
CREATE INDEX agents_by_name ON agents (agent_name);

CREATE TABLE turns (
    id         INTEGER PRIMARY KEY,
    call       INTEGER NOT NULL REFERENCES calls (id) ON DELETE CASCADE,
    turn       INTEGER NOT NULL,
    role       TEXT NOT NULL,
    start_ms   INTEGER NOT NULL,
    end_ms     INTEGER NOT NULL,
    text       TEXT NOT NULL,
    confidence REAL NOT NULL,
    marks      TEXT NOT NULL,
    -- Channel in the recording, and how likely the words are friendly less how likely they are not; nothing where no model ran.
    channel    INTEGER NOT NULL DEFAULT 0,
    mood       REAL
) STRICT;
CREATE INDEX turns_by_call ON turns (call, turn);

-- Numbers that not everybody may see or hear.
CREATE TABLE numbers (
    call       INTEGER NOT NULL REFERENCES calls (id) ON DELETE CASCADE,
    turn       INTEGER NOT NULL,
    char_start INTEGER NOT NULL,
    char_end   INTEGER NOT NULL,
    start_ms   INTEGER NOT NULL,
    end_ms     INTEGER NOT NULL
) STRICT;
CREATE INDEX numbers_by_call ON numbers (call);

CREATE TABLE findings (
    id           INTEGER PRIMARY KEY,
    call         INTEGER NOT NULL REFERENCES calls (id) ON DELETE CASCADE,
    rule_id      TEXT NOT NULL,
    place        TEXT NOT NULL,
    title        TEXT NOT NULL,
    category     TEXT NOT NULL,
    severity     TEXT NOT NULL,
    verdict      TEXT NOT NULL,
    reason       TEXT NOT NULL,
    points       REAL NOT NULL,
    turn         INTEGER,
    start_ms     INTEGER,
    end_ms       INTEGER,
    char_start   INTEGER,
    char_end     INTEGER,
    text         TEXT,
    match_kind   TEXT,
    match_cost   REAL,
    condition    TEXT,
    searched_ms  INTEGER,
    searched_turns INTEGER,
    searched_confidence REAL,
    near_text    TEXT,
    near_phrase  TEXT,
    near_score   REAL,
    near_ms      INTEGER,
    ruleset_hash TEXT NOT NULL
) STRICT;
CREATE INDEX findings_by_call ON findings (call);
CREATE INDEX findings_by_rule ON findings (rule_id, verdict, call);

-- Precision of each rule when the calls were last ranked.
CREATE TABLE ranked (
    rule_id   TEXT PRIMARY KEY,
    precision REAL NOT NULL
) STRICT, WITHOUT ROWID;

-- What filters offer: units and queues that calls ever had.
CREATE TABLE names (
    kind TEXT NOT NULL,
    name TEXT NOT NULL,
    PRIMARY KEY (kind, name)
) STRICT, WITHOUT ROWID;

-- Pairs of neighbouring characters of each turn, numbers masked: a word of any length is a phrase of pairs. No text is kept here.
CREATE VIRTUAL TABLE turns_text USING fts5 (grams, content = '', contentless_delete = 1, prefix = '1');
