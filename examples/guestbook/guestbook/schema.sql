CREATE TABLE IF NOT EXISTS entry (
    id        INTEGER PRIMARY KEY AUTOINCREMENT,
    name      TEXT NOT NULL,
    message   TEXT NOT NULL,
    signed_at TEXT NOT NULL  -- ISO 8601, in UTC
);

CREATE INDEX IF NOT EXISTS entry_signed_at ON entry (signed_at);
