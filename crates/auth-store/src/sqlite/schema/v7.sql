-- Version 7: what administration asks for: pages of both logs by user and by client, and when users were last seen.

-- Each index ends with the number of the row.
CREATE INDEX audit_of_user ON audit (user, at) WHERE user IS NOT NULL;
CREATE INDEX audit_of_actor ON audit (actor_user, at) WHERE actor_user IS NOT NULL;
CREATE INDEX audit_of_client ON audit (client, at) WHERE client IS NOT NULL;
CREATE INDEX attempt_of_user ON attempt (user, at) WHERE user IS NOT NULL;
CREATE INDEX attempt_of_client ON attempt (network, at);

-- When users were last seen: apart from their rows, since it changes often and is no change of theirs.
CREATE TABLE activity (
    user INTEGER PRIMARY KEY REFERENCES user (number) ON DELETE CASCADE,
    realm BLOB NOT NULL,
    last_login INTEGER,
    last_use INTEGER, -- of a credential
    seen INTEGER NOT NULL -- the last of both, or of the creation
) STRICT;

INSERT INTO activity
SELECT u.number, u.realm, l.last, c.last, max(u.joined, coalesce(l.last, u.joined), coalesce(c.last, u.joined))
FROM user AS u
LEFT JOIN (SELECT user, max(at) AS last FROM attempt
    WHERE user IS NOT NULL AND (outcome = 'granted' OR outcome LIKE 'granted x %') GROUP BY user) AS l ON l.user = u.id
LEFT JOIN (SELECT user, max(last_used) AS last FROM credential
    WHERE last_used IS NOT NULL GROUP BY user) AS c ON c.user = u.number
ORDER BY u.number;

-- It ends with the number of the user.
CREATE INDEX activity_by_realm ON activity (realm, seen);
