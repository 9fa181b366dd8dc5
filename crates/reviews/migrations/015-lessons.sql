-- The training library: stretches of calls that are good or bad examples, handed out to agents, who see and sign them. A mistake is
-- withdrawn and entered anew.
CREATE TABLE lessons (
    id       INTEGER PRIMARY KEY,
    call_id  TEXT NOT NULL,
    start_ms INTEGER NOT NULL,
    end_ms   INTEGER NOT NULL,
    good     INTEGER NOT NULL CHECK (good IN (0, 1)),
    title    TEXT NOT NULL,
    -- Words with blanks between.
    tags     TEXT NOT NULL,
    note     TEXT NOT NULL,
    user_id  INTEGER NOT NULL REFERENCES users (id),
    at_us    INTEGER NOT NULL,
    CHECK (0 <= start_ms AND start_ms < end_ms)
) STRICT;
CREATE TABLE lesson_ends (
    lesson_id INTEGER PRIMARY KEY REFERENCES lessons (id),
    user_id   INTEGER NOT NULL REFERENCES users (id),
    at_us     INTEGER NOT NULL
) STRICT;
CREATE TABLE lesson_agents (
    lesson_id INTEGER NOT NULL REFERENCES lessons (id),
    agent_id  TEXT NOT NULL,
    user_id   INTEGER NOT NULL REFERENCES users (id),
    at_us     INTEGER NOT NULL,
    PRIMARY KEY (agent_id, lesson_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX lesson_agents_of ON lesson_agents (lesson_id);
CREATE TABLE lesson_receipts (
    lesson_id INTEGER NOT NULL REFERENCES lessons (id),
    agent_id  TEXT NOT NULL,
    user_id   INTEGER NOT NULL REFERENCES users (id),
    at_us     INTEGER NOT NULL,
    PRIMARY KEY (lesson_id, agent_id)
) STRICT, WITHOUT ROWID;
CREATE TRIGGER lessons_stay BEFORE UPDATE ON lessons BEGIN SELECT RAISE(ABORT, 'lessons are append-only'); END;
CREATE TRIGGER lessons_remain BEFORE DELETE ON lessons BEGIN SELECT RAISE(ABORT, 'lessons are append-only'); END;
CREATE TRIGGER lessons_new BEFORE INSERT ON lessons WHEN EXISTS (SELECT 1 FROM lessons WHERE id = NEW.id)
    BEGIN SELECT RAISE(ABORT, 'lessons are append-only'); END;
CREATE TRIGGER lesson_ends_stay BEFORE UPDATE ON lesson_ends BEGIN SELECT RAISE(ABORT, 'lessons are append-only'); END;
CREATE TRIGGER lesson_ends_remain BEFORE DELETE ON lesson_ends BEGIN SELECT RAISE(ABORT, 'lessons are append-only'); END;
CREATE TRIGGER lesson_agents_stay BEFORE UPDATE ON lesson_agents BEGIN SELECT RAISE(ABORT, 'lessons are append-only'); END;
CREATE TRIGGER lesson_agents_remain BEFORE DELETE ON lesson_agents BEGIN SELECT RAISE(ABORT, 'lessons are append-only'); END;
CREATE TRIGGER lesson_receipts_stay BEFORE UPDATE ON lesson_receipts BEGIN SELECT RAISE(ABORT, 'receipts are append-only'); END;
CREATE TRIGGER lesson_receipts_remain BEFORE DELETE ON lesson_receipts BEGIN SELECT RAISE(ABORT, 'receipts are append-only'); END;
CREATE TRIGGER lesson_receipts_new BEFORE INSERT ON lesson_receipts
    WHEN EXISTS (SELECT 1 FROM lesson_receipts WHERE lesson_id = NEW.lesson_id AND agent_id = NEW.agent_id)
    BEGIN SELECT RAISE(ABORT, 'receipts are append-only'); END;
