import type { Database } from '@orrery/storage'
import { endOf, EntryReader, extendRun, shortenRun, startRun } from './entries.ts'
import type { Gathered } from './gathered.ts'
import { MemberTree } from './member-tree.ts'
import { longKey } from './schema.ts'
import { orderBy } from './sorted.ts'

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
  /** What is to be done, in its order: a link's number × 2, and 1 more where it goes. */
  #steps: number[] = []
  readonly #gathered: Gathered
  readonly #members: MemberTree
  readonly #db
  readonly #nextLong: () => number
  readonly #maxRowBytes: number

  /** `nextLong` gives a number to a list that has become long. */
  constructor(db: Database, gathered: Gathered, nextLong: () => number, maxRowBytes: number) {
    this.#gathered = gathered
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

  /** Adds the entry of a link that was gathered, which has its slot after `flush`. */
  append(link: number): void {
    this.#steps.push(link * 2)
  }

  /** Takes the entry of a link out. */
  remove(link: number): void {
    this.#steps.push(link * 2 + 1)
  }

  /** Writes what was added and removed, and forgets it. Answers how many lists came to be. */
  flush(): number {
    const unordered = this.#steps
    const gathered = this.#gathered
    const compare = (a: number, b: number): number => gathered.compareLists(linkOf(a), linkOf(b))
    const order = orderBy(
      unordered.length,
      i => gathered.keyHead(linkOf(unordered[i]!)),
      (a, b) => compare(unordered[a]!, unordered[b]!),
    )
    const steps = order.map(i => unordered[i]!)
    this.#steps = []
    let added = 0
    for (let from = 0; from < steps.length;) {
      const first = steps[from]!
      let to = from + 1
      while (to < steps.length && compare(first, steps[to]!) === 0) to++
      if (this.#write(linkOf(first), steps.subarray(from, to))) added++
      from = to
    }
    return added
  }

  forget(): void {
    this.#steps = []
  }

  /** Takes the steps of the list that a link is in; true where it is new. */
  #write(link: number, steps: Uint32Array): boolean {
    const target = this.#gathered.keyOf(link)
    const source = this.#gathered.link.source[link]!
    const row = this.#db.get.get(target, source)
    const list = row ?? { records: 0, dids: 0, slots: 1, long: null, data: null }
    for (let i = 0; i < steps.length;) i = this.#take(list, steps, i)
    const { records, dids, slots, long, data } = list
    const write = row ? this.#db.update : this.#db.insert
    write.run(records, dids, slots, long, data, target, source)
    return !row
  }

  /** Takes a step, or as many of a kind as follow each other; answers which one is next. */
  #take(list: ListRow, steps: Uint32Array, from: number): number {
    const { slot } = this.#gathered.link
    const link = linkOf(steps[from]!)
    if (goes(steps[from]!)) {
      list.records--
      if (list.long === null) removeShort(list, slot[link]!)
      else this.#removeLong(list, list.long, slot[link]!)
      return from + 1
    }
    if (list.long === null) {
      list.records++
      slot[link] = list.slots++
      this.#appendShort(list, link)
      if (list.data!.length > this.#maxRowBytes) this.#makeLong(list, list.data!)
      return from + 1
    }
    let to = from
    for (; to < steps.length && !goes(steps[to]!); to++) slot[linkOf(steps[to]!)] = list.slots++
    list.records += to - from
    this.#appendLong(list, list.long, Array.from(steps.subarray(from, to), linkOf))
    return to
  }

  #appendShort(list: ListRow, link: number): void {
    const { did, time, rkey, slot } = this.#entry(link)
    if (list.data === null) {
      list.data = startRun(slot, time, { did, isAgain: false, rkey })
      list.dids++
      return
    }
    const reader = new EntryReader(list.data)
    let isAgain = false
    while (reader.next()) if (reader.did === did) isAgain = true
    list.data = extendRun(list.data, reader.time, time, { did, isAgain, rkey })
    if (!isAgain) list.dids++
  }

  #entry(link: number) {
    const { record, link: links } = this.#gathered
    const number = links.record[link]!
    const did = record.did[number]!
    return { slot: links.slot[link]!, did, time: record.time[number]!, rkey: this.#gathered.rkeyOf(number) }
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

  #appendLong(list: ListRow, long: number, links: readonly number[]): void {
    const entries = links.map(link => this.#entry(link))
    const areAgain = this.#members.add(long, entries)
    let tail = this.#tail(long)
    for (const [i, { slot, did, time, rkey }] of entries.entries()) {
      const entry = { did, isAgain: areAgain[i]!, rkey }
      if (!entry.isAgain) list.dids++
      // Where the last run went away there is a hole, and a run has none.
      const fits = tail && tail.data.length <= this.#maxRowBytes && tail.lastSlot === slot - 1
      if (tail && fits) tail.data = extendRun(tail.data, tail.lastTime, time, entry)
      else {
        if (tail) this.#writeTail(tail)
        const data = startRun(slot, time, entry)
        tail = { id: longKey(long, slot), data, lastSlot: 0, lastTime: 0, isNew: true }
      }
      tail.lastSlot = slot
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

function linkOf(step: number): number {
  return step >>> 1
}

function goes(step: number): boolean {
  return step % 2 === 1
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
