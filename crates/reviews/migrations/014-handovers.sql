-- Tasks that a lead gave to somebody else, or took back (no name): who hears a call changes, what was drawn and with which chance does
-- not. The draw's record keeps who was to hear it at first.
CREATE TABLE handovers (
    id       INTEGER PRIMARY KEY,
    draw_id  INTEGER NOT NULL,
    call_id  TEXT NOT NULL,
    before   TEXT,
    reviewer TEXT,
    user_id  INTEGER NOT NULL REFERENCES users (id),
    at_us    INTEGER NOT NULL,
    FOREIGN KEY (draw_id, call_id) REFERENCES draw_calls (draw_id, call_id)
) STRICT;
CREATE INDEX handovers_of ON handovers (draw_id, call_id, id);
CREATE TRIGGER handovers_stay BEFORE UPDATE ON handovers BEGIN SELECT RAISE(ABORT, 'handovers are append-only'); END;
CREATE TRIGGER handovers_remain BEFORE DELETE ON handovers BEGIN SELECT RAISE(ABORT, 'handovers are append-only'); END;
CREATE TRIGGER handovers_new BEFORE INSERT ON handovers
    WHEN EXISTS (SELECT 1 FROM handovers WHERE id = NEW.id)
    BEGIN SELECT RAISE(ABORT, 'handovers are append-only'); END;
DROP TRIGGER draw_calls_stay;
CREATE TRIGGER draw_calls_stay BEFORE UPDATE OF draw_id, call_id, probability, whole, picked, part, why, duplicate ON draw_calls
    BEGIN SELECT RAISE(ABORT, 'draws are append-only'); END;
-- Whose task a call is follows the last handover, and nothing else.
CREATE TRIGGER draw_calls_handed BEFORE UPDATE OF reviewer ON draw_calls
    WHEN NOT EXISTS (SELECT 1 FROM handovers h WHERE h.reviewer IS NEW.reviewer AND h.before IS OLD.reviewer
                     AND h.id = (SELECT max(l.id) FROM handovers l WHERE l.draw_id = NEW.draw_id AND l.call_id = NEW.call_id))
    BEGIN SELECT RAISE(ABORT, 'draws are append-only'); END;
