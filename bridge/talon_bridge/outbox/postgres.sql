-- name: schema_1
-- Texts that a client chooses are kept as UTF-8 bytes, since PostgreSQL's own text holds no NUL. `profile` is a digest
-- of the user id, which may be longer than an index entry. `mark` is the transaction in which the event began to wait:
-- what has a lower one than any transaction under way is all there, so that a reader misses nothing (numbers of a
-- sequence become visible in any order).
CREATE SEQUENCE numbers;
CREATE TABLE events (
    seq          bigint PRIMARY KEY,
    shard        smallint NOT NULL,
    mark         bigint NOT NULL DEFAULT pg_current_xact_id()::text::bigint,
    message_id   bytea NOT NULL,
    type         bytea NOT NULL,
    profile      bytea,
    user_id      bytea,
    body         bytea NOT NULL,
    settings     bytea,
    received_at  double precision NOT NULL,
    timestamp    text NOT NULL,
    state        text NOT NULL DEFAULT 'waiting',
    attempts     bytea NOT NULL DEFAULT '[]',
    tried        integer NOT NULL DEFAULT 0,
    not_before   double precision NOT NULL DEFAULT 0,
    report       bytea,
    duplicates   bigint NOT NULL DEFAULT 0,
    duplicate_at double precision,
    replay       text NOT NULL DEFAULT '',
    earlier      integer NOT NULL DEFAULT 0,
    status       integer,
    settled_at   double precision
) WITH (autovacuum_vacuum_scale_factor = 0.05);
CREATE INDEX events_waiting ON events (shard, mark, seq) WHERE state = 'waiting';
CREATE INDEX events_by_profile ON events (profile, seq);
CREATE INDEX events_settled ON events (settled_at) WHERE state IN ('delivered', 'skipped');
CREATE INDEX events_dead ON events (seq) WHERE state = 'dead';
CREATE INDEX events_dead_of_profile ON events (profile, seq) WHERE state = 'dead';
CREATE INDEX events_dead_by_message ON events (message_id) WHERE state = 'dead';
-- Which event a messageId belongs to, for as long as another one with it is a duplicate (DEL-3).
CREATE TABLE message_ids (
    message_id  bytea PRIMARY KEY,
    received_at double precision NOT NULL,
    seq         bigint NOT NULL
);
CREATE INDEX message_ids_by_age ON message_ids (received_at);
-- How many events are in each state is the sum of these rows; each process changes one, so that none waits for another.
CREATE TABLE counts (
    slot      smallint PRIMARY KEY,
    waiting   bigint NOT NULL DEFAULT 0,
    delivered bigint NOT NULL DEFAULT 0,
    skipped   bigint NOT NULL DEFAULT 0,
    dead      bigint NOT NULL DEFAULT 0
) WITH (fillfactor = 50);
INSERT INTO counts (slot) SELECT generate_series(0, 63);
-- Who delivers the events of a shard; each owner has a higher fence than the one before.
CREATE TABLE shards (
    shard smallint PRIMARY KEY,
    owner text,
    fence bigint NOT NULL DEFAULT 0,
    until timestamptz
) WITH (fillfactor = 50);
INSERT INTO shards (shard) SELECT generate_series(0, 63);
CREATE TABLE workers (
    id      text PRIMARY KEY,
    seen_at timestamptz NOT NULL
) WITH (fillfactor = 50);

-- name: schema
CREATE SCHEMA IF NOT EXISTS localtalon_bridge;
CREATE TABLE IF NOT EXISTS version (version integer NOT NULL);
INSERT INTO version SELECT 0 WHERE NOT EXISTS (SELECT FROM version);

-- name: lock_schema
SELECT pg_advisory_xact_lock(hashtext('localtalon_bridge'));

-- name: find_version
SELECT version FROM version;

-- name: update_version
UPDATE version SET version = $1;

-- name: write_through
-- A 200 means that it is on disk; whoever has set more than that (remote_apply) keeps it.
SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off';

-- name: server
SELECT current_setting('server_version_num')::integer, current_setting('fsync') = 'on';

