-- Browsers that people logged in with: their owner goes on while strangers guess at the name.
CREATE TABLE devices (
    token_sha256 TEXT PRIMARY KEY,
    user_id      INTEGER NOT NULL REFERENCES users (id),
    created_us   INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
