-- Faults that are raised the same day: a grave one that was confirmed and submitted, or what a reviewer flagged. `event` is what
-- receivers know it by.
CREATE TABLE raised (
    id       INTEGER PRIMARY KEY,
    event    TEXT NOT NULL UNIQUE,
    kind     TEXT NOT NULL CHECK (kind IN ('grave', 'flag')),
    call_id  TEXT NOT NULL,
    -- Team and agent of that day.
    unit     TEXT NOT NULL,
    agent_id TEXT NOT NULL,
    -- Empty where a reviewer flagged what no rule is about.
    rule_id  TEXT NOT NULL,
    severity TEXT NOT NULL,
    start_ms INTEGER,
    end_ms   INTEGER,
    note     TEXT NOT NULL,
    user_id  INTEGER NOT NULL REFERENCES users (id),
    at_us    INTEGER NOT NULL
) STRICT;
-- However often a form is submitted again.
CREATE UNIQUE INDEX raised_once ON raised (call_id, rule_id) WHERE kind = 'grave';
CREATE INDEX raised_of_unit ON raised (unit, id);
CREATE TABLE raised_acks (
    raised_id INTEGER PRIMARY KEY REFERENCES raised (id),
    remark    TEXT NOT NULL,
    user_id   INTEGER NOT NULL REFERENCES users (id),
    at_us     INTEGER NOT NULL
) STRICT;
CREATE TRIGGER raised_stay BEFORE UPDATE ON raised BEGIN SELECT RAISE(ABORT, 'what was raised stays'); END;
CREATE TRIGGER raised_remain BEFORE DELETE ON raised BEGIN SELECT RAISE(ABORT, 'what was raised stays'); END;
CREATE TRIGGER raised_new BEFORE INSERT ON raised
    WHEN EXISTS (SELECT 1 FROM raised WHERE id = NEW.id OR event = NEW.event
                 OR (kind = 'grave' AND NEW.kind = 'grave' AND call_id = NEW.call_id AND rule_id = NEW.rule_id))
    BEGIN SELECT RAISE(ABORT, 'what was raised stays'); END;
CREATE TRIGGER raised_acks_stay BEFORE UPDATE ON raised_acks BEGIN SELECT RAISE(ABORT, 'what was raised stays'); END;
CREATE TRIGGER raised_acks_remain BEFORE DELETE ON raised_acks BEGIN SELECT RAISE(ABORT, 'what was raised stays'); END;
CREATE TRIGGER raised_acks_new BEFORE INSERT ON raised_acks
    WHEN EXISTS (SELECT 1 FROM raised_acks WHERE raised_id = NEW.raised_id)
    BEGIN SELECT RAISE(ABORT, 'what was raised stays'); END;

-- What is still to be told to the address of `--notify-url`. No history: what was told has a time.
CREATE TABLE notices (
    raised_id INTEGER PRIMARY KEY REFERENCES raised (id),
    tries     INTEGER NOT NULL DEFAULT 0,
    next_us   INTEGER NOT NULL,
    sent_us   INTEGER,
    failure   TEXT NOT NULL DEFAULT ''
) STRICT;
CREATE INDEX notices_due ON notices (next_us) WHERE sent_us IS NULL;
