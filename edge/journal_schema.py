"""The tables of the journal, and how a file of an older version becomes one of this."""

SCHEMA_VERSION = 2

_SEEN = """
CREATE TABLE items (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    seen_at_s REAL NOT NULL,
    label_ids TEXT NOT NULL,
    reason TEXT NOT NULL,
    explanation TEXT NOT NULL,
    needs_person INTEGER NOT NULL,
    model_sha256 TEXT NOT NULL,
    policy_sha256 TEXT NOT NULL
);
CREATE TABLE intents (
    command_id INTEGER PRIMARY KEY AUTOINCREMENT,
    item_id INTEGER NOT NULL UNIQUE REFERENCES items ON DELETE CASCADE,
    bin_number INTEGER NOT NULL,
    bin_name TEXT NOT NULL,
    label_id TEXT
);
CREATE TABLE receipts (
    command_id INTEGER NOT NULL REFERENCES intents ON DELETE CASCADE,
    state TEXT NOT NULL,
    rank INTEGER NOT NULL,
    at_s REAL NOT NULL,
    clock_s REAL,
    cause TEXT NOT NULL,
    reason TEXT NOT NULL,
    PRIMARY KEY (command_id, state)
);
CREATE TABLE pruned (outcome TEXT PRIMARY KEY, items INTEGER NOT NULL);
CREATE TRIGGER items_stay BEFORE UPDATE ON items
    BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END;
CREATE TRIGGER receipts_stay BEFORE UPDATE ON receipts
    BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END;
"""
_MARKS = """
CREATE TABLE IF NOT EXISTS marks (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    bin_number INTEGER,
    command_id INTEGER NOT NULL,
    at_s REAL NOT NULL
);
CREATE TABLE IF NOT EXISTS carried (
    bin_number INTEGER NOT NULL,
    label_id TEXT NOT NULL,
    items INTEGER NOT NULL,
    PRIMARY KEY (bin_number, label_id)
);
CREATE TRIGGER IF NOT EXISTS marks_stay BEFORE UPDATE ON marks
    BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END;
"""
_SINCE_2 = """
CREATE TABLE models (sha256 TEXT PRIMARY KEY, labels TEXT NOT NULL, thresholds TEXT NOT NULL);
CREATE TABLE evidence (
    item_id INTEGER PRIMARY KEY REFERENCES items ON DELETE CASCADE,
    decided_at_s REAL NOT NULL,
    started_at_s REAL NOT NULL,
    newest_at_s REAL NOT NULL,
    begun_by TEXT NOT NULL,
    frames INTEGER NOT NULL,
    agreeing INTEGER NOT NULL,
    needed INTEGER NOT NULL,
    objects INTEGER,
    focus REAL,
    probabilities BLOB NOT NULL,
    facts BLOB NOT NULL
);
CREATE TABLE frames (
    item_id INTEGER PRIMARY KEY REFERENCES items ON DELETE CASCADE,
    sha256 TEXT NOT NULL,
    bytes INTEGER NOT NULL
);
CREATE TABLE prunings (id INTEGER PRIMARY KEY AUTOINCREMENT, item_ids TEXT NOT NULL);
CREATE TABLE chain (
    n INTEGER PRIMARY KEY AUTOINCREMENT,
    kind TEXT NOT NULL,
    name TEXT NOT NULL,
    item_id INTEGER,
    digest BLOB NOT NULL,
    hash BLOB NOT NULL
);
CREATE INDEX chain_names ON chain (kind, name);
CREATE TABLE anchor (n INTEGER NOT NULL, hash BLOB NOT NULL);
CREATE TABLE proof (at_s REAL NOT NULL);
CREATE TRIGGER intents_stay BEFORE UPDATE ON intents
    BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END;
CREATE TRIGGER evidence_stays BEFORE UPDATE ON evidence
    BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END;
CREATE TRIGGER frames_stay BEFORE UPDATE ON frames
    BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END;
CREATE TRIGGER models_stay BEFORE UPDATE ON models
    BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END;
CREATE TRIGGER chain_stays BEFORE UPDATE ON chain
    BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END;
CREATE VIEW entries AS
    SELECT items.*, command_id, bin_number, bin_name, label_id, (
        SELECT state FROM receipts WHERE receipts.command_id = intents.command_id
        ORDER BY rank DESC LIMIT 1
    ) AS state
    FROM items LEFT JOIN intents ON intents.item_id = items.id;
"""
SCHEMA = _SEEN + _MARKS + _SINCE_2

SEARCH = """
CREATE INDEX IF NOT EXISTS items_seen ON items (seen_at_s);
CREATE INDEX IF NOT EXISTS items_reasons ON items (reason);
CREATE INDEX IF NOT EXISTS intents_bins ON intents (bin_number, item_id);
CREATE TABLE recognised (
    label_id TEXT NOT NULL,
    item_id INTEGER NOT NULL,
    PRIMARY KEY (label_id, item_id)
) WITHOUT ROWID;
INSERT OR IGNORE INTO recognised SELECT value, items.id
    FROM items, json_each(iif(json_valid(label_ids), label_ids, '[]'));
CREATE TRIGGER items_recognised AFTER INSERT ON items
    BEGIN INSERT OR IGNORE INTO recognised SELECT value, NEW.id FROM json_each(NEW.label_ids); END;
CREATE TRIGGER items_forgotten AFTER DELETE ON items
    BEGIN DELETE FROM recognised WHERE item_id = OLD.id AND label_id IN
        (SELECT value FROM json_each(iif(json_valid(OLD.label_ids), OLD.label_ids, '[]'))); END;
"""
"""What finds items fast. It says nothing that the records do not, so it is in no chain."""

FROM_1 = f"""
CREATE TABLE IF NOT EXISTS sorted_by (command_id INTEGER PRIMARY KEY, label_id TEXT NOT NULL);
{_MARKS}
DROP VIEW entries;
DROP TRIGGER intents_stay;
ALTER TABLE intents ADD COLUMN label_id TEXT;
UPDATE intents SET label_id =
    (SELECT label_id FROM sorted_by WHERE sorted_by.command_id = intents.command_id);
DROP TABLE sorted_by;
{_SINCE_2}
"""
"""From version 1, with or without the tables that stood beside it."""
