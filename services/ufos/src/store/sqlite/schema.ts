import type { Migration } from '@orrery/storage'

export const migrations: readonly Migration[] = [
  {
    version: 1,
    name: 'counts',
    sql: `
      -- The secret that accounts are hashed with; the highest number given to a sample.
      CREATE TABLE store (
        id INTEGER PRIMARY KEY CHECK (id = 1),
        secret BLOB NOT NULL,
        started_us INTEGER NOT NULL,
        seq INTEGER NOT NULL
      ) STRICT;

      CREATE TABLE collection (
        id INTEGER PRIMARY KEY,
        nsid TEXT NOT NULL UNIQUE,
        first_us INTEGER,
        last_us INTEGER
      ) STRICT;
      -- No NSIDs: everything together, and the collections beyond the largest number of them.
      INSERT INTO collection (id, nsid) VALUES (0, '(all)'), (1, '(other)');

      -- Of a collection in an hour, quarter, day or week (0 to 3; by its number since 1970) or ever (4; 0).
      CREATE TABLE cell (
        collection INTEGER NOT NULL,
        level INTEGER NOT NULL,
        number INTEGER NOT NULL,
        creates INTEGER NOT NULL,
        updates INTEGER NOT NULL,
        deletes INTEGER NOT NULL,
        dids INTEGER NOT NULL,
        sketch BLOB NOT NULL,
        PRIMARY KEY (collection, level, number)
      ) STRICT, WITHOUT ROWID;

      -- The counts of all cells of an hour, day or week, side by side.
      CREATE TABLE tally (
        level INTEGER NOT NULL,
        number INTEGER NOT NULL,
        counts BLOB NOT NULL,
        PRIMARY KEY (level, number)
      ) STRICT, WITHOUT ROWID;

      -- What was counted since cells and tallies were last written, batch by batch.
      CREATE TABLE journal (id INTEGER PRIMARY KEY, deltas BLOB NOT NULL) STRICT;

      CREATE TABLE sample (
        collection INTEGER NOT NULL,
        time_us INTEGER NOT NULL,
        seq INTEGER NOT NULL,
        element INTEGER NOT NULL,
        did TEXT NOT NULL,
        rkey TEXT NOT NULL,
        rev TEXT NOT NULL,
        cid TEXT NOT NULL,
        is_update INTEGER NOT NULL,
        json BLOB NOT NULL,
        PRIMARY KEY (collection, time_us, seq)
      ) STRICT, WITHOUT ROWID;
      -- The account as its hash. Beside its collection, and not by account over all: so few pages change with a batch.
      CREATE UNIQUE INDEX sample_by_key ON sample (collection, element, rkey);

      -- Accounts whose samples up to a number are none any more, and are still to be removed.
      CREATE TABLE removal (element INTEGER PRIMARY KEY, seq INTEGER NOT NULL) STRICT;
    `,
  },
]
