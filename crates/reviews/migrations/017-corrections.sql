-- What was really said in a turn that the recogniser wrote down otherwise. Of several the last counts.
CREATE TABLE corrections (
    id        INTEGER PRIMARY KEY,
    call_id   TEXT NOT NULL,
    -- Name of the recording, its channel and the stretch: enough to listen again.
    recording TEXT NOT NULL,
    channel   INTEGER NOT NULL,
    turn      INTEGER NOT NULL,
    start_ms  INTEGER NOT NULL,
    end_ms    INTEGER NOT NULL,
    -- As the recogniser wrote it down: another recognition may have other turns.
    heard     TEXT NOT NULL,
    said      TEXT NOT NULL,
    user_id   INTEGER NOT NULL REFERENCES users (id),
    at_us     INTEGER NOT NULL,
    CHECK (0 <= start_ms AND start_ms <= end_ms)
) STRICT;
CREATE INDEX corrections_of ON corrections (call_id, turn);
CREATE TRIGGER corrections_stay BEFORE UPDATE ON corrections BEGIN SELECT RAISE(ABORT, 'corrections are append-only'); END;
CREATE TRIGGER corrections_remain BEFORE DELETE ON corrections BEGIN SELECT RAISE(ABORT, 'corrections are append-only'); END;
CREATE TRIGGER corrections_new BEFORE INSERT ON corrections WHEN EXISTS (SELECT 1 FROM corrections WHERE id = NEW.id)
    BEGIN SELECT RAISE(ABORT, 'corrections are append-only'); END;
