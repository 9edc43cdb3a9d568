-- Version 3: ids and roles of protocols beside the first three, and users who have no id in one of those.

ALTER TABLE account
    ALTER COLUMN zulip DROP NOT NULL,
    ALTER COLUMN rocketchat DROP NOT NULL,
    ALTER COLUMN zettelstore DROP NOT NULL,
    -- JSON: {"ids": {protocol: number or text}, "roles": {protocol: list}}. NULL for nearly all users.
    ADD COLUMN external text;

-- The ids of `account.external` once more, by which they are found and kept unique.
CREATE TABLE external_id (
    account bytea NOT NULL REFERENCES account (id) ON DELETE CASCADE,
    protocol text COLLATE "C" NOT NULL,
    realm bytea NOT NULL,
    number bigint, -- 64 bits without a sign
    text text COLLATE "C",
    PRIMARY KEY (account, protocol),
    CONSTRAINT external_id_has_one_form CHECK ((number IS NULL) <> (text IS NULL))
);

CREATE UNIQUE INDEX external_id_by_number ON external_id (realm, protocol, number) WHERE number IS NOT NULL;
CREATE UNIQUE INDEX external_id_by_text ON external_id (realm, protocol, text) WHERE text IS NOT NULL;
