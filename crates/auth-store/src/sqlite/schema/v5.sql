-- Version 5: bots know their owner, with whom they are deactivated.

-- The number of the owner at Zulip, in the same realm.
ALTER TABLE user ADD COLUMN bot_owner INTEGER;

CREATE INDEX user_by_bot_owner ON user (realm, bot_owner) WHERE bot_owner IS NOT NULL;
