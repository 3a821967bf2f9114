import type { Migration } from '@orrery/storage'

/** The file in the data folder that holds everything: the log, what records link to, upstream's progress. */
export const fileName = 'links.sqlite'

export const migrations: readonly Migration[] = [
  {
    version: 1,
    name: 'links',
    sql: `
      -- The sealed part of the log: what no event can change any more.
      CREATE TABLE blocks (
        last_us INTEGER PRIMARY KEY,
        first_us INTEGER NOT NULL,
        texts BLOB NOT NULL,
        numbers BLOB NOT NULL
      ) STRICT;

      -- The rest of it, a row for each commit.
      CREATE TABLE tail (
        last_us INTEGER PRIMARY KEY,
        entries INTEGER NOT NULL,
        texts BLOB NOT NULL,
        numbers BLOB NOT NULL
      ) STRICT;

      -- Entries of the tail that were undone while they were held: the delayed stream never shows them.
      CREATE TABLE undone (
        first_us INTEGER PRIMARY KEY,
        last_us INTEGER NOT NULL
      ) STRICT;

      CREATE TABLE clock (
        id INTEGER PRIMARY KEY CHECK (id = 1),
        last_us INTEGER NOT NULL
      ) STRICT;

      -- The newest version of each record that links, by its place in the log.
      CREATE TABLE records (
        at_us INTEGER PRIMARY KEY,
        key INTEGER NOT NULL,
        did TEXT NOT NULL,
        path TEXT NOT NULL,
        entries INTEGER NOT NULL,
        links TEXT,
        base TEXT
      ) STRICT;
      CREATE INDEX records_key ON records (key);
      CREATE INDEX records_empty ON records (at_us) WHERE links IS NULL;

      -- Deleted accounts whose records' links are still to be told as gone.
      CREATE TABLE leaving (
        did TEXT PRIMARY KEY,
        before_us INTEGER NOT NULL
      ) STRICT, WITHOUT ROWID;
    `,
  },
  {
    version: 2,
    name: 'bodies',
    sql: `
      -- Records, those of a commit together, by the last of their entries in the log.
      CREATE TABLE bodies (
        last_us INTEGER PRIMARY KEY,
        texts BLOB NOT NULL
      ) STRICT;
    `,
  },
  {
    version: 3,
    name: 'runs',
    sql: `
      -- By time, where a record's key has one: see record_key.
      DROP INDEX records_key;
      UPDATE records SET key = record_key(did, path);
      CREATE INDEX records_key ON records (key);

      -- Where the records of an account lie, in runs that were each written at one go.
      CREATE TABLE account_runs (
        id INTEGER PRIMARY KEY,
        last_us INTEGER NOT NULL
      ) STRICT;
      CREATE TABLE account_records (
        run INTEGER NOT NULL,
        account INTEGER NOT NULL,
        at_us INTEGER NOT NULL,
        PRIMARY KEY (run, account, at_us)
      ) STRICT, WITHOUT ROWID;
    `,
  },
]
