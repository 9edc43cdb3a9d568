-- Version 7: what administration asks for: pages of both logs by user and by client, when users were last seen, bans of
-- networks, groups, and keys for administration.

-- Each index ends with the number of the row.
CREATE INDEX audit_of_user ON audit (user, at) WHERE user IS NOT NULL;
CREATE INDEX audit_of_actor ON audit (actor_user, at) WHERE actor_user IS NOT NULL;
CREATE INDEX audit_of_client ON audit (client, at) WHERE client IS NOT NULL;
CREATE INDEX attempt_of_user ON attempt (user, at) WHERE user IS NOT NULL;
CREATE INDEX attempt_of_client ON attempt (network, at);

-- When users were last seen: apart from their rows, since it changes often and is no change of theirs.
CREATE TABLE activity (
    user INTEGER PRIMARY KEY REFERENCES user (number) ON DELETE CASCADE,
    realm BLOB NOT NULL,
    last_login INTEGER,
    last_use INTEGER, -- of a credential
    seen INTEGER NOT NULL -- the last of both, or of the creation
) STRICT;

INSERT INTO activity
SELECT u.number, u.realm, l.last, c.last, max(u.joined, coalesce(l.last, u.joined), coalesce(c.last, u.joined))
FROM user AS u
LEFT JOIN (SELECT user, max(at) AS last FROM attempt
    WHERE user IS NOT NULL AND (outcome = 'granted' OR outcome LIKE 'granted x %') GROUP BY user) AS l ON l.user = u.id
LEFT JOIN (SELECT user, max(last_used) AS last FROM credential
    WHERE last_used IS NOT NULL GROUP BY user) AS c ON c.user = u.number
ORDER BY u.number;

-- It ends with the number of the user.
CREATE INDEX activity_by_realm ON activity (realm, seen);

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

CREATE UNIQUE INDEX user_group_by_name ON user_group (realm, folded);

CREATE TABLE membership (
    user_group BLOB NOT NULL REFERENCES user_group (id) ON DELETE CASCADE,
    user BLOB NOT NULL REFERENCES user (id) ON DELETE CASCADE,
    PRIMARY KEY (user_group, user)
) STRICT, WITHOUT ROWID;

CREATE INDEX membership_of_user ON membership (user);

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

-- Of a directory, an admin key or a user of the operating system.
ALTER TABLE audit RENAME COLUMN actor_directory TO actor_name;
