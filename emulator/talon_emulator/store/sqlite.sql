-- The statements of the SQLite store. `?*` is a list of as many values as are given.

-- name: all_deployments
SELECT id, name, document FROM deployments ORDER BY id

-- name: find_deployment
SELECT id, name, document FROM deployments WHERE id = ?

-- name: insert_deployment
INSERT INTO deployments (id, name, document)
VALUES ((SELECT max(coalesce(max(id), 0), ?) + 1 FROM deployments), ?, ?)
RETURNING id

-- name: update_deployment
UPDATE deployments SET document = ? WHERE id = ?

-- name: delete_deployment
DELETE FROM deployments WHERE id = ?

-- name: find_profile
SELECT row, id, integration_id, created, last_activity, attributes, audiences, hidden, environment,
    closed_sessions, total_sales
FROM customers
WHERE deployment = ? AND environment = ? AND integration_id = ?

-- name: find_profiles
SELECT row, id, integration_id, created, last_activity, attributes, audiences, hidden, environment,
    closed_sessions, total_sales
FROM customers
WHERE deployment = ? AND environment = ? AND integration_id IN (?*)

-- name: last_profile
SELECT coalesce(max(id), 0) FROM profiles WHERE deployment = ?

-- name: insert_profile
INSERT INTO profiles
    (id, deployment, environment, integration_id, created, last_activity, attributes, hidden, closed_sessions, total_sales)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)

-- name: update_profile
UPDATE profiles
SET last_activity = ?, attributes = ?, hidden = ?, closed_sessions = ?, total_sales = ?
WHERE row = ?

-- name: list_profiles
SELECT row, id, integration_id, created, last_activity, attributes, audiences, hidden, environment,
    closed_sessions, total_sales
FROM customers
WHERE deployment = ? AND environment = ? AND NOT hidden
ORDER BY id LIMIT ? OFFSET ?

-- name: list_newest_profiles
SELECT row, id, integration_id, created, last_activity, attributes, audiences, hidden, environment,
    closed_sessions, total_sales
FROM customers
WHERE deployment = ? AND environment = ? AND NOT hidden
ORDER BY id DESC LIMIT ? OFFSET ?

-- name: list_all_profiles
SELECT row, id, integration_id, created, last_activity, attributes, audiences, hidden, environment,
    closed_sessions, total_sales
FROM customers
WHERE deployment = ? AND NOT hidden
ORDER BY id LIMIT ? OFFSET ?

-- name: list_all_newest_profiles
SELECT row, id, integration_id, created, last_activity, attributes, audiences, hidden, environment,
    closed_sessions, total_sales
FROM customers
WHERE deployment = ? AND NOT hidden
ORDER BY id DESC LIMIT ? OFFSET ?

-- name: count_profiles
SELECT (SELECT count(*) FROM profiles WHERE deployment = ?1 AND environment = ?2)
    - (SELECT count(*) FROM profiles WHERE deployment = ?1 AND environment = ?2 AND hidden)

-- name: delete_profiles
DELETE FROM profiles WHERE deployment = ?

-- name: insert_membership
INSERT OR IGNORE INTO memberships (deployment, profile, audience) VALUES (?, ?, ?)

-- name: delete_membership
DELETE FROM memberships WHERE deployment = ? AND profile = ? AND audience = ?

-- name: list_members
SELECT row, id, integration_id, created, last_activity, attributes, audiences, hidden, environment,
    closed_sessions, total_sales
FROM memberships m JOIN customers c ON c.deployment = m.deployment AND c.id = m.profile
WHERE m.deployment = ? AND m.audience = ? AND instr(integration_id, ?)
ORDER BY m.profile LIMIT ? OFFSET ?

-- name: clear_audience
DELETE FROM memberships WHERE deployment = ? AND audience = ?

-- name: delete_memberships
DELETE FROM memberships WHERE deployment = ?

-- name: find_answer
SELECT status, body FROM answers WHERE deployment = ? AND scope = ? AND expires > ?

-- name: delete_old_answers
DELETE FROM answers WHERE deployment = ? AND expires <= ?

-- name: insert_answer
INSERT OR REPLACE INTO answers (deployment, scope, expires, status, body) VALUES (?, ?, ?, ?, ?)

-- name: delete_answers
DELETE FROM answers WHERE deployment = ?

-- name: all_answers
SELECT scope, status, body, expires FROM answers WHERE deployment = ? ORDER BY expires, scope

-- name: find_profile_by_number
SELECT row, id, integration_id, created, last_activity, attributes, audiences, hidden, environment,
    closed_sessions, total_sales
FROM customers
WHERE deployment = ? AND id = ?

-- name: all_profiles
SELECT row, id, integration_id, created, last_activity, attributes, audiences, hidden, environment,
    closed_sessions, total_sales
FROM customers
WHERE deployment = ?
ORDER BY id

-- name: find_record
SELECT id, kind, application, key, profile, created, document
FROM records
WHERE deployment = ? AND kind = ? AND application = ? AND key = ?

-- name: last_record
SELECT coalesce(max(id), 0) FROM records WHERE deployment = ?

-- name: insert_record
INSERT OR REPLACE INTO records (deployment, id, kind, application, key, profile, created, document)
VALUES (?, ?, ?, ?, ?, ?, ?, ?)

-- name: list_records
SELECT id, kind, application, key, profile, created, document
FROM records
WHERE deployment = ? AND kind = ? AND application = ?
ORDER BY id DESC

-- name: all_records
SELECT id, kind, application, key, profile, created, document FROM records WHERE deployment = ? ORDER BY id

-- name: delete_records
DELETE FROM records WHERE deployment = ?

-- name: save_snapshot
INSERT OR REPLACE INTO snapshots (deployment, name, contents) VALUES (?, ?, ?)

-- name: find_snapshot
SELECT contents FROM snapshots WHERE deployment = ? AND name = ?

-- name: list_snapshots
SELECT name FROM snapshots WHERE deployment = ? ORDER BY name

-- name: delete_snapshot
DELETE FROM snapshots WHERE deployment = ? AND name = ? RETURNING name

-- name: delete_snapshots
DELETE FROM snapshots WHERE deployment = ?
