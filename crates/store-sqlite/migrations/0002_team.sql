-- How people come in: invitations, those who ask to join with them, and identities of issuers.

CREATE TABLE invite_auth (
    invite_id BLOB    NOT NULL PRIMARY KEY CHECK (length(invite_id) = 16),
    org_id    BLOB    NOT NULL REFERENCES org (org_id),
    hash      BLOB    NOT NULL CHECK (length(hash) = 32),
    spent     INTEGER NOT NULL DEFAULT 0 CHECK (spent IN (0, 1))
) STRICT, WITHOUT ROWID;

CREATE TABLE pending_join (
    org_id    BLOB    NOT NULL REFERENCES org (org_id),
    invite_id BLOB    NOT NULL REFERENCES invite_auth (invite_id),
    user_id   BLOB    NOT NULL CHECK (length(user_id) = 16),
    isk       BLOB    NOT NULL CHECK (length(isk) = 32),
    iek       BLOB    NOT NULL CHECK (length(iek) = 32),
    pop       BLOB    NOT NULL CHECK (length(pop) = 64),
    mac       BLOB    NOT NULL CHECK (length(mac) = 32),
    reset     INTEGER NOT NULL CHECK (reset IN (0, 1)),
    time_ms   INTEGER NOT NULL,
    PRIMARY KEY (org_id, invite_id, user_id)
) STRICT, WITHOUT ROWID;

-- Identity is issuer and subject together, compared byte by byte.
CREATE TABLE identity (
    issuer  TEXT NOT NULL,
    subject TEXT NOT NULL,
    user_id BLOB NOT NULL REFERENCES account (user_id),
    PRIMARY KEY (issuer, subject)
) STRICT, WITHOUT ROWID;
CREATE INDEX identity_user ON identity (user_id);
