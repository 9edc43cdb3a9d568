-- Version 4: a credential may come from another, with which it ends, and no row holds what a client may present.

ALTER TABLE credential ADD COLUMN parent INTEGER REFERENCES credential (number) ON DELETE CASCADE;
-- Whether the secret is taken in the clear alone, and never by a digest of it.
ALTER TABLE credential ADD COLUMN clear_only INTEGER NOT NULL DEFAULT 0;

CREATE INDEX credential_of_parent ON credential (parent) WHERE parent IS NOT NULL;

-- Clients may present SHA-256 of an app password. The store keeps a digest of that from now on; what older copies of the
-- store hold is taken no more. `sha256` is a function of this program, over the bytes of all its arguments.
UPDATE credential SET digest = sha256('auth-server app password', digest), clear_only = 1
WHERE kind = 'app-password' AND digest IS NOT NULL;

-- The audit log. No row refers to another table: what it names may be gone.
CREATE TABLE audit (
    number INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    actor TEXT NOT NULL,
    actor_user BLOB,
    actor_directory TEXT,
    act TEXT NOT NULL,
    realm BLOB,
    user BLOB,
    detail TEXT NOT NULL,
    client TEXT,
    protocol TEXT,
    request TEXT NOT NULL
) STRICT;

CREATE INDEX audit_by_time ON audit (at);
