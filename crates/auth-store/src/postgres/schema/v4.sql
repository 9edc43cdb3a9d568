-- Version 4: a credential may come from another, with which it ends, and no row holds what a client may present.

ALTER TABLE credential
    ADD COLUMN parent bytea REFERENCES credential (id) ON DELETE CASCADE,
    -- Whether the secret is taken in the clear alone, and never by a digest of it.
    ADD COLUMN clear_only boolean NOT NULL DEFAULT false;

CREATE INDEX credential_of_parent ON credential (parent) WHERE parent IS NOT NULL;

-- Clients may present SHA-256 of an app password. The store keeps a digest of that from now on; what older copies of the
-- store hold is taken no more.
UPDATE credential SET digest = sha256('auth-server app password'::bytea || digest), clear_only = true
WHERE kind = 'app-password' AND digest IS NOT NULL;

-- The audit log. No row refers to another table: what it names may be gone.
CREATE TABLE audit (
    at bigint NOT NULL,
    id bigint NOT NULL GENERATED ALWAYS AS IDENTITY,
    actor text NOT NULL,
    actor_account bytea,
    actor_directory text,
    act text NOT NULL,
    realm bytea,
    account bytea,
    detail text NOT NULL,
    client text,
    protocol text,
    request text NOT NULL,
    PRIMARY KEY (at, id)
);
