-- name: schema
CREATE TABLE IF NOT EXISTS events (
    seq         INTEGER PRIMARY KEY AUTOINCREMENT,
    mark        INTEGER NOT NULL,
    message_id  TEXT NOT NULL,
    type        TEXT NOT NULL,
    user_id     TEXT,
    body        BLOB NOT NULL,
    settings    BLOB,
    received_at REAL NOT NULL,
    timestamp   TEXT NOT NULL,
    state       TEXT NOT NULL DEFAULT 'waiting',
    attempts    BLOB NOT NULL DEFAULT '[]',
    not_before  REAL NOT NULL DEFAULT 0,
    report      BLOB,
    duplicates  INTEGER NOT NULL DEFAULT 0,
    duplicate_at REAL,
    replay      TEXT NOT NULL DEFAULT '',
    earlier     INTEGER NOT NULL DEFAULT 0,
    status      INTEGER,
    settled_at  REAL
);
CREATE INDEX IF NOT EXISTS events_by_user ON events (user_id, seq);
CREATE UNIQUE INDEX IF NOT EXISTS events_waiting ON events (mark) WHERE state = 'waiting';
CREATE INDEX IF NOT EXISTS events_waiting_of_user ON events (user_id, seq) WHERE state = 'waiting';
CREATE INDEX IF NOT EXISTS events_settled ON events (settled_at) WHERE state IN ('delivered', 'skipped');
CREATE INDEX IF NOT EXISTS events_dead ON events (user_id, seq) WHERE state = 'dead';
CREATE INDEX IF NOT EXISTS events_dead_in_order ON events (seq) WHERE state = 'dead';
-- Which event a messageId belongs to, for as long as another one with it is a duplicate (DEL-3).
CREATE TABLE IF NOT EXISTS message_ids (
    message_id  TEXT PRIMARY KEY,
    received_at REAL NOT NULL,
    seq         INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS message_ids_by_age ON message_ids (received_at);
-- One row: how many events are in each state, and whether somebody is at work, or was when the process died.
CREATE TABLE IF NOT EXISTS standing (
    one         INTEGER PRIMARY KEY CHECK (one = 1),
    waiting     INTEGER NOT NULL DEFAULT 0,
    delivered   INTEGER NOT NULL DEFAULT 0,
    skipped     INTEGER NOT NULL DEFAULT 0,
    dead        INTEGER NOT NULL DEFAULT 0,
    at_work     INTEGER NOT NULL DEFAULT 0
);
INSERT OR IGNORE INTO standing (one) VALUES (1);

-- name: from_1
-- A file of schema 1: new columns, the new tables filled from what there is. The order of acceptance becomes the mark.
ALTER TABLE events ADD COLUMN mark INTEGER NOT NULL DEFAULT 0;
ALTER TABLE events ADD COLUMN settings BLOB;
ALTER TABLE events ADD COLUMN replay TEXT NOT NULL DEFAULT '';
ALTER TABLE events ADD COLUMN earlier INTEGER NOT NULL DEFAULT 0;
ALTER TABLE events ADD COLUMN status INTEGER;
ALTER TABLE events ADD COLUMN settled_at REAL;
UPDATE events SET mark = seq, settled_at = CASE WHEN state = 'waiting' THEN NULL ELSE received_at END;
DROP INDEX events_by_message;
DROP INDEX events_unsettled;
DROP INDEX events_by_state;

-- name: from_1_after
INSERT OR REPLACE INTO message_ids SELECT message_id, received_at, seq FROM events ORDER BY seq;
UPDATE events SET status = json_extract(attempts, '$[#-1].status') WHERE state <> 'waiting';
UPDATE standing SET
    waiting = (SELECT count(*) FROM events WHERE state = 'waiting'),
    delivered = (SELECT count(*) FROM events WHERE state = 'delivered'),
    skipped = (SELECT count(*) FROM events WHERE state = 'skipped'),
    dead = (SELECT count(*) FROM events WHERE state = 'dead');

-- name: highest_mark
SELECT coalesce(max(mark), 0) FROM events WHERE state = 'waiting';

-- name: highest_seq
SELECT coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'events'), 0);

-- name: at_work
SELECT at_work FROM standing;

-- name: begin_work
UPDATE standing SET at_work = 1;

-- name: end_work
UPDATE standing SET at_work = 0;

-- name: known_ids
SELECT message_id, received_at, seq FROM message_ids WHERE message_id IN ({marks});

-- name: append
INSERT INTO events (seq, mark, message_id, type, user_id, body, received_at, timestamp, settings)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?);

-- name: remember_id
INSERT OR REPLACE INTO message_ids VALUES (?, ?, ?);

