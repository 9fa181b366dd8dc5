-- 监听分析表 of a team and a half month or month: what became of it, one step after the other. `content` is the frozen copy that was
-- submitted, JSON; it is what is approved, whatever verdicts change later. Without a row the summary is a draft.
CREATE TABLE summary_steps (
    id          INTEGER PRIMARY KEY,
    unit        TEXT NOT NULL,
    period      TEXT NOT NULL,
    step        TEXT NOT NULL CHECK (step IN ('submitted', 'approved', 'returned')),
    content     TEXT,
    remark      TEXT NOT NULL,
    user_id     INTEGER NOT NULL REFERENCES users (id),
    at_us       INTEGER NOT NULL,
    -- Until when the manager is to decide; of what was submitted.
    deadline_us INTEGER,
    before      INTEGER UNIQUE REFERENCES summary_steps (id),
    CHECK ((step = 'submitted') = (content IS NOT NULL)),
    CHECK ((step = 'submitted') = (deadline_us IS NOT NULL)),
    CHECK (step = 'submitted' OR before IS NOT NULL)
) STRICT;
CREATE INDEX summary_steps_of ON summary_steps (period, unit, id);
-- A summary begins once.
CREATE UNIQUE INDEX summary_steps_first ON summary_steps (unit, period) WHERE before IS NULL;
CREATE INDEX summary_steps_open ON summary_steps (step) WHERE step <> 'approved';
CREATE VIEW current_summaries AS
    SELECT s.* FROM summary_steps s WHERE NOT EXISTS (SELECT 1 FROM summary_steps n WHERE n.before = s.id);

-- The agents who find a part of their own in an approved summary, and their signatures (签收).
CREATE TABLE summary_agents (
    step_id  INTEGER NOT NULL REFERENCES summary_steps (id),
    agent_id TEXT NOT NULL,
    PRIMARY KEY (agent_id, step_id)
) STRICT, WITHOUT ROWID;
CREATE TABLE summary_receipts (
    step_id  INTEGER NOT NULL REFERENCES summary_steps (id),
    agent_id TEXT NOT NULL,
    user_id  INTEGER NOT NULL REFERENCES users (id),
    at_us    INTEGER NOT NULL,
    PRIMARY KEY (step_id, agent_id)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER summary_steps_stay BEFORE UPDATE ON summary_steps
    BEGIN SELECT RAISE(ABORT, 'summaries are append-only'); END;
CREATE TRIGGER summary_steps_remain BEFORE DELETE ON summary_steps
    BEGIN SELECT RAISE(ABORT, 'summaries are append-only'); END;
CREATE TRIGGER summary_steps_new BEFORE INSERT ON summary_steps
    WHEN EXISTS (SELECT 1 FROM summary_steps WHERE id = NEW.id OR (NEW.before IS NOT NULL AND before = NEW.before)
                 OR (NEW.before IS NULL AND before IS NULL AND unit = NEW.unit AND period = NEW.period))
    BEGIN SELECT RAISE(ABORT, 'summaries are append-only'); END;
CREATE TRIGGER summary_agents_stay BEFORE UPDATE ON summary_agents
    BEGIN SELECT RAISE(ABORT, 'summaries are append-only'); END;
CREATE TRIGGER summary_agents_remain BEFORE DELETE ON summary_agents
    BEGIN SELECT RAISE(ABORT, 'summaries are append-only'); END;
CREATE TRIGGER summary_receipts_stay BEFORE UPDATE ON summary_receipts
    BEGIN SELECT RAISE(ABORT, 'receipts are append-only'); END;
CREATE TRIGGER summary_receipts_remain BEFORE DELETE ON summary_receipts
    BEGIN SELECT RAISE(ABORT, 'receipts are append-only'); END;
CREATE TRIGGER summary_receipts_new BEFORE INSERT ON summary_receipts
    WHEN EXISTS (SELECT 1 FROM summary_receipts WHERE step_id = NEW.step_id AND agent_id = NEW.agent_id)
    BEGIN SELECT RAISE(ABORT, 'receipts are append-only'); END;
