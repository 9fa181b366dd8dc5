-- REPLACE deletes without asking the triggers that refuse deletion: a row that is there is not written over.
CREATE TRIGGER verdicts_new BEFORE INSERT ON verdicts
    WHEN EXISTS (SELECT 1 FROM verdicts WHERE id = NEW.id OR (NEW.before IS NOT NULL AND before = NEW.before))
    BEGIN SELECT RAISE(ABORT, 'verdicts are append-only'); END;
CREATE TRIGGER forms_new BEFORE INSERT ON forms
    WHEN EXISTS (SELECT 1 FROM forms WHERE id = NEW.id OR (NEW.before IS NOT NULL AND before = NEW.before))
    BEGIN SELECT RAISE(ABORT, 'forms are append-only'); END;
CREATE TRIGGER appeals_new BEFORE INSERT ON appeals
    WHEN EXISTS (SELECT 1 FROM appeals WHERE id = NEW.id OR verdict_id = NEW.verdict_id)
    BEGIN SELECT RAISE(ABORT, 'appeals are append-only'); END;
CREATE TRIGGER decisions_new BEFORE INSERT ON decisions
    WHEN EXISTS (SELECT 1 FROM decisions WHERE appeal_id = NEW.appeal_id)
    BEGIN SELECT RAISE(ABORT, 'decisions are append-only'); END;
CREATE TRIGGER audit_new BEFORE INSERT ON audit
    WHEN EXISTS (SELECT 1 FROM audit WHERE id = NEW.id)
    BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;

-- What was drawn, and with which chance, stays as it was. Only a call's place in the list is told afterwards.
CREATE TRIGGER draws_stay BEFORE UPDATE ON draws BEGIN SELECT RAISE(ABORT, 'draws are append-only'); END;
CREATE TRIGGER draws_remain BEFORE DELETE ON draws BEGIN SELECT RAISE(ABORT, 'draws are append-only'); END;
CREATE TRIGGER draws_new BEFORE INSERT ON draws
    WHEN EXISTS (SELECT 1 FROM draws WHERE id = NEW.id)
    BEGIN SELECT RAISE(ABORT, 'draws are append-only'); END;
CREATE TRIGGER draw_calls_stay BEFORE UPDATE OF draw_id, call_id, probability, whole, picked, part, why, reviewer, duplicate ON draw_calls
    BEGIN SELECT RAISE(ABORT, 'draws are append-only'); END;
CREATE TRIGGER draw_calls_remain BEFORE DELETE ON draw_calls BEGIN SELECT RAISE(ABORT, 'draws are append-only'); END;
CREATE TRIGGER draw_calls_new BEFORE INSERT ON draw_calls
    WHEN EXISTS (SELECT 1 FROM draw_calls WHERE draw_id = NEW.draw_id AND call_id = NEW.call_id)
    BEGIN SELECT RAISE(ABORT, 'draws are append-only'); END;
