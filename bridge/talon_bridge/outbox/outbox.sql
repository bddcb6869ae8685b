-- name: schema
CREATE TABLE IF NOT EXISTS events (
    seq         INTEGER PRIMARY KEY AUTOINCREMENT,
    message_id  TEXT NOT NULL,
    type        TEXT NOT NULL,
    user_id     TEXT,
    body        BLOB NOT NULL,
    received_at REAL NOT NULL,
    timestamp   TEXT NOT NULL,
    state       TEXT NOT NULL DEFAULT 'waiting',
    attempts    BLOB NOT NULL DEFAULT '[]',
    not_before  REAL NOT NULL DEFAULT 0,
    report      BLOB,
    duplicates  INTEGER NOT NULL DEFAULT 0,
    duplicate_at REAL
);
CREATE INDEX IF NOT EXISTS events_by_message ON events (message_id, received_at);
CREATE INDEX IF NOT EXISTS events_unsettled ON events (seq) WHERE state = 'waiting';
CREATE INDEX IF NOT EXISTS events_by_state ON events (state);

-- name: append
-- Nothing is inserted when the messageId came less than the window ago (DEL-3).
INSERT INTO events (message_id, type, user_id, body, received_at, timestamp)
SELECT :message_id, :type, :user_id, :body, :received_at, :timestamp
WHERE NOT EXISTS (SELECT 1 FROM events WHERE message_id = :message_id AND received_at > :received_at - :window);

-- name: duplicate
UPDATE events SET duplicates = duplicates + 1, duplicate_at = :received_at
WHERE seq = (SELECT max(seq) FROM events WHERE message_id = :message_id);

-- name: prune
-- Settled events that no duplicate can refer to any more, a few at a time; dead letters stay.
DELETE FROM events WHERE seq IN (
    SELECT seq FROM events WHERE state IN ('delivered', 'skipped') AND received_at <= ? ORDER BY seq LIMIT 1000
);

-- name: waiting
SELECT seq, coalesce(user_id, ''), not_before FROM events WHERE state = 'waiting' ORDER BY seq;

-- name: entry
SELECT seq, message_id, type, user_id, body, received_at, timestamp, state, attempts, not_before, report, duplicates,
    duplicate_at
FROM events WHERE seq = ?;

-- name: find
SELECT seq, message_id, type, user_id, body, received_at, timestamp, state, attempts, not_before, report, duplicates,
    duplicate_at
FROM events WHERE message_id = ? ORDER BY seq DESC LIMIT 1;

-- name: recent
SELECT seq, message_id, type, user_id, body, received_at, timestamp, state, attempts, not_before, report, duplicates,
    duplicate_at
FROM events
WHERE (:state IS NULL OR state = :state) AND (:user_id IS NULL OR user_id = :user_id)
ORDER BY seq DESC LIMIT :limit;

-- name: settle
UPDATE events SET state = :state, attempts = :attempts, not_before = :not_before, report = :report WHERE seq = :seq;

-- name: counts
SELECT state, count(*) FROM events GROUP BY state;
