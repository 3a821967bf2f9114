import type { Migration } from '@orrery/storage'

/**
 * `state.sqlite`: what is newer than the last sealed block, and how far upstream that reaches. Both change in one
 * transaction, so the file is the whole truth about where ingest stands.
 */
export const stateMigrations: readonly Migration[] = [
  {
    version: 1,
    name: 'tail',
    sql: `
      CREATE TABLE tail (
        last_us INTEGER PRIMARY KEY,
        first_us INTEGER NOT NULL,
        pack BLOB NOT NULL
      ) STRICT;

      CREATE TABLE clock (
        id INTEGER PRIMARY KEY CHECK (id = 1),
        last_us INTEGER NOT NULL
      ) STRICT;
    `,
  },
]

/** A segment: sealed blocks, written once each and never changed. */
export const segmentMigrations: readonly Migration[] = [
  {
    version: 1,
    name: 'blocks',
    sql: `
      CREATE TABLE blocks (
        last_us INTEGER PRIMARY KEY,
        first_us INTEGER NOT NULL,
        events INTEGER NOT NULL,
        zstd BLOB NOT NULL
      ) STRICT;
    `,
  },
]
