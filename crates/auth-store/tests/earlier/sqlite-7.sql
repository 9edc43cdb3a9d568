PRAGMA foreign_keys=OFF;
BEGIN TRANSACTION;
CREATE TABLE meta (
    name TEXT PRIMARY KEY NOT NULL,
    value BLOB NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO meta VALUES('ring',X'0001ff');
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
, require_second_factor INTEGER NOT NULL DEFAULT 0) STRICT, WITHOUT ROWID;
INSERT INTO realm VALUES(X'c8c8c8c8c8c8c8c8c8c8c8c8c8c8c8c8','main','','Main','/icon','<p>hello</p>',1,1,1,9,-1,'["local","staff"]',1);
INSERT INTO realm VALUES(X'c9c9c9c9c9c9c9c9c9c9c9c9c9c9c9c9','other',NULL,'','','',0,0,0,NULL,NULL,'[]',0);
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
INSERT INTO attempt VALUES(1,1700000060000,'zulip',X'c8c8c8c8c8c8c8c8c8c8c8c8c8c8c8c8',X'03030303030303030303030303030303','ann','192.0.2.7','granted');
CREATE TABLE mail (
    id BLOB PRIMARY KEY NOT NULL,
    recipient TEXT NOT NULL,
    subject TEXT NOT NULL,
    body BLOB NOT NULL,
    due INTEGER NOT NULL,
    failures INTEGER NOT NULL
) STRICT;
INSERT INTO mail VALUES(X'28282828282828282828282828282828','ann@example.com','Your code',X'00ff',1700000050000,0);
CREATE TABLE IF NOT EXISTS "user" (
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
    zulip INTEGER,
    rocketchat TEXT,
    rocketchat_roles TEXT, -- JSON list
    zettelstore INTEGER, -- 64 bits without a sign
    zettelstore_role TEXT,
    version INTEGER NOT NULL, -- 64 bits without a sign
    password TEXT
, external TEXT, bot_owner INTEGER, language TEXT) STRICT;
INSERT INTO user VALUES(1,X'03030303030303030303030303030303',X'c8c8c8c8c8c8c8c8c8c8c8c8c8c8c8c8','User 3','member',NULL,1,1700000003000,1700000004000,0,0,3,'rocket3',NULL,20240101000003,NULL,3,'hash 3',NULL,NULL,NULL);
INSERT INTO user VALUES(2,X'02020202020202020202020202020202',X'c8c8c8c8c8c8c8c8c8c8c8c8c8c8c8c8','User 2','admin','incoming-webhook',1,1700000002000,1700000003000,1,1,2,'rocket2','["admin","bot"]',-2,'owner',-10,'hash 2',NULL,3,'de');
INSERT INTO user VALUES(3,X'01010101010101010101010101010101',X'c9c9c9c9c9c9c9c9c9c9c9c9c9c9c9c9','User 1','member',NULL,0,1700000001000,1700000002000,0,0,1,'rocket1',NULL,20240101000001,NULL,1,NULL,NULL,NULL,NULL);
CREATE TABLE IF NOT EXISTS "login_name" (
    kind INTEGER NOT NULL,
    folded TEXT NOT NULL,
    realm BLOB NOT NULL,
    exact TEXT NOT NULL,
    user INTEGER NOT NULL REFERENCES "user" (number) ON DELETE CASCADE,
    position INTEGER NOT NULL, -- among the names of the user
    verified INTEGER NOT NULL,
    PRIMARY KEY (kind, folded, realm, exact)
) STRICT, WITHOUT ROWID;
INSERT INTO login_name VALUES(0,'ann',X'c8c8c8c8c8c8c8c8c8c8c8c8c8c8c8c8','ann',1,0,0);
INSERT INTO login_name VALUES(1,'ann@example.com',X'c8c8c8c8c8c8c8c8c8c8c8c8c8c8c8c8','ann@example.com',1,1,1);
INSERT INTO login_name VALUES(0,'ann',X'c8c8c8c8c8c8c8c8c8c8c8c8c8c8c8c8','Ann',2,0,0);
INSERT INTO login_name VALUES(1,'ann@example.org',X'c8c8c8c8c8c8c8c8c8c8c8c8c8c8c8c8','ann@example.org',2,1,0);
INSERT INTO login_name VALUES(1,'änn@example.org',X'c8c8c8c8c8c8c8c8c8c8c8c8c8c8c8c8','ÄNN@example.org',2,2,1);
INSERT INTO login_name VALUES(0,'ann',X'c9c9c9c9c9c9c9c9c9c9c9c9c9c9c9c9','Ann',3,0,0);
CREATE TABLE IF NOT EXISTS "credential" (
    number INTEGER PRIMARY KEY, -- grows: of two that were made at once it tells the later
    id BLOB NOT NULL UNIQUE,
    user INTEGER NOT NULL REFERENCES "user" (number) ON DELETE CASCADE,
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
, parent INTEGER REFERENCES credential (number) ON DELETE CASCADE, clear_only INTEGER NOT NULL DEFAULT 0, client TEXT, agent TEXT) STRICT;
INSERT INTO credential VALUES(1,X'0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a',2,'zulip-key',X'0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a',NULL,'',0,NULL,1700000100000,NULL,NULL,10,NULL,0,NULL,NULL);
INSERT INTO credential VALUES(2,X'0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b',2,'rocketchat-token',X'0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b',NULL,'',0,NULL,1700000100000,NULL,NULL,11,NULL,0,NULL,NULL);
INSERT INTO credential VALUES(3,X'0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c',2,'personal-token',X'0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c',NULL,'',0,'my program',1700000100000,NULL,NULL,12,NULL,0,NULL,NULL);
INSERT INTO credential VALUES(4,X'0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d',2,'app-password',X'0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d',NULL,'',0,NULL,1700000100000,NULL,NULL,13,NULL,0,NULL,NULL);
INSERT INTO credential VALUES(5,X'0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e',2,'totp',X'0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e',X'00ff07','',0,NULL,1700000100000,NULL,NULL,14,NULL,0,NULL,NULL);
INSERT INTO credential VALUES(6,X'0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f',2,'pending-totp',X'0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f',NULL,'',0,NULL,1700000100000,NULL,NULL,15,NULL,0,NULL,NULL);
INSERT INTO credential VALUES(7,X'10101010101010101010101010101010',2,'backup-code',X'1010101010101010101010101010101010101010101010101010101010101010',NULL,'',0,NULL,1700000100000,NULL,NULL,16,NULL,0,NULL,NULL);
INSERT INTO credential VALUES(8,X'11111111111111111111111111111111',2,'mailed-code',X'1111111111111111111111111111111111111111111111111111111111111111',NULL,'',0,NULL,1700000100000,NULL,NULL,17,NULL,0,NULL,NULL);
INSERT INTO credential VALUES(9,X'12121212121212121212121212121212',2,'password-reset',X'1212121212121212121212121212121212121212121212121212121212121212',NULL,'',0,NULL,1700000100000,NULL,NULL,18,NULL,0,NULL,NULL);
INSERT INTO credential VALUES(10,X'13131313131313131313131313131313',2,'remembered-factor',X'1313131313131313131313131313131313131313131313131313131313131313',NULL,'',0,NULL,1700000100000,NULL,NULL,19,NULL,0,NULL,NULL);
INSERT INTO credential VALUES(11,X'14141414141414141414141414141414',2,'web-session',X'1414141414141414141414141414141414141414141414141414141414141414',NULL,'',0,NULL,1700000100000,NULL,NULL,20,NULL,0,NULL,NULL);
INSERT INTO credential VALUES(12,X'1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f',3,'rocketchat-token',X'1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f',NULL,'rocketchat zulip',1,NULL,1700000100000,1700000031000,1700000009000,0,NULL,0,'192.0.2.9','test/1');
INSERT INTO credential VALUES(13,X'20202020202020202020202020202020',3,'rocketchat-token',X'2020202020202020202020202020202020202020202020202020202020202020',NULL,'rocketchat zulip',1,NULL,1700000100000,1700000032000,1700000009000,0,NULL,0,'192.0.2.9','test/1');
INSERT INTO credential VALUES(14,X'21212121212121212121212121212121',3,'rocketchat-token',X'2121212121212121212121212121212121212121212121212121212121212121',NULL,'rocketchat zulip',1,NULL,1700000100000,1700000033000,1700000009000,0,NULL,0,'192.0.2.9','test/1');
CREATE TABLE external_id (
    user INTEGER NOT NULL REFERENCES user (number) ON DELETE CASCADE,
    protocol TEXT NOT NULL,
    realm BLOB NOT NULL,
    number INTEGER, -- 64 bits without a sign
    text TEXT,
    PRIMARY KEY (user, protocol),
    CHECK ((number IS NULL) <> (text IS NULL))
) STRICT, WITHOUT ROWID;
CREATE TABLE audit (
    number INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    actor TEXT NOT NULL,
    actor_user BLOB,
    actor_name TEXT,
    act TEXT NOT NULL,
    realm BLOB,
    user BLOB,
    detail TEXT NOT NULL,
    client TEXT,
    protocol TEXT,
    request TEXT NOT NULL
) STRICT;
CREATE TABLE spent (
    digest BLOB PRIMARY KEY,
    until INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE activity (
    user INTEGER PRIMARY KEY REFERENCES user (number) ON DELETE CASCADE,
    realm BLOB NOT NULL,
    last_login INTEGER,
    last_use INTEGER, -- of a credential
    seen INTEGER NOT NULL -- the last of both, or of the creation
) STRICT;
INSERT INTO activity VALUES(1,X'c8c8c8c8c8c8c8c8c8c8c8c8c8c8c8c8',1700000060000,NULL,1700000060000);
INSERT INTO activity VALUES(2,X'c8c8c8c8c8c8c8c8c8c8c8c8c8c8c8c8',NULL,NULL,1700000002000);
INSERT INTO activity VALUES(3,X'c9c9c9c9c9c9c9c9c9c9c9c9c9c9c9c9',NULL,1700000009000,1700000009000);
CREATE TABLE network_rule (
    network TEXT PRIMARY KEY NOT NULL, -- in CIDR form
    kind TEXT NOT NULL, -- ban or allow
    until INTEGER,
    made INTEGER NOT NULL,
    note TEXT NOT NULL
) STRICT;
CREATE TABLE user_group (
    id BLOB PRIMARY KEY NOT NULL,
    realm BLOB NOT NULL REFERENCES realm (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    folded TEXT NOT NULL,
    directory TEXT, -- where it comes from
    entry TEXT,
    made INTEGER NOT NULL
) STRICT;
CREATE TABLE membership (
    user_group BLOB NOT NULL REFERENCES user_group (id) ON DELETE CASCADE,
    user BLOB NOT NULL REFERENCES user (id) ON DELETE CASCADE,
    PRIMARY KEY (user_group, user)
) STRICT, WITHOUT ROWID;
CREATE TABLE admin_key (
    id BLOB PRIMARY KEY NOT NULL,
    name TEXT NOT NULL UNIQUE,
    digest BLOB NOT NULL UNIQUE,
    scope TEXT NOT NULL,
    realm BLOB REFERENCES realm (id) ON DELETE CASCADE, -- none is all
    made INTEGER NOT NULL,
    ends INTEGER,
    last_used INTEGER
) STRICT;
CREATE INDEX attempt_by_time ON attempt (at);
CREATE INDEX mail_by_due ON mail (due);
CREATE UNIQUE INDEX user_by_realm ON user (realm, id);
CREATE UNIQUE INDEX user_by_zulip ON user (realm, zulip);
CREATE UNIQUE INDEX user_by_rocketchat ON user (realm, rocketchat);
CREATE UNIQUE INDEX user_by_zettelstore ON user (realm, zettelstore);
CREATE INDEX login_name_of_user ON login_name (user, position, verified);
CREATE UNIQUE INDEX credential_by_digest ON credential (kind, digest) WHERE digest IS NOT NULL;
CREATE UNIQUE INDEX credential_by_label ON credential (user, kind, label) WHERE label IS NOT NULL;
CREATE INDEX credential_of_user ON credential (user, kind, created);
CREATE INDEX credential_by_end ON credential (expires) WHERE expires IS NOT NULL;
CREATE INDEX credential_totp ON credential (user) WHERE kind = 'totp';
CREATE UNIQUE INDEX external_id_by_number ON external_id (realm, protocol, number) WHERE number IS NOT NULL;
CREATE UNIQUE INDEX external_id_by_text ON external_id (realm, protocol, text) WHERE text IS NOT NULL;
CREATE INDEX credential_of_parent ON credential (parent) WHERE parent IS NOT NULL;
CREATE INDEX audit_by_time ON audit (at);
CREATE INDEX user_by_bot_owner ON user (realm, bot_owner) WHERE bot_owner IS NOT NULL;
CREATE INDEX spent_by_time ON spent (until);
CREATE INDEX audit_of_user ON audit (user, at) WHERE user IS NOT NULL;
CREATE INDEX audit_of_actor ON audit (actor_user, at) WHERE actor_user IS NOT NULL;
CREATE INDEX audit_of_client ON audit (client, at) WHERE client IS NOT NULL;
CREATE INDEX attempt_of_user ON attempt (user, at) WHERE user IS NOT NULL;
CREATE INDEX attempt_of_client ON attempt (network, at);
CREATE INDEX activity_by_realm ON activity (realm, seen);
CREATE UNIQUE INDEX user_group_by_name ON user_group (realm, folded);
CREATE INDEX membership_of_user ON membership (user);
COMMIT;
PRAGMA application_id=1096111176;
PRAGMA user_version=7;
