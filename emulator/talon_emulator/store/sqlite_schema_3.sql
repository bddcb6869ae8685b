-- Version 3. Sessions and events, and what they make of a profile; what was kept of a deployment under a name.
ALTER TABLE profiles ADD COLUMN closed_sessions INTEGER NOT NULL DEFAULT 0;

ALTER TABLE profiles ADD COLUMN total_sales BLOB NOT NULL DEFAULT x'30';

DROP VIEW customers;

CREATE VIEW customers AS
SELECT row, id, integration_id, created, last_activity, attributes, hidden, closed_sessions, total_sales, deployment,
    environment,
    (SELECT group_concat(audience) FROM memberships m WHERE m.deployment = p.deployment AND profile = id) AS audiences
FROM profiles p;

CREATE TABLE records (
    deployment INTEGER NOT NULL,
    kind TEXT NOT NULL,
    application INTEGER NOT NULL,
    id INTEGER NOT NULL,
    key BLOB NOT NULL,
    profile BLOB NOT NULL,
    created TEXT NOT NULL,
    document BLOB NOT NULL,
    PRIMARY KEY (deployment, kind, application, id),
    UNIQUE (deployment, kind, application, key)
) STRICT, WITHOUT ROWID;

CREATE TABLE snapshots (
    deployment INTEGER NOT NULL,
    name TEXT NOT NULL,
    contents BLOB NOT NULL,
    PRIMARY KEY (deployment, name)
) STRICT;
