-- Version 6: credentials know where they were made, accounts their language, and realms whether they demand a second factor.

-- The client key, and the name that the program gave itself.
ALTER TABLE credential ADD COLUMN client text;
ALTER TABLE credential ADD COLUMN agent text;

-- A tag, such as `de`.
ALTER TABLE account ADD COLUMN language text;

ALTER TABLE realm ADD COLUMN require_second_factor boolean NOT NULL DEFAULT false;
