-- Version 5: bots know their owner, with whom they are deactivated.

-- The number of the owner at Zulip, in the same realm.
ALTER TABLE account ADD COLUMN bot_owner bigint;

CREATE INDEX account_by_bot_owner ON account (realm, bot_owner) WHERE bot_owner IS NOT NULL;
