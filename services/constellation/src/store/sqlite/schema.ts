import { type Database, migrate, type Migration, StorageError } from '@orrery/storage'
import { keyedHash } from './keyed-hash.ts'

// Two trees hold the links: `list` by what is linked to, `record` by what links. A row holds many links where there are
// many; see `entries.ts` and `records.ts` for what is in them. Texts are kept once, by number.

const named = (table: string, type: string): string => `
  CREATE TABLE ${table} (id INTEGER PRIMARY KEY, hash INTEGER NOT NULL, name ${type} NOT NULL) STRICT;
  CREATE INDEX ${table}_by_hash ON ${table} (hash);
`

/** Gives the texts of a table their hashes anew. */
const rehash = (table: string): string =>
  `UPDATE ${table} SET hash = keyed_hash((SELECT key FROM name_key), name);`

const migrations: readonly Migration[] = [
  // The format from before the first release, which `refuseEarlier` turns away.
  { version: 1, name: 'nothing', sql: '' },
  {
    version: 2,
    name: 'links',
    sql: `
      -- A did:plc is its 15 bytes, any other DID its text.
      ${named('did', 'ANY')}
      ${named('collection', 'TEXT')}
      ${named('source', 'TEXT')}
      ${named('text', 'TEXT')}

      -- What accounts are and did, so many to a row.
      CREATE TABLE account (id INTEGER PRIMARY KEY, data BLOB NOT NULL) STRICT;
      -- The newest revs of accounts when they were deleted.
      CREATE TABLE past (did INTEGER PRIMARY KEY, rev BLOB NOT NULL) STRICT;
      -- Deleted accounts with links left.
      CREATE TABLE leaving (did INTEGER PRIMARY KEY) STRICT;

      -- Who links to a target from a source: stretches of lists by the hour of the target's key, as record has them. A
      -- short list has its entries with it; a long one has a number of its own, its entries in chunk and its DIDs in member.
      CREATE TABLE list (
        hour INTEGER NOT NULL,
        first BLOB NOT NULL,
        data BLOB NOT NULL,
        PRIMARY KEY (hour, first)
      ) STRICT, WITHOUT ROWID;

      -- The hours in which there are lists of an account's records: DID and day in one integer, and a bit for each hour.
      CREATE TABLE linked_day (id INTEGER PRIMARY KEY, hours INTEGER NOT NULL) STRICT;

      -- By the list's number and the first slot of the run, in one integer.
      CREATE TABLE chunk (id INTEGER PRIMARY KEY, data BLOB NOT NULL) STRICT;
      -- By the list's number and the first DID, in one integer.
      CREATE TABLE member (id INTEGER PRIMARY KEY, data BLOB NOT NULL) STRICT;

      -- What records link to: stretches of those whose keys are of an hour, by account, collection and key. A row has what
      -- is not below first and below that of the next row of the hour; that of the hour's first row is empty.
      CREATE TABLE record (
        hour INTEGER NOT NULL,
        first BLOB NOT NULL,
        data BLOB NOT NULL,
        PRIMARY KEY (hour, first)
      ) STRICT, WITHOUT ROWID;

      CREATE TABLE totals (
        id INTEGER PRIMARY KEY CHECK (id = 1),
        time_ms INTEGER NOT NULL,
        started_ms INTEGER,
        long_lists INTEGER NOT NULL,
        dids INTEGER NOT NULL,
        targetables INTEGER NOT NULL,
        records INTEGER NOT NULL,
        links INTEGER NOT NULL
      ) STRICT;
      INSERT INTO totals VALUES (1, 0, NULL, 0, 0, 0, 0, 0);
    `,
  },
  {
    version: 3,
    name: 'hashes with a key',
    sql: `
      CREATE TABLE name_key (id INTEGER PRIMARY KEY CHECK (id = 1), key BLOB NOT NULL) STRICT;
      INSERT INTO name_key VALUES (1, randomblob(8));
      ${['did', 'collection', 'source', 'text'].map(rehash).join('')}
    `,
  },
]

/**
 * Brings a file to the newest format.
 *
 * @throws StorageError `migration` where it is of one that is not read any more
 */
export function prepareSchema(db: Database): void {
  refuseEarlier(db)
  db.function('keyed_hash', keyedHash)
  migrate(db, migrations)
}

function refuseEarlier(db: Database): void {
  if (db.pragma('user_version', { simple: true }) !== 1) return
  throw new StorageError(
    'migration',
    `${db.name} is an index from before the first release, which cannot be taken over. ` +
      'Move its folder away and start again: it is made anew from the source, or from a file with --import.',
    { path: db.name },
  )
}

/**
 * Bits of an account's state. `ahead` is of those that ever put a record whose key was no older than its commit's rev, or
 * had none; `past` of those with a row in the table of that name.
 */
export const states = { hidden: 1, linked: 2, leaving: 4, hasRev: 8, ahead: 16, past: 32 } as const

/** A list's number and a slot or DID in one safe integer. */
const span = 2 ** 28

export function longKey(list: number, within: number): number {
  return list * span + within
}

/** A DID and a day of an hour in one safe integer. */
export function dayKey(did: number, hour: number): number {
  return did * daysSpan + Math.floor(hour / 24)
}

/** More than there are days of TIDs. */
const daysSpan = 2 ** 16

/** The bit of an hour in its day. */
export function hourBit(hour: number): number {
  return 1 << (hour % 24)
}

/** The hours of a row. */
export function hoursOf({ id, hours }: { id: number; hours: number }): number[] {
  const dawn = (id % daysSpan) * 24
  return Array.from({ length: 24 }, (_, i) => dawn + i).filter(hour => (hours & hourBit(hour)) !== 0)
}

/** What is within the list. */
export function withinLong(key: number): number {
  return key % span
}
