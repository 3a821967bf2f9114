import type { Database } from '@orrery/storage'
import { doubled } from './bytes.ts'
import { endOf, EntryReader, extendRun, RunWriter, shortenRun, startRun } from './entries.ts'
import { type Gathered, initialRoom, muchRoom } from './gathered.ts'
import { LinkedHours } from './linked-hours.ts'
import { compareListPlaces, type List, type ListPlace, ListRowReader, ListRowWriter } from './list-rows.ts'
import { MemberTree } from './member-tree.ts'
import { firstBytes, hours, placeOfBytes } from './places.ts'
import { longKey } from './schema.ts'
import { orderBy } from './sorted.ts'
import { type MergedRow, Stretches } from './stretches.ts'

/** The last run of a long list, as it is written. */
const tailRun = new RunWriter()

/** What is added to a list. */
type Entry = ReturnType<Gathered['takeSlot']>

const newList: List = { records: 0, dids: 0, slots: 1, long: undefined, run: undefined }

/** How many bytes a step adds at most, most often. */
const stepBytes = 16

/**
 * The lists as they are written. What a batch adds and removes is kept until `flush`, which goes through it in the order of
 * the rows, so that each is read and written once, and neighbours share pages.
 */
export class Lists {
  /** What is to be done, in its order: a link's number × 2, and 1 more where it goes. */
  #steps = new Uint32Array(initialRoom)
  #count = 0
  /** Hours in which there are new lists of accounts' records. */
  readonly #hours = new LinkedHours()
  readonly #gathered: Gathered
  readonly #rows: Stretches
  readonly #members: MemberTree
  readonly #db
  readonly #nextLong: () => number
  readonly #maxRowBytes: number
  #added = 0

