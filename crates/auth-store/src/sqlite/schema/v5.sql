-- Version 5: bots know their owner, with whom they are deactivated; what may be used once is remembered.

-- The number of the owner at Zulip, in the same realm.
ALTER TABLE user ADD COLUMN bot_owner INTEGER;

CREATE INDEX user_by_bot_owner ON user (realm, bot_owner) WHERE bot_owner IS NOT NULL;

-- Digests of what was used up, until the moment at which it would have ended anyway.
CREATE TABLE spent (
    digest BLOB PRIMARY KEY,
    until INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX spent_by_time ON spent (until);
