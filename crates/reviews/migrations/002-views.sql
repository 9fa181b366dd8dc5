-- `missed`: a person marked the place, the machine did not; it stays so when an appeal about it is decided.
DROP VIEW current_verdicts;
CREATE VIEW current_verdicts AS
    SELECT v.*, v.place LIKE 'm%' AS missed
    FROM verdicts v LEFT JOIN verdicts n ON n.before = v.id WHERE n.id IS NULL;

-- Who is to hear which call a second time without knowing of the first, by the last draw that gave it away.
CREATE VIEW blind_reviews AS
    SELECT d.call_id, d.duplicate AS name FROM draw_calls d
    WHERE d.picked = 1 AND d.duplicate IS NOT NULL AND d.draw_id =
        (SELECT max(l.draw_id) FROM draw_calls l WHERE l.call_id = d.call_id AND l.picked = 1 AND l.duplicate IS NOT NULL);
