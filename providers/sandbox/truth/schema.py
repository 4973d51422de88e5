"""The tables of the world's own SQLite file.

Records are stored whole as JSON; only what is summed, filtered or ordered has columns.
"""

VERSION = 1
"""Kept in `PRAGMA user_version`; another number means another program wrote the file."""

TABLES = """
CREATE TABLE IF NOT EXISTS facts (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS records (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, kind TEXT NOT NULL,
    created_at INTEGER NOT NULL, parent TEXT, body TEXT NOT NULL) STRICT;
CREATE INDEX IF NOT EXISTS records_by_kind ON records (kind, seq);
CREATE INDEX IF NOT EXISTS records_by_parent ON records (parent, kind, seq);
CREATE TABLE IF NOT EXISTS lines (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, created_at INTEGER NOT NULL,
    available_at INTEGER NOT NULL, amount_minor INTEGER NOT NULL, fee_minor INTEGER NOT NULL,
    currency TEXT NOT NULL, category TEXT NOT NULL, method_kind TEXT NOT NULL, source_id TEXT,
    charge_id TEXT, description TEXT NOT NULL, payout_id TEXT) STRICT;
CREATE INDEX IF NOT EXISTS lines_by_time ON lines (created_at, seq);
CREATE INDEX IF NOT EXISTS lines_by_payout ON lines (payout_id);
CREATE INDEX IF NOT EXISTS lines_by_source ON lines (source_id);
CREATE TABLE IF NOT EXISTS movements (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, at INTEGER NOT NULL, kind TEXT NOT NULL,
    amount_minor INTEGER NOT NULL, currency TEXT NOT NULL, intent_id TEXT, object_id TEXT) STRICT;
CREATE TABLE IF NOT EXISTS happenings (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, at INTEGER NOT NULL,
    fact TEXT NOT NULL, kind TEXT NOT NULL, object_id TEXT NOT NULL, body TEXT NOT NULL,
    request_id TEXT, idempotency_key TEXT) STRICT;
CREATE INDEX IF NOT EXISTS happenings_by_object ON happenings (object_id, seq);
CREATE TABLE IF NOT EXISTS events (
    seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, body TEXT NOT NULL,
    delivered INTEGER NOT NULL DEFAULT 0) STRICT;
CREATE INDEX IF NOT EXISTS events_undelivered ON events (seq) WHERE delivered = 0;
CREATE TABLE IF NOT EXISTS answers (
    key TEXT PRIMARY KEY, fingerprint TEXT NOT NULL, born_at INTEGER NOT NULL, owner TEXT,
    status INTEGER, body TEXT, request_id TEXT) STRICT;
CREATE TABLE IF NOT EXISTS requests (
    scope TEXT NOT NULL, key TEXT NOT NULL, born_at INTEGER NOT NULL, owner TEXT, object_id TEXT,
    PRIMARY KEY (scope, key)) STRICT;
CREATE TABLE IF NOT EXISTS due (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, due_at INTEGER NOT NULL, work TEXT NOT NULL,
    object_id TEXT NOT NULL) STRICT;
CREATE INDEX IF NOT EXISTS due_by_time ON due (due_at, seq);
"""