-- name: restored
-- A dump that was restored elsewhere holds marks of transactions that are still to come here.
UPDATE events SET mark = 0
WHERE state = 'waiting' AND EXISTS (
    SELECT FROM shards CROSS JOIN LATERAL (
        SELECT FROM events
        WHERE events.state = 'waiting' AND events.shard = shards.shard
            AND events.mark >= pg_snapshot_xmax(pg_current_snapshot())::text::bigint
        LIMIT 1
    ) AS later
);

-- name: tell
SELECT pg_notify('localtalon_bridge', $1);

-- name: append
WITH new AS MATERIALIZED (
    SELECT nextval('numbers') AS seq, given.*
    FROM unnest(
        $2::smallint[], $3::bytea[], $4::bytea[], $5::bytea[], $6::bytea[], $7::bytea[], $8::bytea[], $9::float8[],
        $10::text[]
    ) WITH ORDINALITY
        AS given (shard, message_id, type, profile, user_id, body, settings, received_at, "timestamp", place)
), claimed AS (
    INSERT INTO message_ids AS known (message_id, received_at, seq)
    SELECT message_id, received_at, seq FROM new ORDER BY message_id
    ON CONFLICT (message_id) DO UPDATE SET received_at = excluded.received_at, seq = excluded.seq
        WHERE known.received_at <= excluded.received_at - $1::float8
    RETURNING seq
), stored AS (
    INSERT INTO events (seq, shard, message_id, type, profile, user_id, body, settings, received_at, "timestamp")
    SELECT seq, shard, message_id, type, profile, user_id, body, settings, received_at, "timestamp"
    FROM new JOIN claimed USING (seq) ORDER BY seq
)
SELECT place FROM new JOIN claimed USING (seq);

-- name: duplicate
WITH first AS (
    SELECT events.seq, again.number, again.at
    FROM unnest($1::bytea[], $2::bigint[], $3::float8[]) AS again (message_id, number, at)
        JOIN message_ids USING (message_id) JOIN events USING (seq)
    ORDER BY events.seq + 0 FOR NO KEY UPDATE OF events
)
UPDATE events SET duplicates = duplicates + first.number, duplicate_at = first.at FROM first WHERE events.seq = first.seq;

-- name: recount
UPDATE counts SET waiting = waiting + $2, delivered = delivered + $3, skipped = skipped + $4, dead = dead + $5
WHERE slot = $1;

-- name: counts
SELECT sum(waiting)::bigint, sum(delivered)::bigint, sum(skipped)::bigint, sum(dead)::bigint FROM counts;

-- name: highest_seq
SELECT last_value FROM numbers;

-- name: feed
-- One row at least, which says whether events are held back by a transaction that is still open. With each event whether
-- more of its profile waits of what was there before this process had the shard.
WITH horizon AS MATERIALIZED (
    SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint AS mark
), place AS MATERIALIZED (
    SELECT * FROM unnest($1::smallint[], $2::bigint[], $3::bigint[], $4::bigint[])
        AS given (shard, mark, seq, left_behind)
), found AS MATERIALIZED (
    SELECT next.seq, place.left_behind
    FROM place CROSS JOIN LATERAL (
        SELECT events.mark, events.seq FROM events
        WHERE events.state = 'waiting' AND events.shard = place.shard
            AND (events.mark, events.seq) > (place.mark, place.seq) AND events.mark < (SELECT mark FROM horizon)
        ORDER BY events.mark, events.seq LIMIT $5
    ) AS next
    ORDER BY next.mark, next.seq LIMIT $6
), held AS (
    SELECT EXISTS (
        SELECT FROM place CROSS JOIN LATERAL (
            SELECT FROM events
            WHERE events.state = 'waiting' AND events.shard = place.shard AND events.mark >= (SELECT mark FROM horizon)
            LIMIT 1
        ) AS next
    ) AS back
)
SELECT held.back, followed, shard, {columns}
FROM held LEFT JOIN (
    SELECT events.*, CASE WHEN seq <= found.left_behind THEN EXISTS (
        SELECT FROM events AS later
        WHERE later.profile = events.profile AND later.seq > events.seq AND later.seq <= found.left_behind
            AND later.state = 'waiting'
    ) END AS followed
    FROM found JOIN events USING (seq)
) AS event ON true
ORDER BY mark, seq;

