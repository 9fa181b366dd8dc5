-- `upto`: the last verdict on the call when the form was handed in. What is said later is published by the next version only. The
-- number of a row and not a time, since clocks are set back; older forms know the time alone.
ALTER TABLE forms ADD COLUMN upto INTEGER NOT NULL DEFAULT 0;
DROP TRIGGER forms_stay;
UPDATE forms SET upto = coalesce((SELECT max(v.id) FROM verdicts v
    WHERE v.call_id = forms.call_id AND v.slot = forms.slot AND v.at_us <= forms.at_us), 0);
CREATE TRIGGER forms_stay BEFORE UPDATE ON forms BEGIN SELECT RAISE(ABORT, 'forms are append-only'); END;

-- What was handed in, and decided on appeals since: all that agents and figures know. `published_us` is when, by the first
-- version of the form that holds it: from then on an agent may appeal.
CREATE VIEW published_verdicts AS
    SELECT v.*, v.place LIKE 'm%' AS missed,
        (SELECT h.at_us FROM forms h WHERE h.call_id = v.call_id AND h.slot = v.slot AND h.upto >= v.id ORDER BY h.id LIMIT 1)
            AS published_us
    FROM current_forms f JOIN verdicts v ON v.call_id = f.call_id AND v.slot = f.slot
    WHERE (v.id <= f.upto OR v.source = 'appeal')
      AND NOT EXISTS (SELECT 1 FROM verdicts n WHERE n.before = v.id AND (n.id <= f.upto OR n.source = 'appeal'));

-- 签收: the agent read this version of the form.
CREATE TABLE receipts (
    form_id INTEGER PRIMARY KEY REFERENCES forms (id),
    user_id INTEGER NOT NULL REFERENCES users (id),
    at_us   INTEGER NOT NULL
) STRICT;
CREATE TRIGGER receipts_stay BEFORE UPDATE ON receipts BEGIN SELECT RAISE(ABORT, 'receipts are append-only'); END;
CREATE TRIGGER receipts_remain BEFORE DELETE ON receipts BEGIN SELECT RAISE(ABORT, 'receipts are append-only'); END;
CREATE TRIGGER receipts_new BEFORE INSERT ON receipts
    WHEN EXISTS (SELECT 1 FROM receipts WHERE form_id = NEW.form_id)
    BEGIN SELECT RAISE(ABORT, 'receipts are append-only'); END;

-- What a person typed and did not send, so that no reload, other tab or other machine loses it. No history: it goes when it is sent.
CREATE TABLE drafts (
    user_id INTEGER NOT NULL REFERENCES users (id),
    call_id TEXT NOT NULL,
    name    TEXT NOT NULL,
    value   TEXT NOT NULL,
    at_us   INTEGER NOT NULL,
    PRIMARY KEY (user_id, call_id, name)
) STRICT, WITHOUT ROWID;
