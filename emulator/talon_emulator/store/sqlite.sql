-- The statements of the SQLite store.

-- name: all_deployments
SELECT id, name, document FROM deployments ORDER BY id

-- name: find_deployment
SELECT id, name, document FROM deployments WHERE id = ?

-- name: insert_deployment
INSERT INTO deployments (name, document) VALUES (?, ?) RETURNING id

-- name: update_deployment
UPDATE deployments SET document = ? WHERE id = ?

-- name: find_profile
SELECT row, id, created, last_activity, attributes
FROM profiles
WHERE deployment = ? AND environment = ? AND integration_id = ?

-- name: insert_profile
INSERT INTO profiles (deployment, environment, integration_id, created, last_activity, attributes, id)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, (SELECT coalesce(max(id), 0) + 1 FROM profiles WHERE deployment = ?1))
RETURNING id

-- name: update_profile
UPDATE profiles SET last_activity = ?, attributes = ? WHERE row = ?

-- name: list_profiles
SELECT id, integration_id, created, last_activity, attributes
FROM profiles
WHERE deployment = ? AND environment = ?
ORDER BY id LIMIT ? OFFSET ?

-- name: list_newest_profiles
SELECT id, integration_id, created, last_activity, attributes
FROM profiles
WHERE deployment = ? AND environment = ?
ORDER BY id DESC LIMIT ? OFFSET ?

-- name: count_profiles
SELECT count(*) FROM profiles WHERE deployment = ? AND environment = ?

-- name: delete_profiles
DELETE FROM profiles WHERE deployment = ?
