-- What a person really played of a call, each moment once, whatever the speed: `spans` as JSON, [[from, to], …] in milliseconds.
CREATE TABLE heard (
    user_id INTEGER NOT NULL REFERENCES users (id),
    call_id TEXT NOT NULL,
    spans   TEXT NOT NULL,
    ms      INTEGER NOT NULL,
    at_us   INTEGER NOT NULL,
    PRIMARY KEY (user_id, call_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX heard_by_time ON heard (user_id, at_us);
CREATE TRIGGER heard_grows BEFORE UPDATE ON heard WHEN NEW.ms < OLD.ms
    BEGIN SELECT RAISE(ABORT, 'what was heard only grows'); END;

-- How much its author had played when the form was handed in (nothing in forms from before, when nobody measured), and why the
-- whole call counts as heard where that is less than nearly all of it.
ALTER TABLE forms ADD COLUMN heard_ms INTEGER;
ALTER TABLE forms ADD COLUMN whole_reason TEXT NOT NULL DEFAULT '';
