-- The statements of the PostgreSQL store.

-- name: lock_schema
SELECT pg_advisory_xact_lock(hashtext('localtalon'))

-- name: create_schema
CREATE SCHEMA IF NOT EXISTS localtalon

-- name: create_version
CREATE TABLE IF NOT EXISTS store (version integer NOT NULL, revision bigint NOT NULL)

-- name: insert_version
INSERT INTO store (version, revision) SELECT 0, 0 WHERE NOT EXISTS (SELECT FROM store)

-- name: find_version
SELECT version FROM store

-- name: update_version
UPDATE store SET version = $1

-- name: find_revision
SELECT revision FROM store

-- name: next_revision
UPDATE store SET revision = revision + 1 RETURNING revision

-- name: all_deployments
SELECT id, name, document, revision FROM deployments ORDER BY id

-- name: changed_deployments
SELECT id, name, document, revision FROM deployments WHERE revision > $1 ORDER BY id

-- name: deployment_numbers
SELECT id FROM deployments

-- name: lock_deployment
SELECT id, name, document, revision FROM deployments WHERE id = $1 FOR NO KEY UPDATE

-- name: find_deployment
SELECT id, name, document, revision FROM deployments WHERE id = $1

-- name: insert_deployment
INSERT INTO deployments (name, document, revision) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING RETURNING id

-- name: update_deployment
UPDATE deployments SET document = $2, revision = $3 WHERE id = $1

-- name: delete_deployment
DELETE FROM deployments WHERE id = $1

-- name: insert_counters
INSERT INTO counters (deployment) VALUES ($1)

-- name: lock_counters
SELECT profile, record FROM counters WHERE deployment = $1 FOR UPDATE

-- name: next_profile
UPDATE counters SET profile = profile + 1 WHERE deployment = $1 RETURNING profile

-- name: next_record
UPDATE counters SET record = record + 1 WHERE deployment = $1 RETURNING record

-- name: update_last_profile
UPDATE counters SET profile = $2 WHERE deployment = $1

-- name: update_counters
UPDATE counters SET profile = $2, record = $3 WHERE deployment = $1

-- name: delete_counters
DELETE FROM counters WHERE deployment = $1

-- name: find_profile
SELECT id, environment, integration_id, created, last_activity, attributes, audiences, hidden,
    closed_sessions, total_sales
FROM profiles
WHERE deployment = $1 AND environment = $2 AND sha256(integration_id) = sha256($3)

-- name: lock_profile
SELECT id, environment, integration_id, created, last_activity, attributes, audiences, hidden,
    closed_sessions, total_sales
FROM profiles
WHERE deployment = $1 AND environment = $2 AND sha256(integration_id) = sha256($3)
FOR UPDATE

-- name: lock_profiles
SELECT id, environment, integration_id, created, last_activity, attributes, audiences, hidden,
    closed_sessions, total_sales
FROM profiles
WHERE deployment = $1 AND environment = $2 AND sha256(integration_id) = ANY($3::bytea[])
ORDER BY id FOR UPDATE

-- name: find_profile_by_number
SELECT id, environment, integration_id, created, last_activity, attributes, audiences, hidden,
    closed_sessions, total_sales
FROM profiles
WHERE deployment = $1 AND id = $2

-- name: insert_profile
INSERT INTO profiles
    (deployment, id, environment, integration_id, created, last_activity, attributes, audiences, hidden,
    closed_sessions, total_sales)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
ON CONFLICT DO NOTHING RETURNING id

-- name: update_profile
UPDATE profiles
SET last_activity = $3, attributes = $4, audiences = $5, hidden = $6, closed_sessions = $7, total_sales = $8
WHERE deployment = $1 AND id = $2

-- name: list_profiles
SELECT id, environment, integration_id, created, last_activity, attributes, audiences, hidden,
    closed_sessions, total_sales
