-- name: schema
CREATE SCHEMA IF NOT EXISTS localtalon_bridge;
CREATE TABLE IF NOT EXISTS engage_version (version integer NOT NULL);
INSERT INTO engage_version SELECT 0 WHERE NOT EXISTS (SELECT FROM engage_version);

-- name: lock_schema
SELECT pg_advisory_xact_lock(hashtext('localtalon_bridge'));

-- name: find_version
SELECT version FROM engage_version;

-- name: update_version
UPDATE engage_version SET version = $1;

-- name: schema_1
-- Texts that come from a source are kept as UTF-8 bytes, since PostgreSQL's own text holds no NUL; their order is that of
-- code points. A value of NULL is `true`. `revision` grows whenever members change; whoever changes members or the queue
-- of a computation locks its row first. A user id may be longer than an entry of an index.
CREATE TABLE engage_store (token text NOT NULL);
CREATE TABLE engage_computations (
    place      integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id         text NOT NULL UNIQUE,
    definition bytea NOT NULL,
    members    bigint NOT NULL DEFAULT 0,
    queued     bigint NOT NULL DEFAULT 0,
    revision   bigint NOT NULL DEFAULT 0
) WITH (fillfactor = 50);
CREATE TABLE engage_members (
    computation integer NOT NULL,
    user_id     bytea NOT NULL,
    value       bytea
);
CREATE INDEX engage_members_by_user ON engage_members (computation, substring(user_id for 2000));
CREATE TABLE engage_syncs (
    number      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    computation integer NOT NULL,
    state       text NOT NULL DEFAULT 'reading',
    trigger     text NOT NULL,
    begun_at    double precision NOT NULL,
    counts      bytea NOT NULL DEFAULT '{}',
    changes     bigint NOT NULL DEFAULT 0,
    sent        bigint NOT NULL DEFAULT 0,
    decided_at  double precision,
    ended_at    double precision,
    reason      bytea NOT NULL DEFAULT ''
);
CREATE INDEX engage_syncs_of_computation ON engage_syncs (computation, number);
CREATE TABLE engage_changes (
    computation integer NOT NULL,
    number      bigint GENERATED ALWAYS AS IDENTITY,
    sync        bigint NOT NULL,
    user_id     bytea NOT NULL,
    value       bytea,
    at          double precision NOT NULL,
    PRIMARY KEY (computation, number)
);
CREATE TABLE engage_refused (
    sync    bigint NOT NULL,
    place   bigint NOT NULL,
    line    bigint NOT NULL,
    file    bytea NOT NULL,
    reason  bytea NOT NULL,
    excerpt bytea NOT NULL,
    PRIMARY KEY (sync, place)
);

-- name: make
INSERT INTO engage_store (token) SELECT $1 WHERE NOT EXISTS (SELECT FROM engage_store);

-- name: token
SELECT token FROM engage_store;

-- name: server
SELECT current_setting('server_version_num')::integer, current_setting('fsync') = 'on';

-- name: write_through
SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off';

-- name: interrupt
-- Whoever reads holds the lock of the computation for as long as he lives.
WITH reading AS MATERIALIZED (SELECT number, computation FROM engage_syncs WHERE state = 'reading')
UPDATE engage_syncs SET state = 'interrupted'
FROM reading
WHERE engage_syncs.number = reading.number AND engage_syncs.state = 'reading'
    AND pg_try_advisory_xact_lock(hashtext('localtalon_bridge engage reading'), reading.computation);

-- name: read_alone
SELECT pg_try_advisory_lock(hashtext('localtalon_bridge engage reading'), $1::integer);

-- name: nobody_reads
SELECT pg_try_advisory_xact_lock(hashtext('localtalon_bridge engage reading'), $1::integer);

-- name: lock_of
-- That of a computation is its place: one that is defined again under the same id has another lock.
SELECT 'localtalon_bridge engage ' || CASE WHEN place IS NULL THEN 'claimed' ELSE 'sending' END,
    coalesce(place, hashtext($1))
FROM (SELECT (SELECT place FROM engage_computations WHERE id = $1) AS place) AS computation;

-- name: claim
SELECT pg_try_advisory_lock(hashtext($1), $2);

-- name: let_go
SELECT pg_advisory_unlock(hashtext($1), $2);

-- name: unlock
SELECT pg_advisory_unlock_all();

-- name: computations
SELECT definition FROM engage_computations ORDER BY place;

-- name: define
INSERT INTO engage_computations (id, definition) VALUES ($1, $2)
ON CONFLICT (id) DO UPDATE SET definition = excluded.definition;

-- name: computation
SELECT place, members, revision FROM engage_computations WHERE id = $1;

-- name: lock_computation
SELECT place, members, revision FROM engage_computations WHERE id = $1 FOR NO KEY UPDATE;

-- name: lock_all
SELECT place FROM engage_computations WHERE id = $1 FOR UPDATE;

-- name: forget
WITH gone AS (DELETE FROM engage_syncs WHERE computation = $1 RETURNING number),
    members AS (DELETE FROM engage_members WHERE computation = $1),
    changes AS (DELETE FROM engage_changes WHERE computation = $1),
    refused AS (DELETE FROM engage_refused WHERE sync IN (SELECT number FROM gone))
DELETE FROM engage_computations WHERE place = $1;

