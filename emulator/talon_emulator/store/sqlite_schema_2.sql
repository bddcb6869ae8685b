-- Version 2. A profile that only an audience knows is hidden until it is updated. Memberships and answers refer to
-- nothing: checking references would make a reset three times as slow.
ALTER TABLE profiles ADD COLUMN hidden INTEGER NOT NULL DEFAULT 0;

CREATE INDEX hidden_profiles ON profiles (deployment, environment) WHERE hidden;

CREATE TABLE memberships (
    deployment INTEGER NOT NULL,
    profile INTEGER NOT NULL,
    audience INTEGER NOT NULL,
    PRIMARY KEY (deployment, profile, audience)
) STRICT, WITHOUT ROWID;

CREATE INDEX members ON memberships (deployment, audience, profile);

CREATE VIEW customers AS
SELECT row, id, integration_id, created, last_activity, attributes, hidden, deployment, environment,
    (SELECT group_concat(audience) FROM memberships m WHERE m.deployment = p.deployment AND profile = id) AS audiences
FROM profiles p;

CREATE TABLE answers (
    deployment INTEGER NOT NULL,
    scope BLOB NOT NULL,
    expires TEXT NOT NULL,
    status INTEGER NOT NULL,
    body BLOB NOT NULL,
    PRIMARY KEY (deployment, scope)
) STRICT, WITHOUT ROWID;

CREATE INDEX answers_by_expiry ON answers (deployment, expires);
