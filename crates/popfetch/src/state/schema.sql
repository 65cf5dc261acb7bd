-- What tells this store from every other.
CREATE TABLE store (
    id BLOB NOT NULL
) STRICT;
INSERT INTO store (id) VALUES (randomblob(16));

CREATE TABLE account (
    id   INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,      -- its maildrop, which may move to another host
    uid  BLOB                       -- 16 random octets: what file names and markers know it by
) STRICT;

-- What is known of each account as a whole.
CREATE TABLE facts (
    account            INTEGER PRIMARY KEY REFERENCES account (id),
    begun_at           INTEGER,                     -- when it was listed first
    passed             INTEGER NOT NULL DEFAULT 0,  -- seconds of its own time
    passed_at          INTEGER                      -- up to when they were counted
) STRICT;

-- What the server of an account turned out to do.
CREATE TABLE quirk (
    account INTEGER NOT NULL REFERENCES account (id),
    name    TEXT NOT NULL,
    value   TEXT NOT NULL,          -- its form depends on the name
    since   INTEGER NOT NULL,       -- when it took this value
    PRIMARY KEY (account, name)
) STRICT, WITHOUT ROWID;

-- What messages are delivered to: a Maildir or an mbox by its absolute path, a command, an address.
CREATE TABLE target (
    id       INTEGER PRIMARY KEY,
    kind     TEXT NOT NULL,
    location BLOB NOT NULL,
    UNIQUE (kind, location)
) STRICT;

-- What shows that a target is still the one that an account was delivered to.
CREATE TABLE marker (
    account INTEGER NOT NULL REFERENCES account (id),
    target  INTEGER NOT NULL REFERENCES target (id),
    token   BLOB,                   -- what the marker in the target says; null where none can be
    batch   INTEGER NOT NULL,       -- the last batch that was begun
    seen    INTEGER,                -- when the target was changed last, by its own times; nanoseconds
    verdict TEXT,                   -- what is to be done about it before it is used
    since   INTEGER,                -- since when
    PRIMARY KEY (account, target)
) STRICT, WITHOUT ROWID;

-- One row a message. The order of the key is the order in which a listing is compared with it.
CREATE TABLE message (
    account      INTEGER NOT NULL REFERENCES account (id),
    identity     BLOB NOT NULL,     -- 'U' and the unique-id, 'H' and a digest of the headers, or
                                    -- 'C' and the SHA-256 of the content
    occurrence   INTEGER NOT NULL,  -- from 1, among those that share the identity
    state        TEXT NOT NULL
        -- Not IN: for that, SQLite would fill a table at each change.
        CHECK (state = 'storing' OR state = 'stored' OR state = 'deleting' OR state = 'gone'
            OR state = 'pending' OR state = 'quarantined' OR state = 'skipped'
            OR state = 'rejected'),
    sha256       BLOB,              -- of the message as received
    header       BLOB,              -- SHA-256 of its header, line ends apart
    octets       INTEGER,           -- as received
    lines        INTEGER,           -- line ends, as received
    listed       INTEGER,           -- the octets that LIST told when it was fetched last
    essence      BLOB,              -- what no server changes, where it has a Message-ID
    doubt        TEXT,              -- why its content is not believed; null once it is
    checks       INTEGER NOT NULL DEFAULT 0,  -- how often it was fetched again since, and was equal
    checked      INTEGER,           -- when that was last, in the account's own time
    excerpt      INTEGER NOT NULL DEFAULT 0,  -- whether only the header is stored
    attempts     INTEGER NOT NULL DEFAULT 0,
    reason       TEXT,              -- why the last attempt failed, or why it waits
    failing      INTEGER,           -- when the first of these attempts failed; where none counted,
                                    -- since when it cannot be delivered
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
    batch      INTEGER NOT NULL DEFAULT 0,  -- the batch that it came in; see marker
    PRIMARY KEY (account, identity, occurrence, target),
    FOREIGN KEY (account, identity, occurrence) REFERENCES message
        ON UPDATE CASCADE ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

CREATE INDEX copy_delivered ON copy (account) WHERE delivered = 1;
