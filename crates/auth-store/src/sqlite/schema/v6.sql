-- Version 6: credentials know where they were made, accounts their language, and realms whether they demand a second factor.

-- The client key, and the name that the program gave itself.
ALTER TABLE credential ADD COLUMN client TEXT;
ALTER TABLE credential ADD COLUMN agent TEXT;

-- A tag, such as `de`.
ALTER TABLE user ADD COLUMN language TEXT;

ALTER TABLE realm ADD COLUMN require_second_factor INTEGER NOT NULL DEFAULT 0;
