-- Version 8: imports remember what they have read, so that a later one finds what has changed.

-- No text of a record, only digests of it. A record whose user was deleted stays, so that no import brings the user back.
CREATE TABLE import_mark (
    source TEXT NOT NULL,
    key BLOB NOT NULL, -- of the record in its source
    user BLOB REFERENCES user (id) ON DELETE SET NULL,
    digest BLOB NOT NULL,
    fields BLOB NOT NULL,
    PRIMARY KEY (source, key)
) STRICT, WITHOUT ROWID;

CREATE INDEX import_mark_of_user ON import_mark (user) WHERE user IS NOT NULL;
