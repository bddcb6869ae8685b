-- name: begin
-- Tables of one sync, `{sync}` being its number. Rows are appended, and indexed when all are there: a table in the order
-- of user ids takes ten times as long (measured).
CREATE TEMP TABLE staged_{sync} (
    place   INTEGER PRIMARY KEY,
    user_id TEXT NOT NULL,
    value   BLOB,
    line    INTEGER NOT NULL,
    file    TEXT NOT NULL
);
CREATE TEMP TABLE refused_{sync} (
    place   INTEGER PRIMARY KEY,
    line    INTEGER NOT NULL,
    file    TEXT NOT NULL,
    reason  TEXT NOT NULL,
    excerpt TEXT NOT NULL
);

-- name: stage
INSERT INTO staged_{sync} (user_id, value, line, file) VALUES (?, ?, ?, ?);

-- name: stage_plain
INSERT INTO staged_{sync} (file, user_id, line) VALUES (?1, ?, ?);

-- name: refuse
INSERT INTO refused_{sync} (line, file, reason, excerpt) VALUES (?, ?, ?, ?);

-- name: index
CREATE INDEX temp.staged_{sync}_by_user ON staged_{sync} (user_id, value);

-- name: repeated
SELECT count(*) - count(DISTINCT user_id) FROM staged_{sync};

-- name: later
-- `row` is the same for the users of one row: rows are told apart by where they stand, if that is known.
CREATE TEMP TABLE later_{sync} AS
SELECT staged.place, staged.file, staged.line, CASE WHEN staged.line > 0 THEN 0 ELSE staged.place END AS row,
    staged.value IS NOT first.value AS conflicts
FROM (SELECT min(place) AS place FROM staged_{sync} GROUP BY user_id HAVING count(*) > 1) AS several
    JOIN staged_{sync} AS first ON first.place = several.place
    JOIN staged_{sync} AS staged ON staged.user_id = first.user_id AND staged.place > first.place;

-- name: doubles
SELECT sum(NOT conflicts), sum(conflicts)
FROM (SELECT max(conflicts) AS conflicts FROM later_{sync} GROUP BY file, line, row) AS rows;

-- name: conflicting
SELECT staged.line, staged.file, user_id, value
FROM (SELECT min(place) AS place FROM later_{sync} WHERE conflicts GROUP BY file, line, row) AS first
    JOIN staged_{sync} AS staged ON staged.place = first.place
ORDER BY first.place LIMIT ?;

-- name: drop_later
DELETE FROM staged_{sync} WHERE place IN (SELECT place FROM later_{sync});
DROP TABLE later_{sync};

-- name: differ
DROP TABLE IF EXISTS temp.difference_{sync};
CREATE TEMP TABLE difference_{sync} (
    place   INTEGER PRIMARY KEY,
    user_id TEXT NOT NULL,
    value   BLOB,
    kind    TEXT NOT NULL
);

-- name: differ_by_coming
INSERT INTO difference_{sync} (user_id, value, kind)
SELECT staged.user_id, staged.value, CASE WHEN members.user_id IS NULL THEN 'entered' ELSE 'changed' END
FROM staged_{sync} AS staged
    LEFT JOIN members ON members.computation = ? AND members.user_id = staged.user_id
WHERE members.user_id IS NULL OR members.value IS NOT staged.value
ORDER BY staged.user_id;

-- name: differ_by_leaving
INSERT INTO difference_{sync} (user_id, kind)
SELECT user_id, 'left' FROM members
WHERE computation = ? AND NOT EXISTS (SELECT 1 FROM staged_{sync} AS staged WHERE staged.user_id = members.user_id)
ORDER BY user_id;

-- name: differences
SELECT kind, count(*) FROM difference_{sync} GROUP BY kind;

-- name: users
SELECT count(*) FROM staged_{sync};

-- name: queue
INSERT INTO changes (computation, number, sync, user_id, value, at)
SELECT :computation, :last + place, {sync}, user_id, CASE kind WHEN 'left' THEN :leaving ELSE value END, :now
FROM difference_{sync} ORDER BY place;

-- name: enter
INSERT OR REPLACE INTO members (computation, user_id, value)
SELECT ?, user_id, value FROM difference_{sync} WHERE kind <> 'left' ORDER BY place;

-- name: leave
DELETE FROM members
WHERE computation = ? AND user_id IN (SELECT user_id FROM difference_{sync} WHERE kind = 'left');

-- name: keep_refused
INSERT INTO refused (sync, place, line, file, reason, excerpt)
SELECT {sync}, place, line, file, reason, excerpt FROM refused_{sync} ORDER BY place;

-- name: drop
DROP TABLE IF EXISTS temp.staged_{sync};
DROP TABLE IF EXISTS temp.refused_{sync};
DROP TABLE IF EXISTS temp.later_{sync};
DROP TABLE IF EXISTS temp.difference_{sync};
