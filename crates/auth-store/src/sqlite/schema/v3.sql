-- Version 3: ids and roles of protocols beside the first three, and users who have no id in one of those.

ALTER TABLE user ALTER COLUMN zulip DROP NOT NULL;
ALTER TABLE user ALTER COLUMN rocketchat DROP NOT NULL;
ALTER TABLE user ALTER COLUMN zettelstore DROP NOT NULL;
-- JSON: {"ids": {protocol: number or text}, "roles": {protocol: list}}. NULL for nearly all users.
ALTER TABLE user ADD COLUMN external TEXT;

-- The ids of `user.external` once more, by which they are found and kept unique.
CREATE TABLE external_id (
    user INTEGER NOT NULL REFERENCES user (number) ON DELETE CASCADE,
    protocol TEXT NOT NULL,
    realm BLOB NOT NULL,
    number INTEGER, -- 64 bits without a sign
    text TEXT,
    PRIMARY KEY (user, protocol),
    CHECK ((number IS NULL) <> (text IS NULL))
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX external_id_by_number ON external_id (realm, protocol, number) WHERE number IS NOT NULL;
CREATE UNIQUE INDEX external_id_by_text ON external_id (realm, protocol, text) WHERE text IS NOT NULL;
