-- Version 8: imports remember what they have read, so that a later one finds what has changed.

-- No text of a record, only digests of it. A record whose account was deleted stays, so that no import brings it back.
CREATE TABLE import_mark (
    source text COLLATE "C" NOT NULL,
    key bytea NOT NULL, -- of the record in its source
    account bytea REFERENCES account (id) ON DELETE SET NULL,
    digest bytea NOT NULL,
    fields bytea NOT NULL,
    PRIMARY KEY (source, key)
);

CREATE INDEX import_mark_of_account ON import_mark (account) WHERE account IS NOT NULL;
