-- Version 1.
--
-- Identifiers are 16 random bytes, so that no node asks another for one and no index has a hot end; moments are
-- milliseconds since 1970. No sequences, no extensions, no triggers, no functions of our own.

CREATE TABLE meta (
    name text PRIMARY KEY,
    value bytea NOT NULL
);

CREATE TABLE realm (
    id bytea PRIMARY KEY,
    slug text COLLATE "C" NOT NULL,
    subdomain text,
    name text NOT NULL,
    icon text NOT NULL,
    description text NOT NULL,
    active boolean NOT NULL,
    password_login boolean NOT NULL,
    digest_logins boolean NOT NULL,
    min_length bigint,
    min_guesses bigint, -- 64 bits without a sign
    backends text NOT NULL, -- JSON list
    CONSTRAINT realm_by_slug UNIQUE (slug),
    CONSTRAINT realm_by_subdomain UNIQUE (subdomain)
);

CREATE TABLE account (
    id bytea PRIMARY KEY,
    realm bytea NOT NULL REFERENCES realm (id),
    full_name text NOT NULL,
    role text NOT NULL,
    bot text,
    active boolean NOT NULL,
    joined bigint NOT NULL,
    valid_from bigint NOT NULL,
    email_second_factor boolean NOT NULL,
    must_change_password boolean NOT NULL,
    zulip bigint NOT NULL,
    rocketchat text COLLATE "C" NOT NULL,
    rocketchat_roles text, -- JSON list
    zettelstore bigint NOT NULL, -- 64 bits without a sign
    zettelstore_role text,
    version bigint NOT NULL, -- 64 bits without a sign
    password text
);

CREATE UNIQUE INDEX account_by_realm ON account (realm, id);
CREATE UNIQUE INDEX account_by_zulip ON account (realm, zulip);
CREATE UNIQUE INDEX account_by_rocketchat ON account (realm, rocketchat);
CREATE UNIQUE INDEX account_by_zettelstore ON account (realm, zettelstore);

-- One key serves every look-up: in a realm, and across realms by kind and folded form alone.
CREATE TABLE login_name (
    kind smallint NOT NULL,
    folded text COLLATE "C" NOT NULL,
    realm bytea NOT NULL,
    exact text COLLATE "C" NOT NULL,
    account bytea NOT NULL REFERENCES account (id) ON DELETE CASCADE,
    position smallint NOT NULL, -- among the names of the account
    verified boolean NOT NULL,
    PRIMARY KEY (kind, folded, realm, exact)
);

CREATE INDEX login_name_of_account ON login_name (account, position);

CREATE TABLE credential (
    id bytea PRIMARY KEY,
    account bytea NOT NULL REFERENCES account (id) ON DELETE CASCADE,
    kind text COLLATE "C" NOT NULL,
    digest bytea,
    sealed bytea,
    doors text NOT NULL, -- names with spaces between
    bypass_second_factor boolean NOT NULL,
    label text,
    created bigint NOT NULL,
    expires bigint,
    last_used bigint,
    counter bigint NOT NULL
);

CREATE UNIQUE INDEX credential_by_digest ON credential (digest, kind) WHERE digest IS NOT NULL;
CREATE UNIQUE INDEX credential_by_label ON credential (account, kind, label) WHERE label IS NOT NULL;
CREATE INDEX credential_of_account ON credential (account, kind, created, id);
CREATE INDEX credential_by_end ON credential (expires) WHERE expires IS NOT NULL;

CREATE TABLE attempt (
    at bigint NOT NULL,
    id uuid NOT NULL DEFAULT gen_random_uuid(),
    door text NOT NULL,
    realm bytea NOT NULL,
    account bytea, -- may be gone already
    name text NOT NULL,
    network text NOT NULL,
    outcome text NOT NULL,
    PRIMARY KEY (at, id)
);

CREATE TABLE mail (
    id bytea PRIMARY KEY,
    recipient text NOT NULL,
    subject text NOT NULL,
    body bytea NOT NULL,
    due bigint NOT NULL,
    failures bigint NOT NULL
);

CREATE INDEX mail_by_due ON mail (due, id);

-- The tries that a limit counts, by a digest of whom it counts; the newest of them is `last`.
CREATE TABLE tried (
    key bytea PRIMARY KEY,
    tries bigint[] NOT NULL,
    last bigint NOT NULL
);

CREATE INDEX tried_by_last ON tried (last);