-- name: queue
SELECT shard, {columns} FROM events
WHERE profile = $1 AND seq > $2 AND state = 'waiting' ORDER BY seq LIMIT $3;

-- name: newer
SELECT seq, report FROM events WHERE profile = $1 AND seq > $2 AND state = 'delivered' ORDER BY seq LIMIT $3;

-- name: owners
SELECT shard, fence FROM shards WHERE shard = ANY ($1::smallint[]) AND owner = $2 ORDER BY shard FOR SHARE;

-- name: settle
-- Rows are locked in one order everywhere, so that no two transactions wait for each other. Conditions stand where the
-- lock is taken, and are worded so that no index but that of `seq` can serve them.
WITH given AS (
    SELECT given.* FROM unnest(
        $1::bigint[], $2::bigint[], $3::text[], $4::bytea[], $5::integer[], $6::float8[], $7::bytea[], $8::integer[],
        $9::float8[]
    ) AS given (seq, mark, state, attempts, tried, not_before, report, status, settled_at)
        JOIN events USING (seq)
    WHERE events.mark = given.mark AND events.state NOT IN ('delivered', 'skipped', 'dead')
    ORDER BY events.seq + 0 FOR NO KEY UPDATE OF events
)
UPDATE events SET state = given.state, attempts = given.attempts, tried = given.tried, not_before = given.not_before,
    report = given.report, status = given.status, settled_at = given.settled_at
FROM given WHERE events.seq = given.seq
RETURNING events.seq;

-- name: standing
SELECT seq, mark, state, settled_at FROM events WHERE seq = ANY ($1::bigint[]);

-- name: repair
WITH late AS (
    SELECT events.profile, min(given.seq) AS seq, max(given.not_before) AS not_before
    FROM unnest($1::bigint[], $2::float8[]) AS given (seq, not_before) JOIN events USING (seq)
    GROUP BY events.profile
), mine AS (
    SELECT events.seq, events.state, late.not_before
    FROM events JOIN late ON events.profile = late.profile AND events.seq >= late.seq
    WHERE events.state IN ('delivered', 'waiting')
    ORDER BY events.seq + 0 FOR NO KEY UPDATE OF events
)
UPDATE events SET state = 'waiting', mark = pg_current_xact_id()::text::bigint, replay = '', report = NULL,
    settled_at = NULL, earlier = CASE mine.state WHEN 'delivered' THEN tried ELSE earlier END,
    not_before = greatest(events.not_before, mine.not_before)
FROM mine WHERE events.seq = mine.seq
RETURNING mine.state;

-- name: find
SELECT shard, {columns} FROM events
WHERE seq = coalesce(
    (SELECT seq FROM message_ids JOIN events USING (seq) WHERE message_ids.message_id = $1),
    (SELECT seq FROM events WHERE state = 'dead' AND message_id = $1 ORDER BY seq DESC LIMIT 1)
);

-- name: recent
SELECT shard, {columns} FROM events
WHERE seq < $1 AND ($2::text IS NULL OR state = $2) ORDER BY seq DESC LIMIT $3;

-- name: recent_dead
SELECT shard, {columns} FROM events WHERE seq < $1 AND state = 'dead' ORDER BY seq DESC LIMIT $2;

-- name: recent_of_profile
SELECT shard, {columns} FROM events
WHERE profile = $4 AND seq < $1 AND ($2::text IS NULL OR state = $2) ORDER BY seq DESC LIMIT $3;

-- name: oldest
SELECT next.received_at
FROM shards CROSS JOIN LATERAL (
    SELECT mark, seq, received_at FROM events
    WHERE events.state = 'waiting' AND events.shard = shards.shard ORDER BY mark, seq LIMIT 1
) AS next
ORDER BY next.mark, next.seq LIMIT 1;

-- name: fits
state = 'dead'
    AND ($1::bytea IS NULL OR message_id = $1)
    AND ($2::bytea IS NULL OR profile = $2)
    AND ($3::integer IS NULL OR status = $3)
    AND ($4::float8 IS NULL OR received_at >= $4)
    AND ($5::float8 IS NULL OR received_at <= $5)
    AND ($6::float8 IS NULL OR settled_at <= $6)

