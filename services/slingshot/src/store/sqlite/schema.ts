import type { Migration } from '@orrery/storage'

export const migrations: readonly Migration[] = [
  {
    version: 1,
    name: 'records',
    sql: `
      CREATE TABLE account (
        id INTEGER PRIMARY KEY,
        did TEXT NOT NULL UNIQUE,
        rev TEXT NOT NULL DEFAULT '',
        as_of_us INTEGER NOT NULL DEFAULT 0,
        status TEXT,
        status_seq INTEGER NOT NULL DEFAULT 0,
        trusted_from INTEGER NOT NULL DEFAULT 0
      ) STRICT;

      -- In the order in which they came, so that letting go of the oldest is cutting off one end. No cid: deleted.
      CREATE TABLE record (
        seq INTEGER PRIMARY KEY,
        account INTEGER NOT NULL,
        path TEXT NOT NULL,
        size INTEGER NOT NULL,
        verified INTEGER NOT NULL,
        cid TEXT,
        json BLOB
      ) STRICT;
      CREATE UNIQUE INDEX record_by_path ON record (account, path);

      -- Deleted accounts, and up to where their records are to go.
      CREATE TABLE leaving (account INTEGER PRIMARY KEY, before_seq INTEGER NOT NULL) STRICT;

      CREATE TABLE totals (
        id INTEGER PRIMARY KEY CHECK (id = 1),
        seq INTEGER NOT NULL,
        trusted_from INTEGER NOT NULL,
        records INTEGER NOT NULL,
        bytes INTEGER NOT NULL,
        evicted INTEGER NOT NULL
      ) STRICT;
      INSERT INTO totals VALUES (1, 0, 0, 0, 0, 0);
    `,
  },
]
