-- Version 1. Texts that a client chooses are kept as UTF-8 bytes, since PostgreSQL's own text holds no NUL; they are
-- found by their SHA-256, since an index entry is too small for the longest. Documents are bytes, so that numbers stay
-- digit for digit. An environment is 0 for sandbox and 1 for live. Times are RFC 3339.
CREATE TABLE deployments (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name bytea NOT NULL,
    revision bigint NOT NULL,
    document bytea NOT NULL
);

CREATE UNIQUE INDEX deployments_by_name ON deployments (sha256(name));

CREATE INDEX deployments_by_revision ON deployments (revision);

-- The last numbers given in a deployment. Whoever gives one, or writes many rows, holds its row.
CREATE TABLE counters (
    deployment bigint PRIMARY KEY,
    profile bigint NOT NULL DEFAULT 0,
    record bigint NOT NULL DEFAULT 0
) WITH (fillfactor = 50);

CREATE TABLE profiles (
    deployment bigint NOT NULL,
    id bigint NOT NULL,
    environment smallint NOT NULL,
    integration_id bytea NOT NULL,
    created text NOT NULL,
    last_activity text NOT NULL,
    attributes bytea NOT NULL,
    audiences bigint[] NOT NULL,
    hidden boolean NOT NULL,
    closed_sessions bigint NOT NULL,
    total_sales bytea NOT NULL,
    PRIMARY KEY (deployment, id)
) WITH (fillfactor = 80);

CREATE UNIQUE INDEX profiles_by_integration_id ON profiles (deployment, environment, sha256(integration_id));

CREATE INDEX shown_profiles ON profiles (deployment, environment, id) WHERE NOT hidden;

CREATE INDEX members ON profiles USING gin (audiences);

CREATE TABLE records (
    deployment bigint NOT NULL,
    kind text NOT NULL,
    application bigint NOT NULL,
    id bigint NOT NULL,
    key bytea NOT NULL,
    profile bytea NOT NULL,
    created text NOT NULL,
    document bytea NOT NULL,
    PRIMARY KEY (deployment, kind, application, id)
);

CREATE UNIQUE INDEX records_by_key ON records (deployment, kind, application, sha256(key));

CREATE TABLE answers (
    deployment bigint NOT NULL,
    scope bytea NOT NULL,
    expires text COLLATE "C" NOT NULL,
    status integer NOT NULL,
    body bytea NOT NULL
);

CREATE UNIQUE INDEX answers_by_scope ON answers (deployment, sha256(scope));

CREATE INDEX answers_by_expiry ON answers (deployment, expires);

CREATE TABLE snapshots (
    deployment bigint NOT NULL,
    name bytea NOT NULL,
    contents bytea NOT NULL
);

CREATE UNIQUE INDEX snapshots_by_name ON snapshots (deployment, sha256(name));
