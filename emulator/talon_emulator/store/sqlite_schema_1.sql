-- Version 1. An environment is 0 for sandbox and 1 for live. Integration IDs are kept as UTF-8 bytes, so that every
-- character survives, NUL included, and comparison is exact.
CREATE TABLE deployments (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    document BLOB NOT NULL
) STRICT;

CREATE TABLE profiles (
    row INTEGER PRIMARY KEY,
    deployment INTEGER NOT NULL REFERENCES deployments (id) ON DELETE CASCADE,
    environment INTEGER NOT NULL,
    integration_id BLOB NOT NULL,
    id INTEGER NOT NULL,
    created TEXT NOT NULL,
    last_activity TEXT NOT NULL,
    attributes BLOB NOT NULL,
    UNIQUE (deployment, environment, integration_id),
    UNIQUE (deployment, id)
) STRICT;
