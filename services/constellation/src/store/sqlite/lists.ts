import type { Database } from '@orrery/storage'
import { endOf, EntryReader, extendRun, shortenRun, startRun } from './entries.ts'
import { MemberTree } from './member-tree.ts'
import type { KeptLink } from './records.ts'
import type { Rkey } from './rkey.ts'
import { longKey } from './schema.ts'
import { sortByNumber } from './sorted.ts'
import { keyBytes, keyHead } from './targets.ts'

/** An entry that comes, or that of a link that goes. */
type Step = Entry | { link: KeptLink; did?: undefined }

interface Entry {
  /** Is told its slot. */
  link: KeptLink
  did: number
  rkey: Rkey
  time: number
}

interface ListRow {
  records: number
  dids: number
  slots: number
  long: number | null
  data: Buffer | null
}

/** The last run of a long list. */
interface Tail {
  id: number
  data: Buffer
  lastSlot: number
  lastTime: number
  isNew: boolean
}

/**
 * The lists as they are written. What a batch adds and removes is kept until `flush`, which goes through it in the order of
 * the rows, so that each is read and written once, and neighbours share pages.
 */
export class Lists {
  #pending: Step[] = []
  readonly #members: MemberTree
  readonly #db
  readonly #nextLong: () => number
  readonly #maxRowBytes: number

  /** `nextLong` gives a number to a list that has become long. */
  constructor(db: Database, nextLong: () => number, maxRowBytes: number) {
    this.#nextLong = nextLong
    this.#maxRowBytes = maxRowBytes
    this.#members = new MemberTree(db, maxRowBytes)
    this.#db = {
      get: db.prepare<[Buffer, number], ListRow>(
        'SELECT records, dids, slots, long, data FROM list WHERE target = ? AND source = ?',
      ),
      insert: db.prepare(
        'INSERT INTO list (records, dids, slots, long, data, target, source) VALUES (?, ?, ?, ?, ?, ?, ?)',
      ),
      update: db.prepare(
        'UPDATE list SET records = ?, dids = ?, slots = ?, long = ?, data = ? WHERE target = ? AND source = ?',
      ),
      lastChunk: chunkAtOrBelow(db),
      insertChunk: db.prepare('INSERT INTO chunk (id, data) VALUES (?, ?)'),
      updateChunk: db.prepare('UPDATE chunk SET data = ? WHERE id = ?'),
      deleteChunk: db.prepare('DELETE FROM chunk WHERE id = ?'),
    }
  }

  /** Adds the entry of a link, which has its slot after `flush`. */
  append(link: KeptLink, did: number, rkey: Rkey, time: number): void {
    this.#pending.push({ link, did, rkey, time })
  }

  /** Takes the entry of a link out. */
  remove(link: KeptLink): void {
    this.#pending.push({ link })
  }

  /** Writes what was added and removed, and forgets it. Answers how many lists came to be. */
  flush(): number {
    const pending = sortByNumber(this.#pending, ({ link }) => keyHead(link.target), compareLists)
    this.#pending = []
    let added = 0
    for (let from = 0; from < pending.length;) {
      const first = pending[from]!
      let to = from + 1
      while (to < pending.length && compareLists(first, pending[to]!) === 0) to++
      if (this.#write(first.link, pending.slice(from, to))) added++
      from = to
    }
    return added
  }

  forget(): void {
    this.#pending = []
  }

  /** Takes the steps of a list; true where it is new. */
  #write({ target: key, source }: KeptLink, steps: readonly Step[]): boolean {
    const target = keyBytes(key)
    const row = this.#db.get.get(target, source)
    const list = row ?? { records: 0, dids: 0, slots: 1, long: null, data: null }
    for (let i = 0; i < steps.length;) i = this.#take(list, steps, i)
    const { records, dids, slots, long, data } = list
    const write = row ? this.#db.update : this.#db.insert
    write.run(records, dids, slots, long, data, target, source)
    return !row
  }

  /** Takes a step, or as many of a kind as follow each other; answers which one is next. */
  #take(list: ListRow, steps: readonly Step[], from: number): number {
    const step = steps[from]!
    if (step.did === undefined) {
      list.records--
      if (list.long === null) removeShort(list, step.link.slot)
      else this.#removeLong(list, list.long, step.link.slot)
      return from + 1
    }
    if (list.long === null) {
      list.records++
      step.link.slot = list.slots++
      appendShort(list, step)
      if (list.data!.length > this.#maxRowBytes) this.#makeLong(list, list.data!)
      return from + 1
    }
    const entries: Entry[] = []
    for (const next of steps.slice(from)) {
      if (next.did === undefined) break
      next.link.slot = list.slots++
      entries.push(next)
    }
    list.records += entries.length
    this.#appendLong(list, list.long, entries)
    return from + entries.length
  }

  /** Gives a list that has outgrown its row runs of its own, and a register of its DIDs. */
  #makeLong(list: ListRow, run: Buffer): void {
    const long = this.#nextLong()
    const reader = new EntryReader(run)
    const first = reader.slot + 1
    const entries: { did: number; slot: number }[] = []
    while (reader.next()) if (reader.did !== 0) entries.push({ did: reader.did, slot: reader.slot })
    this.#members.add(long, entries)
    this.#db.insertChunk.run(longKey(long, first), run)
    list.long = long
    list.data = null
  }

  #appendLong(list: ListRow, long: number, entries: readonly Entry[]): void {
    const areAgain = this.#members.add(
      long,
      entries.map(({ did, link }) => ({ did, slot: link.slot })),
    )
    let tail = this.#tail(long)
    for (const [i, entry] of entries.entries()) {
      const { link, time } = entry
      const isAgain = areAgain[i]!
      if (!isAgain) list.dids++
      // Where the last run went away there is a hole, and a run has none.
      const fits = tail && tail.data.length <= this.#maxRowBytes && tail.lastSlot === link.slot - 1
      if (tail && fits) tail.data = extendRun(tail.data, tail.lastTime, time, { ...entry, isAgain })
      else {
        if (tail) this.#writeTail(tail)
        const data = startRun(link.slot, time, { ...entry, isAgain })
        tail = { id: longKey(long, link.slot), data, lastSlot: 0, lastTime: 0, isNew: true }
      }
      tail.lastSlot = link.slot
      tail.lastTime = time
    }
    this.#writeTail(tail!)
  }

  #tail(long: number): Tail | undefined {
    const row = this.#db.lastChunk.get(longKey(long, 0), longKey(long + 1, 0) - 1)
    return row && { ...row, ...endOf(row.data), isNew: false }
  }

  #writeTail({ id, data, isNew }: Tail): void {
    if (isNew) this.#db.insertChunk.run(id, data)
    else this.#db.updateChunk.run(data, id)
  }

  #removeLong(list: ListRow, long: number, slot: number): void {
    const { did, wasAgain } = this.#shorten(long, slot)
    const left = this.#members.remove(long, did, slot)
    if (left.length === 0) list.dids--
    // The next one of the DID is its oldest now, wherever it is.
    else if (!wasAgain) this.#promote(long, left[0]!)
  }

  #shorten(long: number, slot: number): { did: number; wasAgain: boolean } {
    const row = this.#chunkOf(long, slot)
    const { run, did, wasAgain } = shortenRun(row.data, slot, false)
    if (run) this.#db.updateChunk.run(run, row.id)
    else this.#db.deleteChunk.run(row.id)
    return { did, wasAgain }
  }

  #promote(long: number, slot: number): void {
    const row = this.#chunkOf(long, slot)
    const reader = new EntryReader(row.data)
    while (reader.next() && reader.slot < slot);
    row.data[reader.start]! &= ~1
    this.#db.updateChunk.run(row.data, row.id)
  }

  #chunkOf(long: number, slot: number): { id: number; data: Buffer } {
    const row = this.#db.lastChunk.get(longKey(long, 0), longKey(long, slot))
    if (!row) throw new RangeError(`the index has no run for slot ${slot} of list ${long}`)
    return row
  }
}

