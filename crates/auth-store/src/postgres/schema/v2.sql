-- Version 2: what every log-in asks of names and TOTP devices is answered by indexes alone. On a large store they can
-- be built beforehand, CONCURRENTLY and under these names; then this takes no time.

CREATE INDEX IF NOT EXISTS login_name_by_account ON login_name (account, position) INCLUDE (kind, exact, verified);
DROP INDEX IF EXISTS login_name_of_account;
-- Few have a TOTP device.
CREATE INDEX IF NOT EXISTS credential_totp ON credential (account) WHERE kind = 'totp';
