-- Version 7: what administration asks for: pages of both logs by user and by client, when users were last seen, limits that can
-- be seen and lifted, bans of networks, groups, and keys
-- for administration.

CREATE INDEX audit_of_account ON audit (account, at, id) WHERE account IS NOT NULL;
CREATE INDEX audit_of_actor ON audit (actor_account, at, id) WHERE actor_account IS NOT NULL;
CREATE INDEX audit_of_client ON audit (client, at, id) WHERE client IS NOT NULL;
CREATE INDEX attempt_of_account ON attempt (account, at, id) WHERE account IS NOT NULL;
CREATE INDEX attempt_of_client ON attempt (network, at, id);

-- When users were last seen: apart from their rows, since it changes often and is no change of theirs.
CREATE TABLE activity (
    account bytea PRIMARY KEY REFERENCES account (id) ON DELETE CASCADE,
    realm bytea NOT NULL,
    last_login bigint,
    last_use bigint, -- of a credential
    seen bigint NOT NULL -- the last of both, or of the creation
);

INSERT INTO activity (account, realm, last_login, last_use, seen)
SELECT u.id, u.realm, l.last, c.last, greatest(u.joined, l.last, c.last)
FROM account AS u
LEFT JOIN (SELECT account, max(at) AS last FROM attempt
    WHERE account IS NOT NULL AND (outcome = 'granted' OR outcome LIKE 'granted x %') GROUP BY account) AS l
    ON l.account = u.id
LEFT JOIN (SELECT account, max(last_used) AS last FROM credential
    WHERE last_used IS NOT NULL GROUP BY account) AS c ON c.account = u.id;

CREATE INDEX activity_by_realm ON activity (realm, seen, account);

-- What a limit counts, for people to read, and what fills it: so many tries in so many milliseconds.
ALTER TABLE tried ADD COLUMN label text NOT NULL DEFAULT '';
ALTER TABLE tried ADD COLUMN account bytea;
ALTER TABLE tried ADD COLUMN most bigint;
ALTER TABLE tried ADD COLUMN span bigint;
-- Until when it lets nothing through, if that is not over. The tries are in the order of time.
ALTER TABLE tried ADD COLUMN full_until bigint GENERATED ALWAYS AS (
    CASE WHEN most > 0 AND cardinality(tries) >= most THEN tries[(cardinality(tries) - most + 1)::int] + span END
) STORED;

CREATE INDEX tried_by_end ON tried (full_until, key) WHERE full_until IS NOT NULL;
CREATE INDEX tried_of_account ON tried (account) WHERE account IS NOT NULL;

CREATE TABLE network_rule (
    network text COLLATE "C" PRIMARY KEY, -- in CIDR form
    kind text NOT NULL, -- ban or allow
    until bigint,
    made bigint NOT NULL,
    note text NOT NULL
);

CREATE TABLE user_group (
    id bytea PRIMARY KEY,
    realm bytea NOT NULL REFERENCES realm (id) ON DELETE CASCADE,
    name text NOT NULL,
    folded text COLLATE "C" NOT NULL,
    directory text, -- where it comes from
    entry text,
    made bigint NOT NULL
);

CREATE UNIQUE INDEX user_group_by_name ON user_group (realm, folded);

CREATE TABLE membership (
    user_group bytea NOT NULL REFERENCES user_group (id) ON DELETE CASCADE,
    account bytea NOT NULL REFERENCES account (id) ON DELETE CASCADE,
    PRIMARY KEY (user_group, account)
);

CREATE INDEX membership_of_account ON membership (account, user_group);

CREATE TABLE admin_key (
    id bytea PRIMARY KEY,
    name text COLLATE "C" NOT NULL,
    digest bytea NOT NULL,
    scope text NOT NULL,
    realm bytea REFERENCES realm (id) ON DELETE CASCADE, -- none is all
    made bigint NOT NULL,
    ends bigint,
    last_used bigint,
    CONSTRAINT admin_key_by_name UNIQUE (name),
    CONSTRAINT admin_key_by_digest UNIQUE (digest)
);

-- Of a directory, an admin key or a user of the operating system.
ALTER TABLE audit RENAME COLUMN actor_directory TO actor_name;
