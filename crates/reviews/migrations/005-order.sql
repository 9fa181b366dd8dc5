-- Where a call stands in its draw, so that tasks come in the order that the draw gave them. Draws from before know it by their
-- record; rows that were not drawn, and records that name no calls, have none.
ALTER TABLE draw_calls ADD COLUMN position INTEGER;
UPDATE draw_calls SET position = p.at FROM
    (SELECT w.id AS draw_id, j.key AS at, j.value ->> '$.call_id' AS call_id
     FROM draws w, json_each(CASE WHEN json_valid(w.record) THEN w.record ELSE '{}' END, '$.picked') j) p
WHERE draw_calls.draw_id = p.draw_id AND draw_calls.call_id = p.call_id;
-- A person's tasks, of all calls of all draws.
CREATE INDEX draw_calls_given ON draw_calls (reviewer, draw_id) WHERE picked = 1 AND reviewer IS NOT NULL;