-- name: running
SELECT {columns} FROM engage_syncs JOIN engage_computations ON engage_syncs.computation = engage_computations.place
WHERE computation = $1 AND state IN ('reading', 'sending') LIMIT 1;

-- name: interrupt_reading
UPDATE engage_syncs SET state = 'interrupted' WHERE computation = $1 AND state = 'reading';

-- name: begin
INSERT INTO engage_syncs (computation, trigger, begun_at) VALUES ($1, $2, $3) RETURNING number;

-- name: prune_refused
DELETE FROM engage_refused WHERE sync IN (
    SELECT number FROM engage_syncs WHERE computation = $1 ORDER BY number DESC OFFSET $2
);

-- name: prune_syncs
DELETE FROM engage_syncs WHERE number IN (
    SELECT number FROM engage_syncs WHERE computation = $1 ORDER BY number DESC OFFSET $2
);

-- name: end
UPDATE engage_syncs SET state = $2, counts = $3, reason = $4, ended_at = $5
WHERE number = $1 AND state = 'reading'
RETURNING number;

-- name: decided
UPDATE engage_syncs SET state = CASE WHEN $3::bigint > 0 THEN 'sending' ELSE 'finished' END, counts = $2, changes = $3,
    decided_at = $4::float8, ended_at = CASE WHEN $3::bigint > 0 THEN NULL ELSE $4::float8 END
WHERE number = $1 AND state = 'reading'
RETURNING number;

-- name: recount
UPDATE engage_computations SET members = members + $2, queued = queued + $3, revision = revision + 1 WHERE place = $1;

-- name: known
SELECT members.user_id, members.value
FROM unnest($2::bytea[]) AS given (user_id) JOIN engage_members AS members
    ON members.computation = $1 AND substring(members.user_id for 2000) = substring(given.user_id for 2000)
        AND members.user_id = given.user_id;

-- name: enter
INSERT INTO engage_members (computation, user_id, value)
SELECT $1, user_id, value FROM unnest($2::bytea[], $3::bytea[]) AS given (user_id, value);

-- name: change
UPDATE engage_members AS members SET value = given.value
FROM unnest($2::bytea[], $3::bytea[]) AS given (user_id, value)
WHERE members.computation = $1 AND substring(members.user_id for 2000) = substring(given.user_id for 2000)
    AND members.user_id = given.user_id;

-- name: leave
DELETE FROM engage_members AS members
USING unnest($2::bytea[]) AS given (user_id)
WHERE members.computation = $1 AND substring(members.user_id for 2000) = substring(given.user_id for 2000)
    AND members.user_id = given.user_id;

-- name: append
INSERT INTO engage_changes (computation, sync, user_id, value, at)
SELECT $1, 0, user_id, value, $4
FROM unnest($2::bytea[], $3::bytea[]) WITH ORDINALITY AS given (user_id, value, place) ORDER BY place;

-- name: queue
-- What was taken is still in the index until PostgreSQL has cleaned up: hence the number behind which it begins.
SELECT number, sync, user_id, value, at FROM engage_changes
WHERE computation = (SELECT place FROM engage_computations WHERE id = $1) AND number > $3 ORDER BY number LIMIT $2;

-- name: taken
WITH locked AS MATERIALIZED (
    SELECT place FROM engage_computations WHERE id = $1 FOR NO KEY UPDATE
), gone AS (
    DELETE FROM engage_changes WHERE computation = (SELECT place FROM locked) AND number > $4 AND number <= $2
    RETURNING sync
), taken AS (
    SELECT sync, count(*) AS changes FROM gone GROUP BY sync
), told AS (
    UPDATE engage_syncs SET sent = sent + taken.changes,
        state = CASE WHEN sent + taken.changes < engage_syncs.changes THEN state ELSE 'finished' END,
        ended_at = CASE WHEN sent + taken.changes < engage_syncs.changes THEN ended_at ELSE $3::float8 END
    FROM taken WHERE engage_syncs.number = taken.sync
)
UPDATE engage_computations SET queued = queued - (SELECT count(*) FROM gone) WHERE place = (SELECT place FROM locked);

-- name: queued
SELECT id, queued FROM engage_computations WHERE queued > 0 ORDER BY place;

-- name: sync
SELECT {columns} FROM engage_syncs JOIN engage_computations ON engage_syncs.computation = engage_computations.place
WHERE id = $1 AND number = $2;

-- name: syncs
SELECT {columns} FROM engage_syncs JOIN engage_computations ON engage_syncs.computation = engage_computations.place
WHERE computation = (SELECT place FROM engage_computations WHERE id = $1) AND number < $2 ORDER BY number DESC LIMIT $3;

-- name: refused
SELECT place, line, file, reason, excerpt FROM engage_refused WHERE sync = $1 AND place > $2 ORDER BY place LIMIT $3;

-- name: first_members
SELECT user_id, value FROM engage_members
WHERE computation = (SELECT place FROM engage_computations WHERE id = $1)
ORDER BY substring(user_id for 2000), user_id LIMIT $2;

-- name: members
SELECT user_id, value FROM engage_members
WHERE computation = (SELECT place FROM engage_computations WHERE id = $1)
    AND substring(user_id for 2000) >= substring($3::bytea for 2000) AND user_id > $3::bytea
ORDER BY substring(user_id for 2000), user_id LIMIT $2;
