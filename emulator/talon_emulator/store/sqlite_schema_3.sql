-- Version 3. Sessions and events; what was kept of a deployment under a name.
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
