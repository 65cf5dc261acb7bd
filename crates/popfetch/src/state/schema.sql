-- What tells this store from every other.
CREATE TABLE store (
    id BLOB NOT NULL
) STRICT;
INSERT INTO store (id) VALUES (randomblob(16));

CREATE TABLE account (
    id   INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE
) STRICT;

-- What is known of each account as a whole.
CREATE TABLE facts (
    account            INTEGER PRIMARY KEY REFERENCES account (id),
    begun_at           INTEGER,                     -- when it was listed first
    passed             INTEGER NOT NULL DEFAULT 0,  -- seconds of its own time
    passed_at          INTEGER,                     -- up to when they were counted
    without_capa       INTEGER NOT NULL DEFAULT 0,
    broke_pipelining   INTEGER NOT NULL DEFAULT 0   -- runs, one behind the other
) STRICT;

-- What messages are delivered to: a Maildir or an mbox by its absolute path, a command, an address.
CREATE TABLE target (
    id       INTEGER PRIMARY KEY,
    kind     TEXT NOT NULL,
    location BLOB NOT NULL,
    UNIQUE (kind, location)
) STRICT;

-- One row a message. The order of the key is the order in which a listing is compared with it.
CREATE TABLE message (
    account      INTEGER NOT NULL REFERENCES account (id),
    identity     BLOB NOT NULL,     -- 'U' and the unique-id, or 'H' and a digest of the headers
    occurrence   INTEGER NOT NULL,  -- from 1, among those that share the identity
    state        TEXT NOT NULL
        -- Not IN: for that, SQLite would fill a table at each change.
        CHECK (state = 'storing' OR state = 'stored' OR state = 'deleting' OR state = 'gone'
            OR state = 'pending' OR state = 'quarantined' OR state = 'skipped'
            OR state = 'rejected'),
    sha256       BLOB,              -- of the message as received
    header       BLOB,              -- SHA-256 of its header, line ends apart
    octets       INTEGER,           -- as received
    excerpt      INTEGER NOT NULL DEFAULT 0,  -- whether only the header is stored
    attempts     INTEGER NOT NULL DEFAULT 0,
    reason       TEXT,              -- why the last attempt failed
    changed_at   INTEGER NOT NULL,  -- when `state` took its value; seconds since 1970
    stored_at    INTEGER,
    stored_after INTEGER,           -- the account's own time by then
    unseen_since INTEGER,           -- when a listing first lacked it
    PRIMARY KEY (account, identity, occurrence)
) STRICT, WITHOUT ROWID;

CREATE INDEX message_storing ON message (account) WHERE state = 'storing';

-- Where the copies of a message are.
CREATE TABLE copy (
    account    INTEGER NOT NULL,
    identity   BLOB NOT NULL,
    occurrence INTEGER NOT NULL,
    target     INTEGER NOT NULL REFERENCES target (id),
    place      BLOB NOT NULL,       -- in a Maildir the file name; in an mbox offset, length, SHA-256
    delivered  INTEGER NOT NULL,    -- 1 once it is known to be there though the message is not stored
    PRIMARY KEY (account, identity, occurrence, target),
    FOREIGN KEY (account, identity, occurrence) REFERENCES message
        ON UPDATE CASCADE ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

CREATE INDEX copy_delivered ON copy (account) WHERE delivered = 1;
