-- Version 5: bots know their owner, with whom they are deactivated; what may be used once is remembered.

-- The number of the owner at Zulip, in the same realm.
ALTER TABLE account ADD COLUMN bot_owner bigint;

CREATE INDEX account_by_bot_owner ON account (realm, bot_owner) WHERE bot_owner IS NOT NULL;

-- Digests of what was used up, until the moment at which it would have ended anyway.
CREATE TABLE spent (
    digest bytea PRIMARY KEY,
    until bigint NOT NULL
);

CREATE INDEX spent_by_time ON spent (until);
