-- name: schema
-- A value of NULL is `true`, which is what every member of an audience has. `revision` grows whenever members change.
CREATE TABLE store (
    token       TEXT NOT NULL,
    last_change INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE computations (
    place      INTEGER PRIMARY KEY AUTOINCREMENT,
    id         TEXT NOT NULL UNIQUE,
    definition BLOB NOT NULL,
    members    INTEGER NOT NULL DEFAULT 0,
    queued     INTEGER NOT NULL DEFAULT 0,
    revision   INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE members (
    computation INTEGER NOT NULL,
    user_id     TEXT NOT NULL,
    value       BLOB,
    PRIMARY KEY (computation, user_id)
) WITHOUT ROWID;
CREATE TABLE syncs (
    number      INTEGER PRIMARY KEY AUTOINCREMENT,
    computation INTEGER NOT NULL,
    state       TEXT NOT NULL DEFAULT 'reading',
    trigger     TEXT NOT NULL,
    begun_at    REAL NOT NULL,
    counts      BLOB NOT NULL DEFAULT '{}',
    changes     INTEGER NOT NULL DEFAULT 0,
    sent        INTEGER NOT NULL DEFAULT 0,
    decided_at  REAL,
    ended_at    REAL,
    reason      TEXT NOT NULL DEFAULT ''
);
CREATE INDEX syncs_of_computation ON syncs (computation, number);
CREATE TABLE changes (
    computation INTEGER NOT NULL,
    number      INTEGER NOT NULL,
    sync        INTEGER NOT NULL,
    user_id     TEXT NOT NULL,
    value       BLOB,
    at          REAL NOT NULL,
    PRIMARY KEY (computation, number)
) WITHOUT ROWID;
CREATE TABLE refused (
    sync    INTEGER NOT NULL,
    place   INTEGER NOT NULL,
    line    INTEGER NOT NULL,
    file    TEXT NOT NULL,
    reason  TEXT NOT NULL,
    excerpt TEXT NOT NULL,
    PRIMARY KEY (sync, place)
) WITHOUT ROWID;

-- name: make
INSERT INTO store (token) VALUES (?);

-- name: token
SELECT token FROM store;

-- name: interrupt
UPDATE syncs SET state = 'interrupted' WHERE state = 'reading';

-- name: interrupt_one
UPDATE syncs SET state = 'interrupted' WHERE number = ?;

-- name: computations
SELECT definition FROM computations ORDER BY place;

-- name: definitions
SELECT id, definition FROM computations;

-- name: define
INSERT INTO computations (id, definition) VALUES (?, ?)
ON CONFLICT (id) DO UPDATE SET definition = excluded.definition;

-- name: computation
SELECT place, members, revision FROM computations WHERE id = ?;

-- name: forget_members
DELETE FROM members WHERE computation = ?;

-- name: forget_changes
DELETE FROM changes WHERE computation = ?;

-- name: forget_refused
DELETE FROM refused WHERE sync IN (SELECT number FROM syncs WHERE computation = ?);

-- name: forget_syncs
DELETE FROM syncs WHERE computation = ?;

-- name: forget_computation
DELETE FROM computations WHERE place = ?;

-- name: running
SELECT {columns} FROM syncs JOIN computations ON syncs.computation = computations.place
WHERE computation = ? AND state IN ('reading', 'sending') LIMIT 1;

-- name: begin
INSERT INTO syncs (computation, trigger, begun_at) VALUES (?, ?, ?);

-- name: prune_refused
DELETE FROM refused WHERE sync IN (
    SELECT number FROM syncs WHERE computation = ? ORDER BY number DESC LIMIT -1 OFFSET ?
);

-- name: prune_syncs
DELETE FROM syncs WHERE number IN (
    SELECT number FROM syncs WHERE computation = ? ORDER BY number DESC LIMIT -1 OFFSET ?
);

-- name: end
UPDATE syncs SET state = :state, counts = :counts, ended_at = :now, reason = :reason
WHERE number = :number AND state = 'reading';

-- name: decided
UPDATE syncs SET state = CASE WHEN :changes THEN 'sending' ELSE 'finished' END, counts = :counts, changes = :changes,
    decided_at = :now, ended_at = CASE WHEN :changes THEN NULL ELSE :now END
WHERE number = :number AND state = 'reading';

-- name: recount
UPDATE computations SET members = members + :more, queued = queued + :changes, revision = revision + 1
WHERE place = :computation;

-- name: last_change
SELECT last_change FROM store;

-- name: number_changes
UPDATE store SET last_change = last_change + ?;

-- name: member
SELECT value FROM members WHERE computation = ? AND user_id = ?;

-- name: enter
INSERT OR REPLACE INTO members (computation, user_id, value) VALUES (?, ?, ?);

-- name: leave
DELETE FROM members WHERE computation = ? AND user_id = ?;

-- name: append
INSERT INTO changes (computation, number, sync, user_id, value, at) VALUES (?, ?, ?, ?, ?, ?);

-- name: queue
SELECT number, sync, user_id, value, at FROM changes
WHERE computation = (SELECT place FROM computations WHERE id = ?) ORDER BY number LIMIT ?;

-- name: taken
SELECT sync, count(*) FROM changes
WHERE computation = (SELECT place FROM computations WHERE id = ?) AND number <= ? GROUP BY sync;

-- name: take
DELETE FROM changes WHERE computation = (SELECT place FROM computations WHERE id = ?) AND number <= ?;

-- name: sent
UPDATE syncs SET sent = sent + :number, state = CASE WHEN sent + :number < changes THEN state ELSE 'finished' END,
    ended_at = CASE WHEN sent + :number < changes THEN ended_at ELSE :now END
WHERE number = :sync;

-- name: taken_from
UPDATE computations SET queued = queued - ? WHERE id = ?;

-- name: queued
SELECT id, queued FROM computations WHERE queued > 0 ORDER BY place;

-- name: sync
SELECT {columns} FROM syncs JOIN computations ON syncs.computation = computations.place
WHERE id = ? AND number = ?;

-- name: syncs
SELECT {columns} FROM syncs JOIN computations ON syncs.computation = computations.place
WHERE computation = (SELECT place FROM computations WHERE id = ?) AND number < ? ORDER BY number DESC LIMIT ?;

-- name: refused
SELECT place, line, file, reason, excerpt FROM refused WHERE sync = ? AND place > ? ORDER BY place LIMIT ?;

-- name: members
SELECT user_id, value FROM members
WHERE computation = (SELECT place FROM computations WHERE id = :id) AND user_id > :after ORDER BY user_id LIMIT :limit;

-- name: first_members
SELECT user_id, value FROM members
WHERE computation = (SELECT place FROM computations WHERE id = :id) ORDER BY user_id LIMIT :limit;
