-- Version 1.
--
-- Identifiers are 16 bytes; moments are milliseconds since 1970. Wide rows have a rowid, so that new ones are
-- appended and trees stay flat; narrow ones are WITHOUT ROWID.

CREATE TABLE meta (
    name TEXT PRIMARY KEY NOT NULL,
    value BLOB NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE realm (
    id BLOB PRIMARY KEY NOT NULL,
    slug TEXT NOT NULL UNIQUE,
    subdomain TEXT UNIQUE,
    name TEXT NOT NULL,
    icon TEXT NOT NULL,
    description TEXT NOT NULL,
    active INTEGER NOT NULL,
    password_login INTEGER NOT NULL,
    digest_logins INTEGER NOT NULL,
    min_length INTEGER,
    min_guesses INTEGER, -- 64 bits without a sign
    backends TEXT NOT NULL -- JSON list
) STRICT, WITHOUT ROWID;

CREATE TABLE user (
    id BLOB PRIMARY KEY NOT NULL,
    realm BLOB NOT NULL REFERENCES realm (id),
    full_name TEXT NOT NULL,
    role TEXT NOT NULL,
    bot TEXT,
    active INTEGER NOT NULL,
    joined INTEGER NOT NULL,
    valid_from INTEGER NOT NULL,
    email_second_factor INTEGER NOT NULL,
    must_change_password INTEGER NOT NULL,
    zulip INTEGER NOT NULL,
    rocketchat TEXT NOT NULL,
    rocketchat_roles TEXT, -- JSON list
    zettelstore INTEGER NOT NULL, -- 64 bits without a sign
    zettelstore_role TEXT,
    version INTEGER NOT NULL, -- 64 bits without a sign
    password TEXT
) STRICT;

CREATE UNIQUE INDEX user_by_realm ON user (realm, id);
CREATE UNIQUE INDEX user_by_zulip ON user (realm, zulip);
CREATE UNIQUE INDEX user_by_rocketchat ON user (realm, rocketchat);
CREATE UNIQUE INDEX user_by_zettelstore ON user (realm, zettelstore);

-- One key serves every look-up: in a realm, and across realms by kind and folded form alone.
CREATE TABLE login_name (
    kind INTEGER NOT NULL,
    folded TEXT NOT NULL,
    realm BLOB NOT NULL,
    exact TEXT NOT NULL,
    user BLOB NOT NULL REFERENCES user (id) ON DELETE CASCADE,
    position INTEGER NOT NULL, -- among the names of the user
    verified INTEGER NOT NULL,
    PRIMARY KEY (kind, folded, realm, exact)
) STRICT, WITHOUT ROWID;

CREATE INDEX login_name_of_user ON login_name (user, position, verified);

CREATE TABLE credential (
    id BLOB PRIMARY KEY NOT NULL,
    user BLOB NOT NULL REFERENCES user (id) ON DELETE CASCADE,
    kind TEXT NOT NULL,
    digest BLOB,
    sealed BLOB,
    doors TEXT NOT NULL, -- names with spaces between
    bypass_second_factor INTEGER NOT NULL,
    label TEXT,
    created INTEGER NOT NULL,
    expires INTEGER,
    last_used INTEGER,
    counter INTEGER NOT NULL
) STRICT;

CREATE UNIQUE INDEX credential_by_digest ON credential (kind, digest) WHERE digest IS NOT NULL;
CREATE UNIQUE INDEX credential_by_label ON credential (user, kind, label) WHERE label IS NOT NULL;
CREATE INDEX credential_of_user ON credential (user, kind, created);
CREATE INDEX credential_by_end ON credential (expires) WHERE expires IS NOT NULL;

CREATE TABLE attempt (
    number INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    door TEXT NOT NULL,
    realm BLOB NOT NULL,
    user BLOB, -- may be gone already
    name TEXT NOT NULL,
    network TEXT NOT NULL,
    outcome TEXT NOT NULL
) STRICT;

CREATE INDEX attempt_by_time ON attempt (at);

CREATE TABLE mail (
    id BLOB PRIMARY KEY NOT NULL,
    recipient TEXT NOT NULL,
    subject TEXT NOT NULL,
    body BLOB NOT NULL,
    due INTEGER NOT NULL,
    failures INTEGER NOT NULL
) STRICT;

CREATE INDEX mail_by_due ON mail (due);
