-- The centre's own items of the listening form, by version, as they were when forms were filled in with them: JSON.
CREATE TABLE form_sheets (
    version TEXT PRIMARY KEY,
    content TEXT NOT NULL,
    at_us   INTEGER NOT NULL
) STRICT;
CREATE TRIGGER form_sheets_stay BEFORE UPDATE ON form_sheets BEGIN SELECT RAISE(ABORT, 'sheets are append-only'); END;
CREATE TRIGGER form_sheets_remain BEFORE DELETE ON form_sheets BEGIN SELECT RAISE(ABORT, 'sheets are append-only'); END;
CREATE TRIGGER form_sheets_new BEFORE INSERT ON form_sheets
    WHEN EXISTS (SELECT 1 FROM form_sheets WHERE version = NEW.version)
    BEGIN SELECT RAISE(ABORT, 'sheets are append-only'); END;
-- Which version a form was filled in with; nothing where the centre had no items of its own.
ALTER TABLE forms ADD COLUMN sheet TEXT REFERENCES form_sheets (version);
