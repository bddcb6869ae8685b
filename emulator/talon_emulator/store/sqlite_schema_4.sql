-- Version 4. What the closed sessions of a customer make of the profile.
ALTER TABLE profiles ADD COLUMN closed_sessions INTEGER NOT NULL DEFAULT 0;

ALTER TABLE profiles ADD COLUMN total_sales BLOB NOT NULL DEFAULT x'30';

DROP VIEW customers;

CREATE VIEW customers AS
SELECT row, id, integration_id, created, last_activity, attributes, hidden, closed_sessions, total_sales, deployment,
    environment,
    (SELECT group_concat(audience) FROM memberships m WHERE m.deployment = p.deployment AND profile = id) AS audiences
FROM profiles p;
