-- From the first format to the second.
ALTER TABLE account ADD COLUMN uid BLOB;
UPDATE account SET uid = randomblob(16);

CREATE TABLE quirk (
    account INTEGER NOT NULL REFERENCES account (id),
    name    TEXT NOT NULL,
    value   TEXT NOT NULL,
    since   INTEGER NOT NULL,
    PRIMARY KEY (account, name)
) STRICT, WITHOUT ROWID;
INSERT INTO quirk (account, name, value, since)
    SELECT account, 'capa', '2', coalesce(passed_at, 0) FROM facts WHERE without_capa <> 0;
INSERT INTO quirk (account, name, value, since)
    SELECT account, 'pipelining', CAST(broke_pipelining AS TEXT), coalesce(passed_at, 0)
    FROM facts WHERE broke_pipelining <> 0;
ALTER TABLE facts DROP COLUMN without_capa;
ALTER TABLE facts DROP COLUMN broke_pipelining;

CREATE TABLE marker (
    account INTEGER NOT NULL REFERENCES account (id),
    target  INTEGER NOT NULL REFERENCES target (id),
    token   BLOB,
    batch   INTEGER NOT NULL,
    seen    INTEGER,
    verdict TEXT,
    since   INTEGER,
    PRIMARY KEY (account, target)
) STRICT, WITHOUT ROWID;
INSERT INTO marker (account, target, batch, verdict)
    SELECT DISTINCT account, target, 0, 'unmarked' FROM copy JOIN target ON target.id = copy.target
    WHERE kind IN ('maildir', 'mbox');

ALTER TABLE message ADD COLUMN lines INTEGER;
ALTER TABLE message ADD COLUMN listed INTEGER;
ALTER TABLE message ADD COLUMN essence BLOB;
ALTER TABLE message ADD COLUMN doubt TEXT;
ALTER TABLE message ADD COLUMN checks INTEGER NOT NULL DEFAULT 0;
ALTER TABLE message ADD COLUMN checked INTEGER;
ALTER TABLE message ADD COLUMN failing INTEGER;
UPDATE message SET failing = changed_at WHERE attempts > 0;

ALTER TABLE copy ADD COLUMN batch INTEGER NOT NULL DEFAULT 0;
