-- Version 7: what administration asks for: pages of both logs by user and by client.

-- Each index ends with the number of the row.
CREATE INDEX audit_of_user ON audit (user, at) WHERE user IS NOT NULL;
CREATE INDEX audit_of_actor ON audit (actor_user, at) WHERE actor_user IS NOT NULL;
CREATE INDEX audit_of_client ON audit (client, at) WHERE client IS NOT NULL;
CREATE INDEX attempt_of_user ON attempt (user, at) WHERE user IS NOT NULL;
CREATE INDEX attempt_of_client ON attempt (network, at);
