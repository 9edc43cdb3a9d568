-- Version 7: what administration asks for: pages of both logs by user and by client.

CREATE INDEX audit_of_account ON audit (account, at, id) WHERE account IS NOT NULL;
CREATE INDEX audit_of_actor ON audit (actor_account, at, id) WHERE actor_account IS NOT NULL;
CREATE INDEX audit_of_client ON audit (client, at, id) WHERE client IS NOT NULL;
CREATE INDEX attempt_of_account ON attempt (account, at, id) WHERE account IS NOT NULL;
CREATE INDEX attempt_of_client ON attempt (network, at, id);
