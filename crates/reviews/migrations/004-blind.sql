-- The few calls that a person is to hear a second time, of all calls of all draws.
CREATE INDEX draw_calls_blind ON draw_calls (duplicate, call_id) WHERE picked = 1 AND duplicate IS NOT NULL;
