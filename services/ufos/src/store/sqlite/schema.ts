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
  {
    version: 2,
    name: 'cells by one key',
    // In a table without rowids SQLite reads all of a row to compare its key, and rows are spread over all of the tree: ten
    // reads of the file where two are enough.
    sql: `
      -- Keys are (collection × 8 + level) × 2^21 + number.
      CREATE TABLE new_cell (
        key INTEGER PRIMARY KEY,
        creates INTEGER NOT NULL,
        updates INTEGER NOT NULL,
        deletes INTEGER NOT NULL,
        dids INTEGER NOT NULL,
        sketch BLOB NOT NULL
      ) STRICT;
      INSERT INTO new_cell
        SELECT ((collection * 8 + level) << 21) + number, creates, updates, deletes, dids, sketch
        FROM cell ORDER BY collection, level, number;
      DROP TABLE cell;
      ALTER TABLE new_cell RENAME TO cell;

      -- Keys are level × 2^21 + number.
      CREATE TABLE new_tally (key INTEGER PRIMARY KEY, counts BLOB NOT NULL) STRICT;
      INSERT INTO new_tally SELECT (level << 21) + number, counts FROM tally ORDER BY level, number;
      DROP TABLE tally;
      ALTER TABLE new_tally RENAME TO tally;
    `,
  },
  {
    version: 3,
    name: 'totals of samples',
    sql: `
      -- How many samples each collection has, and what they take: their JSON and 200 bytes each. None is older.
      CREATE TABLE sample_total (
        collection INTEGER PRIMARY KEY,
        count INTEGER NOT NULL,
        bytes INTEGER NOT NULL,
        oldest_us INTEGER NOT NULL
      ) STRICT;
      INSERT INTO sample_total
        SELECT collection, count(*), sum(length(json) + 200), min(time_us) FROM sample GROUP BY collection;

      -- Record keys are mostly times, so that what comes is side by side, and so is what goes.
      DROP INDEX sample_by_key;
      CREATE UNIQUE INDEX sample_by_record ON sample (collection, rkey, element);
    `,
  },
  {
    version: 4,
    name: 'samples in the order in which they came',
    // With its collection a sample lay on a page of its own, of which each commit wrote all for a few hundred bytes.
    sql: `
      CREATE TABLE new_sample (
        id INTEGER PRIMARY KEY,
        collection INTEGER NOT NULL,
        time_us INTEGER NOT NULL,
        seq INTEGER NOT NULL,
        element INTEGER NOT NULL,
        did TEXT NOT NULL,
        rkey TEXT NOT NULL,
        rev TEXT NOT NULL,
        cid TEXT NOT NULL,
        is_update INTEGER NOT NULL,
        -- Bytes of the JSON.
        size INTEGER NOT NULL,
        json BLOB NOT NULL
      ) STRICT;
      INSERT INTO new_sample
        SELECT NULL, collection, time_us, seq, element, did, rkey, rev, cid, is_update, length(json), json
        FROM sample ORDER BY collection, time_us, seq;
      DROP TABLE sample;
      ALTER TABLE new_sample RENAME TO sample;
      -- With the sizes, so that a collection is counted without a look at its samples.
      CREATE UNIQUE INDEX sample_by_time ON sample (collection, time_us, seq, size);
      CREATE UNIQUE INDEX sample_by_record ON sample (collection, rkey, element);
    `,
  },
]
