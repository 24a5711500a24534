-- Where an owner signed that the oldest entries of an audit log need not be kept, they may go: those
-- before `size`, and no other. Their tree nodes and all checkpoints stay.

CREATE TABLE retired (
    org_id BLOB    NOT NULL PRIMARY KEY REFERENCES org (org_id),
    size   INTEGER NOT NULL CHECK (size >= 1)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER retired_rises BEFORE UPDATE ON retired
WHEN NEW.size < OLD.size OR NEW.org_id <> OLD.org_id
BEGIN SELECT RAISE(ABORT, 'append only'); END;
CREATE TRIGGER retired_remains BEFORE DELETE ON retired BEGIN SELECT RAISE(ABORT, 'append only'); END;

DROP TRIGGER event_remains;
CREATE TRIGGER event_remains BEFORE DELETE ON event
WHEN OLD.idx >= coalesce((SELECT size FROM retired WHERE org_id = OLD.org_id), 0)
BEGIN SELECT RAISE(ABORT, 'append only'); END;