  /** `nextLong` gives a number to a list that has become long. */
  constructor(db: Database, gathered: Gathered, nextLong: () => number, maxRowBytes: number) {
    this.#gathered = gathered
    this.#nextLong = nextLong
    this.#maxRowBytes = maxRowBytes
    this.#rows = new Stretches(db, 'list')
    this.#members = new MemberTree(db, maxRowBytes)
    this.#db = {
      addHours: db.prepare<[number, number]>(
        `INSERT INTO linked_day (id, hours) VALUES (?, ?)
         ON CONFLICT DO UPDATE SET hours = hours | excluded.hours WHERE hours & excluded.hours <> excluded.hours`,
      ),
      lastChunk: chunkAtOrBelow(db),
      insertChunk: db.prepare('INSERT INTO chunk (id, data) VALUES (?, ?)'),
      updateChunk: db.prepare('UPDATE chunk SET data = ? WHERE id = ?'),
      deleteChunk: db.prepare('DELETE FROM chunk WHERE id = ?'),
    }
  }

  /** Adds the entry of a link that was gathered, which has its slot after `flush`. */
  append(link: number): void {
    this.#add(link * 2)
  }

  /** Takes the entry of a link out. */
  remove(link: number): void {
    this.#add(link * 2 + 1)
  }

  /** Writes what was added and removed, and forgets it. Answers how many lists came to be. */
  flush(): number {
    const gathered = this.#gathered
    const { did } = gathered.link
    const hourOf = (step: number): number => gathered.hourOfLink(linkOf(step))
    const steps = orderBy(
      this.#steps.subarray(0, this.#count),
      [hourOf, step => did[linkOf(step)]!],
      (a, b) => gathered.compareLists(linkOf(a), linkOf(b)),
    )
    this.#added = 0
    this.#rows.merge(steps, {
      hourOf,
      firstOf(step) {
        const list = gathered.listOf(linkOf(step))
        return firstBytes(list, list.source)
      },
      below(ofHour, first) {
        const end = placeOfBytes(ofHour, first)
        return step => {
          const link = linkOf(step)
          return did[link]! < end.did || compareListPlaces(gathered.listOf(link), end) < 0
        }
      },
      merge: (row, ofHour, some) => this.#merge(row, ofHour, some),
    })
    this.#hours.eachDay((day, bits) => this.#db.addHours.run(day, bits))
    this.forget()
    return this.#added
  }

  forget(): void {
    // What an import took room for need not be kept behind it.
    if (this.#count * muchRoom < this.#steps.length) this.#steps = new Uint32Array(initialRoom)
    this.#count = 0
    this.#hours.clear()
  }

  #add(step: number): void {
    if (this.#count === this.#steps.length) this.#steps = doubled(this.#steps)
    this.#steps[this.#count++] = step
  }

  /** A row with the steps of its lists taken. */
  #merge(row: Uint8Array, hour: number, steps: Uint32Array): MergedRow[] {
    const gathered = this.#gathered
    const reader = new ListRowReader(row, hour)
    const rows = new ListRowWriter(row.length + steps.length * stepBytes, this.#maxRowBytes)
    let isThere = reader.next()
    for (let from = 0; from < steps.length;) {
      const link = linkOf(steps[from]!)
      const place = gathered.listOf(link)
      let to = from + 1
      while (to < steps.length && gathered.compareLists(link, linkOf(steps[to]!)) === 0) to++
      let order = 1
      while (isThere && (order = compareListPlaces(reader, place)) < 0) {
        rows.copy(reader)
        isThere = reader.next()
      }
      const isKnown = isThere && order === 0
      const { records, dids, slots, long, run } = isKnown ? reader : newList
      const list: List = { records, dids, slots, long, run }
      for (let i = from; i < to;) i = this.#take(list, steps, i, to)
      rows.write(place, list)
      if (isKnown) isThere = reader.next()
      else this.#isNew(place)
      from = to
    }
    for (; isThere; isThere = reader.next()) rows.copy(reader)
    return rows.end()
  }

  #isNew({ hour, did }: ListPlace): void {
    this.#added++
    if (hour < hours.text) this.#hours.add(did, hour)
  }

  /** Takes a step of a list, or as many of a kind as follow each other; answers which one is next. */
  #take(list: List, steps: Uint32Array, from: number, end: number): number {
    const { slot } = this.#gathered.link
    const link = linkOf(steps[from]!)
    if (goes(steps[from]!)) {
      list.records--
      if (list.long === undefined) removeShort(list, slot[link]!)
      else this.#removeLong(list, list.long, slot[link]!)
      return from + 1
    }
    if (list.long === undefined) {
      list.records++
      this.#appendShort(list, this.#gathered.takeSlot(link, list.slots++))
      if (list.run!.length > this.#maxRowBytes) this.#makeLong(list, list.run!)
      return from + 1
    }
    const entries: Entry[] = []
    let to = from
    for (; to < end && !goes(steps[to]!); to++)
      entries.push(this.#gathered.takeSlot(linkOf(steps[to]!), list.slots++))
    list.records += entries.length
    this.#appendLong(list, list.long, entries)
    return to
  }

  #appendShort(list: List, { slot, did, time, rkey }: Entry): void {
    if (!list.run) {
      list.run = startRun(slot, time, { did, isAgain: false, rkey })
      list.dids++
      return
    }
    const reader = new EntryReader(list.run)
    let isAgain = false
    while (reader.next()) if (reader.did === did) isAgain = true
    list.run = extendRun(list.run, reader.time, time, { did, isAgain, rkey })
    if (!isAgain) list.dids++
  }

  /** Gives a list that has outgrown its row runs of its own, and a register of its DIDs. */
  #makeLong(list: List, run: Buffer): void {
    const long = this.#nextLong()
    const reader = new EntryReader(run)
    const first = reader.slot + 1
    const entries: { did: number; slot: number }[] = []
    while (reader.next()) if (reader.did !== 0) entries.push({ did: reader.did, slot: reader.slot })
    this.#members.add(long, entries)
    this.#db.insertChunk.run(longKey(long, first), run)
    list.long = long
    list.run = undefined
  }

  #appendLong(list: List, long: number, entries: readonly Entry[]): void {
    const areAgain = this.#members.add(long, entries)
    const row = this.#db.lastChunk.get(longKey(long, 0), longKey(long + 1, 0) - 1)
    const end = row && endOf(row.data)
    let tail = row && { id: row.id, isNew: false }
    let lastSlot = end?.lastSlot
    if (end) tailRun.goOn(row.data, end.lastTime)
    for (const [i, { slot, did, time, rkey }] of entries.entries()) {
      const entry = { did, isAgain: areAgain[i]!, rkey }
      if (!entry.isAgain) list.dids++
      // Where the last run went away there is a hole, and a run has none.
      if (tail && tailRun.length <= this.#maxRowBytes && lastSlot === slot - 1) tailRun.append(time, entry)
      else {
        if (tail) this.#writeTail(tail)
        tailRun.start(slot, time, entry)
        tail = { id: longKey(long, slot), isNew: true }
      }
      lastSlot = slot
    }
    this.#writeTail(tail!)
  }

  #writeTail({ id, isNew }: { id: number; isNew: boolean }): void {
    if (isNew) this.#db.insertChunk.run(id, tailRun.take())
    else this.#db.updateChunk.run(tailRun.take(), id)
  }

  #removeLong(list: List, long: number, slot: number): void {
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

function removeShort(list: List, slot: number): void {
  const { run, did, wasAgain } = shortenRun(list.run!, slot, true)
  list.run = run
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
