-- Ids, hashes and keys are blobs of their exact length; positions and times are integers.
-- Nothing in here can be read without keys that the server never has, except who may do what.

CREATE TABLE account (
    user_id   BLOB    NOT NULL PRIMARY KEY CHECK (length(user_id) = 16),
    epoch     INTEGER NOT NULL,
    profile   INTEGER NOT NULL,
    salt      BLOB    NOT NULL CHECK (length(salt) = 16),
    login_pub BLOB    NOT NULL CHECK (length(login_pub) = 32),
    isk       BLOB    NOT NULL CHECK (length(isk) = 32),
    iek       BLOB    NOT NULL CHECK (length(iek) = 32),
    blob      BLOB    NOT NULL
) STRICT;

CREATE TABLE org (
    org_id BLOB NOT NULL PRIMARY KEY CHECK (length(org_id) = 32)
) STRICT, WITHOUT ROWID;

-- The organisation chain. The key is the compare-and-set: a position is taken once.
CREATE TABLE link (
    org_id BLOB    NOT NULL REFERENCES org (org_id),
    seq    INTEGER NOT NULL CHECK (seq >= 0),
    bytes  BLOB    NOT NULL,
    UNIQUE (org_id, seq)
) STRICT;

-- Present members and live tokens, repeated from the chain: principal is kind byte and id.
CREATE TABLE insider (
    principal BLOB NOT NULL CHECK (length(principal) = 17),
    org_id    BLOB NOT NULL REFERENCES org (org_id),
    PRIMARY KEY (principal, org_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE token_auth (
    token_id BLOB NOT NULL PRIMARY KEY CHECK (length(token_id) = 16),
    org_id   BLOB NOT NULL REFERENCES org (org_id),
    hash     BLOB NOT NULL CHECK (length(hash) = 32)
) STRICT, WITHOUT ROWID;

CREATE TABLE wrap (
    org_id    BLOB    NOT NULL REFERENCES org (org_id),
    recipient BLOB    NOT NULL CHECK (length(recipient) = 17),
    link      INTEGER NOT NULL,
    env_id    BLOB    NOT NULL CHECK (length(env_id) = 16),
    epoch     INTEGER NOT NULL,
    wrap      BLOB    NOT NULL CHECK (length(wrap) = 80),
    PRIMARY KEY (org_id, recipient, link)
) STRICT, WITHOUT ROWID;

CREATE TABLE previous_key (
    org_id BLOB    NOT NULL REFERENCES org (org_id),
    link   INTEGER NOT NULL,
    env_id BLOB    NOT NULL CHECK (length(env_id) = 16),
    epoch  INTEGER NOT NULL,
    sealed BLOB    NOT NULL,
    PRIMARY KEY (org_id, link)
) STRICT, WITHOUT ROWID;
CREATE INDEX previous_key_env ON previous_key (org_id, env_id, epoch);

CREATE TABLE env_commit (
    org_id BLOB    NOT NULL REFERENCES org (org_id),
    env_id BLOB    NOT NULL CHECK (length(env_id) = 16),
    seq    INTEGER NOT NULL CHECK (seq >= 1),
    head   BLOB    NOT NULL CHECK (length(head) = 32),
    bytes  BLOB    NOT NULL,
    UNIQUE (org_id, env_id, seq)
) STRICT;

-- A sealed field: staged (by, at) until a commit of env_id names it.
CREATE TABLE envelope (
    org_id    BLOB    NOT NULL REFERENCES org (org_id),
    hash      BLOB    NOT NULL CHECK (length(hash) = 32),
    env_id    BLOB    CHECK (length(env_id) = 16),
    staged_by BLOB    CHECK (length(staged_by) = 17),
    staged_ms INTEGER,
    bytes     BLOB    NOT NULL,
    UNIQUE (org_id, hash),
    CHECK ((env_id IS NULL) = (staged_by IS NOT NULL)),
    CHECK ((env_id IS NULL) = (staged_ms IS NOT NULL))
) STRICT;
CREATE INDEX envelope_staged ON envelope (staged_ms) WHERE staged_ms IS NOT NULL;
CREATE INDEX envelope_staged_by ON envelope (org_id, staged_by, length(bytes))
    WHERE staged_by IS NOT NULL;

-- Current items: change is the canonical encoding of what the newest commit said.
CREATE TABLE item (
    org_id    BLOB    NOT NULL REFERENCES org (org_id),
    env_id    BLOB    NOT NULL CHECK (length(env_id) = 16),
    secret_id BLOB    NOT NULL CHECK (length(secret_id) = 16),
    epoch     INTEGER NOT NULL,
    change    BLOB    NOT NULL,
    PRIMARY KEY (org_id, env_id, secret_id)
) STRICT, WITHOUT ROWID;

-- The audit log. Rows are only ever added; triggers refuse anything else.
CREATE TABLE event (
    org_id BLOB    NOT NULL REFERENCES org (org_id),
    idx    INTEGER NOT NULL CHECK (idx >= 0),
    bytes  BLOB    NOT NULL,
    UNIQUE (org_id, idx)
) STRICT;

CREATE TABLE tree_node (
    org_id BLOB    NOT NULL REFERENCES org (org_id),
    level  INTEGER NOT NULL,
    idx    INTEGER NOT NULL,
    hash   BLOB    NOT NULL CHECK (length(hash) = 32),
    PRIMARY KEY (org_id, level, idx)
) STRICT, WITHOUT ROWID;

CREATE TABLE checkpoint (
    org_id BLOB    NOT NULL REFERENCES org (org_id),
    size   INTEGER NOT NULL CHECK (size >= 1),
    note   TEXT    NOT NULL,
    UNIQUE (org_id, size)
) STRICT;

CREATE TABLE actor_head (
    org_id BLOB    NOT NULL REFERENCES org (org_id),
    actor  BLOB    NOT NULL CHECK (length(actor) = 17),
    device BLOB    NOT NULL CHECK (length(device) = 16),
    seq    INTEGER NOT NULL,
    hash   BLOB    NOT NULL CHECK (length(hash) = 32),
    PRIMARY KEY (org_id, actor, device)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER event_stays BEFORE UPDATE ON event BEGIN SELECT RAISE(ABORT, 'append only'); END;
CREATE TRIGGER event_remains BEFORE DELETE ON event BEGIN SELECT RAISE(ABORT, 'append only'); END;
CREATE TRIGGER node_stays BEFORE UPDATE ON tree_node BEGIN SELECT RAISE(ABORT, 'append only'); END;
CREATE TRIGGER node_remains BEFORE DELETE ON tree_node BEGIN SELECT RAISE(ABORT, 'append only'); END;
CREATE TRIGGER checkpoint_stays BEFORE UPDATE ON checkpoint BEGIN SELECT RAISE(ABORT, 'append only'); END;
CREATE TRIGGER checkpoint_remains BEFORE DELETE ON checkpoint BEGIN SELECT RAISE(ABORT, 'append only'); END;
CREATE TRIGGER link_stays BEFORE UPDATE ON link BEGIN SELECT RAISE(ABORT, 'append only'); END;
CREATE TRIGGER link_remains BEFORE DELETE ON link BEGIN SELECT RAISE(ABORT, 'append only'); END;
CREATE TRIGGER commit_stays BEFORE UPDATE ON env_commit BEGIN SELECT RAISE(ABORT, 'append only'); END;
CREATE TRIGGER commit_remains BEFORE DELETE ON env_commit BEGIN SELECT RAISE(ABORT, 'append only'); END;
