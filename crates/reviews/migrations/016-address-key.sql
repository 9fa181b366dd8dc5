-- The secret by which addresses of pages name calls whose ids hold a customer's number: here, so that addresses that people kept
-- still lead there after the catalogue was made anew or the machine changed.
CREATE TABLE address_key (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    key TEXT NOT NULL
) STRICT;
