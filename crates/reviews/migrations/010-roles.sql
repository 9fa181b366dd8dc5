-- Two more roles: 班长, who sees the own team (`unit`) alone, and 经理, who approves summaries. SQLite changes no CHECK in place, so the
-- table is made anew; `Db::open` does this with foreign keys off and looks for broken ones before it commits.
CREATE TABLE users_new (
    id              INTEGER PRIMARY KEY,
    name            TEXT NOT NULL UNIQUE,
    display         TEXT NOT NULL,
    role            TEXT NOT NULL CHECK (role IN ('admin', 'manager', 'lead', 'reviewer', 'team_lead', 'agent')),
    agent_id        TEXT,
    unit            TEXT,
    password        TEXT NOT NULL,
    may_see_numbers INTEGER NOT NULL DEFAULT 0,
    disabled        INTEGER NOT NULL DEFAULT 0,
    created_us      INTEGER NOT NULL,
    CHECK (role <> 'agent' OR agent_id IS NOT NULL),
    CHECK (role <> 'team_lead' OR (unit IS NOT NULL AND unit <> ''))
) STRICT;
INSERT INTO users_new (id, name, display, role, agent_id, password, may_see_numbers, disabled, created_us)
    SELECT id, name, display, role, agent_id, password, may_see_numbers, disabled, created_us FROM users;
DROP TABLE users;
ALTER TABLE users_new RENAME TO users;