-- name: duplicate
UPDATE events SET duplicates = duplicates + 1, duplicate_at = ? WHERE seq = ?;

-- name: feed
-- With each whether more of its profile waits of what earlier runs left behind.
SELECT {columns}, seq <= :left_behind AND EXISTS (
    SELECT 1 FROM events AS later INDEXED BY events_waiting_of_user
    WHERE later.user_id = events.user_id AND later.seq > events.seq AND later.seq <= :left_behind
        AND later.state = 'waiting'
)
FROM events WHERE state = 'waiting' AND mark > :mark ORDER BY mark LIMIT :limit;

-- name: feed_new
-- With each whether it has to wait for what earlier runs left behind of its profile.
SELECT {columns}, EXISTS (
    SELECT 1 FROM events AS earlier INDEXED BY events_waiting_of_user
    WHERE earlier.user_id = events.user_id AND earlier.seq <= :left_behind AND earlier.state = 'waiting'
)
FROM events WHERE state = 'waiting' AND mark > :mark ORDER BY mark LIMIT :limit;

-- name: queue
SELECT {columns} FROM events INDEXED BY events_waiting_of_user
WHERE user_id = ? AND seq > ? AND state = 'waiting' ORDER BY seq LIMIT ?;

-- name: newer
SELECT seq, report FROM events WHERE user_id = ? AND seq > ? AND state = 'delivered' ORDER BY seq LIMIT ?;

-- name: settle
UPDATE events SET state = :state, attempts = :attempts, not_before = :not_before, report = :report, status = :status,
    settled_at = :settled_at
WHERE seq = :seq AND mark = :mark AND state = 'waiting';

-- name: find
SELECT {columns} FROM events WHERE seq = (SELECT seq FROM message_ids WHERE message_id = ?);

-- name: recent
SELECT {columns} FROM events
WHERE seq < :before AND (:state IS NULL OR state = :state) AND (:user_id IS NULL OR user_id = :user_id)
ORDER BY seq DESC LIMIT :limit;

-- name: recent_of_user
SELECT {columns} FROM events
WHERE user_id = :user_id AND seq < :before AND (:state IS NULL OR state = :state)
ORDER BY seq DESC LIMIT :limit;

-- name: counts
SELECT waiting, delivered, skipped, dead FROM standing;

-- name: recount
UPDATE standing SET waiting = waiting + ?, delivered = delivered + ?, skipped = skipped + ?, dead = dead + ?;

-- name: oldest
SELECT received_at FROM events WHERE state = 'waiting' ORDER BY mark LIMIT 1;

-- name: dead_letters
SELECT {columns} FROM events WHERE seq > :after AND {fits} ORDER BY seq LIMIT :limit;

-- name: fits
state = 'dead'
    AND (:message_id IS NULL OR message_id = :message_id)
    AND (:user_id IS NULL OR user_id = :user_id)
    AND (:status IS NULL OR status = :status)
    AND (:received_from IS NULL OR received_at >= :received_from)
    AND (:received_until IS NULL OR received_at <= :received_until)
    AND (:settled_until IS NULL OR settled_at <= :settled_until)

-- name: count_dead_letters
SELECT count(*) FROM events WHERE {fits};

-- name: replay
UPDATE events SET state = 'waiting', mark = :mark, replay = :how, earlier = json_array_length(attempts), report = NULL,
    settled_at = NULL, not_before = 0
WHERE seq = :seq;

-- name: dead_seqs
SELECT seq FROM events WHERE {fits} ORDER BY seq LIMIT :limit;

-- name: discard
DELETE FROM events WHERE seq IN (SELECT seq FROM events WHERE {fits} ORDER BY seq LIMIT :limit);

-- name: prune
-- Settled events that went out of use, but none that is newer than a dead letter of its profile, or one that is replayed.
DELETE FROM events WHERE seq IN (
    SELECT seq FROM events AS old
    WHERE state IN ('delivered', 'skipped') AND settled_at <= :settled_until AND NOT (
        state = 'delivered'
        AND (
            EXISTS (SELECT 1 FROM events WHERE state = 'dead' AND user_id = old.user_id AND seq < old.seq)
            OR EXISTS (
                SELECT 1 FROM events
                WHERE state = 'waiting' AND replay <> '' AND user_id = old.user_id AND seq < old.seq
            )
        )
    )
    ORDER BY settled_at LIMIT :limit
)
RETURNING state;

-- name: prune_ids
DELETE FROM message_ids WHERE message_id IN (SELECT message_id FROM message_ids WHERE received_at <= ? LIMIT ?);
