-- Version 2: users and credentials have a number, which is all that other tables know of a user. What is read at
-- every log-in lies in fewer and smaller trees.

CREATE TABLE numbered_user (
    number INTEGER PRIMARY KEY,
    id BLOB NOT NULL UNIQUE,
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

INSERT INTO numbered_user
SELECT rowid, id, realm, full_name, role, bot, active, joined, valid_from, email_second_factor,
    must_change_password, zulip, rocketchat, rocketchat_roles, zettelstore, zettelstore_role, version, password
FROM user ORDER BY rowid;

-- One key serves every look-up: in a realm, and across realms by kind and folded form alone.
CREATE TABLE numbered_login_name (
    kind INTEGER NOT NULL,
    folded TEXT NOT NULL,
    realm BLOB NOT NULL,
    exact TEXT NOT NULL,
    user INTEGER NOT NULL REFERENCES numbered_user (number) ON DELETE CASCADE,
    position INTEGER NOT NULL, -- among the names of the user
    verified INTEGER NOT NULL,
    PRIMARY KEY (kind, folded, realm, exact)
) STRICT, WITHOUT ROWID;

INSERT INTO numbered_login_name
SELECT n.kind, n.folded, n.realm, n.exact, u.rowid, n.position, n.verified
FROM login_name AS n CROSS JOIN user AS u ON u.id = n.user
ORDER BY n.kind, n.folded, n.realm, n.exact;

CREATE TABLE numbered_credential (
    number INTEGER PRIMARY KEY, -- grows: of two that were made at once it tells the later
    id BLOB NOT NULL UNIQUE,
    user INTEGER NOT NULL REFERENCES numbered_user (number) ON DELETE CASCADE,
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

INSERT INTO numbered_credential
SELECT c.rowid, c.id, u.rowid, c.kind, c.digest, c.sealed, c.doors, c.bypass_second_factor, c.label, c.created,
    c.expires, c.last_used, c.counter
FROM credential AS c CROSS JOIN user AS u ON u.id = c.user
ORDER BY c.rowid;

-- Those that refer to others go first.
DROP TABLE login_name;
DROP TABLE credential;
DROP TABLE user;
ALTER TABLE numbered_user RENAME TO user;
ALTER TABLE numbered_login_name RENAME TO login_name;
ALTER TABLE numbered_credential RENAME TO credential;

CREATE UNIQUE INDEX user_by_realm ON user (realm, id);
CREATE UNIQUE INDEX user_by_zulip ON user (realm, zulip);
CREATE UNIQUE INDEX user_by_rocketchat ON user (realm, rocketchat);
CREATE UNIQUE INDEX user_by_zettelstore ON user (realm, zettelstore);
CREATE INDEX login_name_of_user ON login_name (user, position, verified);
CREATE UNIQUE INDEX credential_by_digest ON credential (kind, digest) WHERE digest IS NOT NULL;
CREATE UNIQUE INDEX credential_by_label ON credential (user, kind, label) WHERE label IS NOT NULL;
CREATE INDEX credential_of_user ON credential (user, kind, created);
CREATE INDEX credential_by_end ON credential (expires) WHERE expires IS NOT NULL;
-- Every log-in asks for a TOTP device; few have one.
CREATE INDEX credential_totp ON credential (user) WHERE kind = 'totp';
