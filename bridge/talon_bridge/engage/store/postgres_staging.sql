-- name: begin
-- Tables of one connection, which go with it.
CREATE TEMP TABLE staged (
    place   bigint NOT NULL,
    user_id bytea NOT NULL,
    value   bytea,
    line    bigint NOT NULL,
    file    bytea NOT NULL
);
CREATE TEMP TABLE unused (
    place   bigint NOT NULL,
    line    bigint NOT NULL,
    file    bytea NOT NULL,
    reason  bytea NOT NULL,
    excerpt bytea NOT NULL
);
CREATE TEMP TABLE difference (
    user_id bytea NOT NULL,
    value   bytea,
    kind    text NOT NULL
);

-- name: analyze
ANALYZE staged;

-- name: repeated
SELECT count(*) - (SELECT count(*) FROM (SELECT FROM staged GROUP BY user_id) AS users) FROM staged;

-- name: members
SELECT members, revision FROM engage_computations WHERE place = $1;

-- name: later
-- `row` is the same for the users of one row: rows are told apart by where they stand, if that is known.
CREATE TEMP TABLE later AS
SELECT staged.place, staged.file, staged.line, CASE WHEN staged.line > 0 THEN 0 ELSE staged.place END AS row,
    staged.value IS DISTINCT FROM first.value AS conflicts
FROM (SELECT min(place) AS place FROM staged GROUP BY user_id HAVING count(*) > 1) AS several
    JOIN staged AS first ON first.place = several.place
    JOIN staged ON staged.user_id = first.user_id AND staged.place > first.place;

-- name: doubles
SELECT count(*) FILTER (WHERE NOT conflicts), count(*) FILTER (WHERE conflicts)
FROM (SELECT bool_or(conflicts) AS conflicts FROM later GROUP BY file, line, row) AS rows;

-- name: conflicting
SELECT line, file, user_id, value
FROM (SELECT min(place) AS place FROM later WHERE conflicts GROUP BY file, line, row) AS first
    JOIN staged USING (place)
ORDER BY place LIMIT $1;

-- name: drop_later
DELETE FROM staged USING later WHERE staged.place = later.place;

-- name: differ
TRUNCATE difference;

-- name: differ_by_coming
INSERT INTO difference (user_id, value, kind)
SELECT staged.user_id, staged.value, CASE WHEN members.user_id IS NULL THEN 'entered' ELSE 'changed' END
FROM staged LEFT JOIN engage_members AS members
    ON members.computation = $1 AND members.user_id = staged.user_id
WHERE members.user_id IS NULL OR members.value IS DISTINCT FROM staged.value;

-- name: differ_by_leaving
INSERT INTO difference (user_id, kind)
SELECT user_id, 'left' FROM engage_members AS members
WHERE computation = $1 AND NOT EXISTS (SELECT FROM staged WHERE staged.user_id = members.user_id);

-- name: analyze_difference
ANALYZE difference;

-- name: differences
SELECT kind, count(*) FROM difference GROUP BY kind;

-- name: queue
INSERT INTO engage_changes (computation, sync, user_id, value, at)
SELECT $1, $2, user_id, CASE kind WHEN 'left' THEN $3::bytea ELSE value END, $4
FROM difference ORDER BY kind = 'left', user_id;

-- name: enter
INSERT INTO engage_members (computation, user_id, value)
SELECT $1, user_id, value FROM difference WHERE kind = 'entered' ORDER BY user_id;

-- name: change
UPDATE engage_members AS members SET value = difference.value
FROM difference
WHERE kind = 'changed' AND members.computation = $1 AND members.user_id = difference.user_id;

-- name: leave
DELETE FROM engage_members AS members USING difference
WHERE kind = 'left' AND members.computation = $1 AND members.user_id = difference.user_id;

-- name: keep_refused
INSERT INTO engage_refused (sync, place, line, file, reason, excerpt)
SELECT $1, place, line, file, reason, excerpt FROM unused;