FROM profiles
WHERE deployment = $1 AND environment = ANY($2::smallint[]) AND NOT hidden
ORDER BY id LIMIT $3 OFFSET $4

-- name: list_newest_profiles
SELECT id, environment, integration_id, created, last_activity, attributes, audiences, hidden,
    closed_sessions, total_sales
FROM profiles
WHERE deployment = $1 AND environment = ANY($2::smallint[]) AND NOT hidden
ORDER BY id DESC LIMIT $3 OFFSET $4

-- name: count_profiles
SELECT count(*) FROM profiles WHERE deployment = $1 AND environment = ANY($2::smallint[]) AND NOT hidden

-- name: all_profiles
SELECT id, environment, integration_id, created, last_activity, attributes, audiences, hidden,
    closed_sessions, total_sales
FROM profiles
WHERE deployment = $1
ORDER BY id

-- name: delete_profiles
DELETE FROM profiles WHERE deployment = $1

-- name: list_members
SELECT id, environment, integration_id, created, last_activity, attributes, audiences, hidden,
    closed_sessions, total_sales
FROM profiles
WHERE deployment = $1 AND audiences @> ARRAY[$2::bigint] AND position($3::bytea IN integration_id) > 0
ORDER BY id LIMIT $4 OFFSET $5

-- name: clear_audience
UPDATE profiles SET audiences = array_remove(audiences, $2::bigint)
WHERE deployment = $1 AND audiences @> ARRAY[$2::bigint]

-- name: find_record
SELECT id, kind, application, key, profile, created, document
FROM records
WHERE deployment = $1 AND kind = $2 AND application = $3 AND sha256(key) = sha256($4)

-- name: lock_record
SELECT id, kind, application, key, profile, created, document
FROM records
WHERE deployment = $1 AND kind = $2 AND application = $3 AND sha256(key) = sha256($4)
FOR UPDATE

-- name: insert_record
INSERT INTO records (deployment, id, kind, application, key, profile, created, document)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
ON CONFLICT DO NOTHING RETURNING id

-- name: update_record
UPDATE records SET profile = $5, created = $6, document = $7
WHERE deployment = $1 AND kind = $2 AND application = $3 AND id = $4

-- name: list_records
SELECT id, kind, application, key, profile, created, document
FROM records
WHERE deployment = $1 AND kind = $2 AND application = $3
ORDER BY id DESC

-- name: all_records
SELECT id, kind, application, key, profile, created, document FROM records WHERE deployment = $1 ORDER BY id

-- name: delete_records
DELETE FROM records WHERE deployment = $1

-- name: find_answer
SELECT status, body FROM answers WHERE deployment = $1 AND sha256(scope) = sha256($2) AND expires > $3

-- name: delete_old_answers
DELETE FROM answers WHERE deployment = $1 AND expires <= $2

-- name: insert_answer
INSERT INTO answers (deployment, scope, expires, status, body)
VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (deployment, sha256(scope)) DO UPDATE
SET expires = EXCLUDED.expires, status = EXCLUDED.status, body = EXCLUDED.body

-- name: all_answers
SELECT scope, status, body, expires FROM answers WHERE deployment = $1 ORDER BY expires, scope

-- name: delete_answers
DELETE FROM answers WHERE deployment = $1

-- name: save_snapshot
INSERT INTO snapshots (deployment, name, contents)
VALUES ($1, $2, $3)
ON CONFLICT (deployment, sha256(name)) DO UPDATE SET contents = EXCLUDED.contents

-- name: find_snapshot
SELECT contents FROM snapshots WHERE deployment = $1 AND sha256(name) = sha256($2)

-- name: list_snapshots
SELECT name FROM snapshots WHERE deployment = $1 ORDER BY name

-- name: delete_snapshot
DELETE FROM snapshots WHERE deployment = $1 AND sha256(name) = sha256($2) RETURNING name

-- name: delete_snapshots
DELETE FROM snapshots WHERE deployment = $1