-- name: dead_letters
SELECT shard, {columns} FROM events WHERE seq > $7 AND {fits} ORDER BY seq LIMIT $8;

-- name: count_dead_letters
SELECT count(*) FROM events WHERE {fits};

-- name: replay
WITH chosen AS (SELECT seq FROM events WHERE {fits} ORDER BY seq LIMIT $7 FOR NO KEY UPDATE)
UPDATE events SET state = 'waiting', mark = pg_current_xact_id()::text::bigint, replay = $8, earlier = tried,
    report = NULL, settled_at = NULL, not_before = 0
FROM chosen WHERE events.seq = chosen.seq
RETURNING events.seq;

-- name: discard
WITH chosen AS (SELECT seq FROM events WHERE {fits} ORDER BY seq LIMIT $7 FOR UPDATE)
DELETE FROM events USING chosen WHERE events.seq = chosen.seq
RETURNING events.seq;

-- name: prune
-- Settled events that went out of use, but none that is newer than a dead letter of its profile, or one that is replayed.
DELETE FROM events WHERE seq IN (
    SELECT seq FROM events AS old
    WHERE state IN ('delivered', 'skipped') AND settled_at <= $1 AND NOT (
        state = 'delivered'
        AND (
            EXISTS (SELECT FROM events WHERE state = 'dead' AND profile = old.profile AND seq < old.seq)
            OR EXISTS (
                SELECT FROM events
                WHERE state = 'waiting' AND replay <> '' AND profile = old.profile AND seq < old.seq
            )
        )
    )
    ORDER BY settled_at LIMIT $2 FOR UPDATE SKIP LOCKED
)
RETURNING state;

-- name: prune_ids
DELETE FROM message_ids WHERE message_id IN (
    SELECT message_id FROM message_ids WHERE received_at <= $1 ORDER BY received_at LIMIT $2 FOR UPDATE SKIP LOCKED
);

-- name: event_size
-- Bytes of an event on average, of those on a few pages: the table itself shrinks only after a vacuum, or never.
SELECT avg(
    pg_column_size(body) + pg_column_size(attempts) + coalesce(pg_column_size(report), 0)
    + coalesce(pg_column_size(settings), 0) + 3 * pg_column_size(message_id) + coalesce(pg_column_size(user_id), 0) + $2
)::float8
FROM events TABLESAMPLE SYSTEM (
    least(100, 100 * $1::float8 / greatest(1, pg_relation_size('events') / current_setting('block_size')::integer))
);

-- name: seen
INSERT INTO workers (id, seen_at) VALUES ($1, clock_timestamp())
ON CONFLICT (id) DO UPDATE SET seen_at = excluded.seen_at;

-- name: forget_workers
DELETE FROM workers WHERE id IN (
    SELECT id FROM workers WHERE seen_at < clock_timestamp() - make_interval(secs => $1) FOR UPDATE SKIP LOCKED
);

-- name: forget_worker
DELETE FROM workers WHERE id = $1;

-- name: workers
SELECT id FROM workers WHERE seen_at >= clock_timestamp() - make_interval(secs => $1) ORDER BY id;

-- name: renew
WITH mine AS (SELECT shard FROM shards WHERE owner = $1 ORDER BY shard FOR NO KEY UPDATE)
UPDATE shards SET until = clock_timestamp() + make_interval(secs => $2) FROM mine WHERE shards.shard = mine.shard
RETURNING shards.shard, shards.fence;

-- name: take
WITH free AS (
    SELECT shard FROM shards WHERE owner IS NULL OR until < clock_timestamp()
    ORDER BY shard LIMIT $3 FOR NO KEY UPDATE SKIP LOCKED
)
UPDATE shards SET owner = $1, fence = fence + 1, until = clock_timestamp() + make_interval(secs => $2)
FROM free WHERE shards.shard = free.shard
RETURNING shards.shard, shards.fence;

-- name: release
WITH mine AS (SELECT shard FROM shards WHERE owner = $1 AND shard = ANY ($2::smallint[]) ORDER BY shard FOR NO KEY UPDATE)
UPDATE shards SET owner = NULL, until = NULL FROM mine WHERE shards.shard = mine.shard;