function compareLists({ link: a }: Step, { link: b }: Step): number {
  if (a.target !== b.target) return a.target < b.target ? -1 : 1
  return a.source - b.source
}

function appendShort(list: ListRow, { did, rkey, time, link }: Entry): void {
  if (list.data === null) {
    list.data = startRun(link.slot, time, { did, isAgain: false, rkey })
    list.dids++
    return
  }
  const reader = new EntryReader(list.data)
  let isAgain = false
  while (reader.next()) if (reader.did === did) isAgain = true
  list.data = extendRun(list.data, reader.time, time, { did, isAgain, rkey })
  if (!isAgain) list.dids++
}

function removeShort(list: ListRow, slot: number): void {
  const { run, did, wasAgain } = shortenRun(list.data!, slot, true)
  list.data = run ?? null
  if (!wasAgain && !(run && hasDid(run, did))) list.dids--
}

/** The run at or below a key, at or above another. */
export function chunkAtOrBelow(db: Database) {
  return db.prepare<[number, number], { id: number; data: Buffer }>(
    'SELECT id, data FROM chunk WHERE id >= ? AND id <= ? ORDER BY id DESC LIMIT 1',
  )
}

function hasDid(run: Uint8Array, did: number): boolean {
  const reader = new EntryReader(run)
  while (reader.next()) if (reader.did === did) return true
  return false
}
