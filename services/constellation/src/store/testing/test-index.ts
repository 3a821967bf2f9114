import type { Progress } from '@orrery/firehose'
import { isTid, tidFromTimeUs, tidToTimeUs } from '@orrery/repo'
import type {
  Backlinks,
  BacklinksOptions,
  Change,
  JoinKey,
  JoinPosition,
  Link,
  LinkReader,
  ListKey,
  Page,
  Position,
  RecordKey,
  Source,
} from '../../store.ts'
import type { OpenStore, TestedStore } from './tested-store.ts'

// A hand for tests that read like the vectors of a contract: `a1` is the account `a` and its record number 1.

export const likes: Source = { collection: 'app.bsky.feed.like', path: '.subject.uri' }
export const subject = 'at://did:plc:sssssssssssssssssssssssss/app.bsky.feed.post/3lsubjectaa2a'
/** Who likes the subject. */
export const likers: ListKey = { target: subject, source: likes }
export const noProgress: Progress = { cursors: [], accounts: [], notices: [], gaps: [] }
export const startMs = Date.parse('2026-08-14T12:00:00Z')

/** The DID of the account with this one-letter name. */
export function did(letter: string): string {
  return `did:plc:${letter.repeat(24)}`
}

/** Rkeys are TIDs from here on. */
const firstRkeyUs = 1_700_000_000_000_000

export function recordKey(name: string, collection = likes.collection): RecordKey {
  const rkey = tidFromTimeUs(firstRkeyUs + Number(name.slice(1)), 0)
  return { did: did(name[0]!), collection, rkey }
}

/** The short name of a record that `recordKey` made. */
export function nameOf({ did: of, rkey }: Pick<RecordKey, 'did' | 'rkey'>): string {
  return isTid(rkey) ? of.at(-1)! + (tidToTimeUs(rkey) - firstRkeyUs) : `${of}/${rkey}`
}

let revs = 0
/** A rev above all that were made before. */
export function nextRev(): string {
  return tidFromTimeUs(1_750_000_000_000_000 + revs++, 0)
}

/** Targets at the path of likes, or links as they are. Without any it is one link to the subject. */
export function put(
  name: string,
  links: readonly (string | Link)[] = [subject],
  { collection, rev = nextRev() }: { collection?: string | undefined; rev?: string } = {},
): Change {
  return {
    kind: 'put',
    record: recordKey(name, collection),
    rev,
    links: links.map(link => (typeof link === 'string' ? { path: likes.path, target: link } : link)),
  }
}

export function remove(
  name: string,
  { collection, rev = nextRev() }: { collection?: string; rev?: string } = {},
): Change {
  return { kind: 'delete', record: recordKey(name, collection), rev }
}

export const hide = (letter: string): Change => ({ kind: 'account', did: did(letter), active: false })
export const show = (letter: string): Change => ({ kind: 'account', did: did(letter), active: true })
export const drop = (letter: string): Change => ({ kind: 'delete_account', did: did(letter) })

/** An open store, and a clock that goes on by a second with each `apply`. */
export class TestIndex implements AsyncDisposable {
  store: TestedStore
  timeMs = startMs

  constructor(store: TestedStore) {
    this.store = store
  }

  get reader(): LinkReader {
    return this.store.reader
  }

  async apply(...changes: Change[]): Promise<void> {
    this.timeMs += 1_000
    await this.store.writer.apply(changes, noProgress, this.timeMs)
  }

  /** Each in a call of its own. */
  async applyEach(...changes: Change[]): Promise<void> {
    for (const change of changes) await this.apply(change)
  }

  /** Tidies up until nothing is left. */
  async tidy(): Promise<void> {
    while (await this.store.writer.tidy());
  }

  /** Records and distinct accounts of a list. */
  async counts(key: ListKey = likers): Promise<[number, number]> {
    const [counts] = await this.reader.counts([key])
    return [counts!.records, counts!.distinct]
  }

  /** The names of a whole list, newest first. */
  async list(key: ListKey = likers, options: Partial<BacklinksOptions> = {}): Promise<string> {
    return (await this.reader.backlinks(key, { limit: 1_000, ...options })).items.map(nameOf).join(' ')
  }

  page(options: BacklinksOptions, key: ListKey = likers): Promise<Backlinks> {
    return this.reader.backlinks(key, options)
  }

  /** The names on each page of a walk through a list. */
  pages(options: BacklinksOptions, key: ListKey = likers): Promise<string[]> {
    return walk((after: Position | undefined) => this.reader.backlinks(key, { ...options, after }), nameOf)
  }

  didPages(limit: number, key: ListKey = likers): Promise<string[]> {
    return walk(
      (after: Position | undefined) => this.reader.linkingDids(key, { limit, after }),
      of => of.at(-1)!,
    )
  }

  joinPages(limit: number, key: JoinKey): Promise<string[]> {
    return walk(
      (after: JoinPosition | undefined) => this.reader.join(key, { limit, after }),
      ({ record, otherTarget }) => `${nameOf(record)}:${otherTarget}`,
    )
  }

  /** `target records/distinct` of every group, in the order of their targets. */
  async groups(limit: number, key: JoinKey): Promise<string[]> {
    const pages = await walk(
      (after: string | undefined) => this.reader.joinCounts(key, { limit, after }),
      ({ otherTarget, records, distinct }) => `${otherTarget}:${records}/${distinct}`,
    )
    return pages.flatMap(page => page.split(' ')).toSorted()
  }

  [Symbol.asyncDispose](): PromiseLike<void> {
    return this.store[Symbol.asyncDispose]()
  }
}

export async function openIndex(open: OpenStore, ...changes: Change[]): Promise<TestIndex> {
  const index = new TestIndex(await open())
  await index.applyEach(...changes)
  return index
}

/** The pages of a walk from one end to the other, each as one text. None where the first is empty. */
export async function walk<Item, Cursor>(
  turn: (after: Cursor | undefined) => Promise<Page<Item, Cursor>>,
  nameItem: (item: Item) => string,
): Promise<string[]> {
  const pages: string[] = []
  let after: Cursor | undefined
  do {
    const { items, next } = await turn(after)
    if (items.length === 0 && next !== undefined) throw new Error('an empty page that is not the last')
    if (items.length > 0) pages.push(items.map(nameItem).join(' '))
    after = next
  } while (after !== undefined && pages.length < 10_000)
  return pages
}
