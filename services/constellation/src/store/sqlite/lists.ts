import type { Database } from '@orrery/storage'
import { endOf, EntryReader, extendRun, shortenRun, startRun } from './entries.ts'
import { type Members, memberIndex, readMembers, writeMembers } from './members.ts'
import type { Rkey } from './rkey.ts'
import { longKey } from './schema.ts'

/** A list as a batch works on it. */
interface List {
  readonly target: Buffer
  readonly source: number
  records: number
  dids: number
  slots: number
  long: number | null
  data: Buffer | null
  isNew: boolean
  isDirty: boolean
  /** The last run of a long list, once it was asked for. */
  tail: Tail | undefined
}

interface Tail {
  id: number
  data: Buffer
  lastSlot: number
  lastTime: number
  isNew: boolean
}

interface ListRow {
  records: number
  dids: number
  slots: number
  long: number | null
  data: Buffer | null
}

/**
 * The lists as they are written. Those that a batch touches are kept until `flush`, which writes them in the order of their
 * keys: neighbours share pages.
 */
export class Lists {
  readonly #lists = new Map<string, List>()
  readonly #db
  readonly #nextLong: () => number
  readonly #maxRowBytes: number
  /** Lists that came to be since this was last set to 0. */
  added = 0

  /** `nextLong` gives a number to a list that has become long. */
  constructor(db: Database, nextLong: () => number, maxRowBytes: number) {
    this.#nextLong = nextLong
    this.#maxRowBytes = maxRowBytes
    this.#db = {
      get: db.prepare<[Buffer, number], ListRow>(
        'SELECT records, dids, slots, long, data FROM list WHERE target = ? AND source = ?',
      ),
      insert: db.prepare(
        'INSERT INTO list (target, source, records, dids, slots, long, data) VALUES (?, ?, ?, ?, ?, ?, ?)',
      ),
      update: db.prepare(
        'UPDATE list SET records = ?, dids = ?, slots = ?, long = ?, data = ? WHERE target = ? AND source = ?',
      ),
      lastChunk: chunkAtOrBelow(db),
      insertChunk: db.prepare('INSERT INTO chunk (id, data) VALUES (?, ?)'),
      updateChunk: db.prepare('UPDATE chunk SET data = ? WHERE id = ?'),
      deleteChunk: db.prepare('DELETE FROM chunk WHERE id = ?'),
      memberAtOrBelow: memberAtOrBelow(db),
      insertMember: db.prepare('INSERT INTO member (id, data) VALUES (?, ?)'),
      updateMember: db.prepare('UPDATE member SET data = ? WHERE id = ?'),
      deleteMember: db.prepare('DELETE FROM member WHERE id = ?'),
    }
  }

  /** Adds an entry; answers its slot. */
  append(target: Buffer, source: number, did: number, rkey: Rkey, time: number): number {
    const list = this.#load(target, source)
    list.isDirty = true
    list.records++
    const slot = list.slots++
    if (list.long === null) this.#appendShort(list, slot, did, rkey, time)
    else this.#appendLong(list, list.long, slot, did, rkey, time)
    return slot
  }

  /** Takes an entry out. */
  remove(target: Buffer, source: number, slot: number): void {
    const list = this.#load(target, source)
    list.isDirty = true
    list.records--
    if (list.long === null) {
      const { run, did, wasAgain } = shortenRun(list.data!, slot, true)
      list.data = run ?? null
      if (!wasAgain && !(run && hasDid(run, did))) list.dids--
    } else this.#removeLong(list, list.long, slot)
  }

  /** Writes what was touched, and forgets it. */
  flush(): void {
    const dirty = [...this.#lists.entries()].filter(([, list]) => list.isDirty)
    dirty.sort(([a], [b]) => (a < b ? -1 : 1))
    for (const [, list] of dirty) {
      const { target, source, records, dids, slots, long, data, tail } = list
      if (tail) this.#writeTail(tail)
      if (list.isNew) this.#db.insert.run(target, source, records, dids, slots, long, data)
      else this.#db.update.run(records, dids, slots, long, data, target, source)
    }
    this.#lists.clear()
  }

  forget(): void {
    this.#lists.clear()
  }

  #load(target: Buffer, source: number): List {
    const name = `${target.toString('latin1')} ${source}`
    let list = this.#lists.get(name)
    if (!list) {
      const row = this.#db.get.get(target, source)
      if (!row) this.added++
      list = {
        target,
        source,
        ...(row ?? { records: 0, dids: 0, slots: 1, long: null, data: null }),
        isNew: !row,
        isDirty: false,
        tail: undefined,
      }
      this.#lists.set(name, list)
    }
    return list
  }

  #appendShort(list: List, slot: number, did: number, rkey: Rkey, time: number): void {
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
    if (list.data.length > this.#maxRowBytes) this.#makeLong(list, list.data)
  }

  /** Gives a list that has outgrown its row runs of its own, and a register of its DIDs. */
  #makeLong(list: List, run: Buffer): void {
    const long = this.#nextLong()
    const byDid = new Map<number, number[]>()
    const reader = new EntryReader(run)
    const first = reader.slot + 1
    while (reader.next()) {
      if (reader.did === 0) continue
      const slots = byDid.get(reader.did)
      if (slots) slots.push(reader.slot)
      else byDid.set(reader.did, [reader.slot])
    }
    const sorted = [...byDid].toSorted(([a], [b]) => a - b)
    const members: Members = { dids: sorted.map(([did]) => did), slots: sorted.map(([, slots]) => slots) }
    this.#db.insertMember.run(longKey(long, members.dids[0]!), writeMembers(members))
    list.long = long
    list.data = null
    list.tail = {
      id: longKey(long, first),
      data: run,
      lastSlot: reader.slot,
      lastTime: reader.time,
      isNew: true,
    }
  }

  #appendLong(list: List, long: number, slot: number, did: number, rkey: Rkey, time: number): void {
    const isAgain = this.#addMember(long, did, slot)
    if (!isAgain) list.dids++
    const entry = { did, isAgain, rkey }
    const tail = this.#tail(list, long)
    // Where the last run went away there is a hole, and a run has none.
    if (tail && tail.data.length <= this.#maxRowBytes && tail.lastSlot === slot - 1) {
      tail.data = extendRun(tail.data, tail.lastTime, time, entry)
      tail.lastSlot = slot
      tail.lastTime = time
      return
    }
    if (tail) this.#writeTail(tail)
    const data = startRun(slot, time, entry)
    list.tail = { id: longKey(long, slot), data, lastSlot: slot, lastTime: time, isNew: true }
  }

  #tail(list: List, long: number): Tail | undefined {
    if (list.tail) return list.tail
    const row = this.#db.lastChunk.get(longKey(long, 0), longKey(long + 1, 0) - 1)
    if (row) {
      const { lastSlot, lastTime } = endOf(row.data)
      list.tail = { id: row.id, data: row.data, lastSlot, lastTime, isNew: false }
    }
    return list.tail
  }

  #writeTail({ id, data, isNew }: Tail): void {
    if (isNew) this.#db.insertChunk.run(id, data)
    else this.#db.updateChunk.run(data, id)
  }

  #removeLong(list: List, long: number, slot: number): void {
    if (list.tail) {
      // Back to disk first, where whichever run has the slot is.
      this.#writeTail(list.tail)
      list.tail = undefined
    }
    const { did, wasAgain } = this.#shorten(long, slot)
    const left = this.#removeMember(long, did, slot)
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

  /** Enters a slot of a DID; true where it had one already. */
  #addMember(long: number, did: number, slot: number): boolean {
    const row = this.#db.memberAtOrBelow.get(longKey(long, 0), longKey(long, did))
    if (!row) {
      this.#db.insertMember.run(longKey(long, did), writeMembers({ dids: [did], slots: [[slot]] }))
      return false
    }
    const members = readMembers(row.data)
    const at = memberIndex(members, did)
    const had = members.dids[at] === did
    if (had) members.slots[at]!.push(slot)
    else {
      members.dids.splice(at, 0, did)
      members.slots.splice(at, 0, [slot])
    }
    if (row.data.length <= this.#maxRowBytes || members.dids.length < 2) {
      this.#db.updateMember.run(writeMembers(members), row.id)
      return had
    }
    const half = members.dids.length >>> 1
    this.#db.updateMember.run(writeMembers(members, 0, half), row.id)
    this.#db.insertMember.run(longKey(long, members.dids[half]!), writeMembers(members, half))
    return had
  }

  /** Strikes a slot of a DID; answers those left. */
  #removeMember(long: number, did: number, slot: number): number[] {
    const row = this.#db.memberAtOrBelow.get(longKey(long, 0), longKey(long, did))!
    const members = readMembers(row.data)
    const at = memberIndex(members, did)
    const left = members.slots[at]!.filter(other => other !== slot)
    if (left.length > 0) members.slots[at] = left
    else {
      members.dids.splice(at, 1)
      members.slots.splice(at, 1)
    }
    if (members.dids.length === 0) this.#db.deleteMember.run(row.id)
    else this.#db.updateMember.run(writeMembers(members), row.id)
    return left
  }
}

/** The run or stretch at or below a key, at or above another. */
export function chunkAtOrBelow(db: Database) {
  return db.prepare<[number, number], { id: number; data: Buffer }>(
    'SELECT id, data FROM chunk WHERE id >= ? AND id <= ? ORDER BY id DESC LIMIT 1',
  )
}

export function memberAtOrBelow(db: Database) {
  return db.prepare<[number, number], { id: number; data: Buffer }>(
    'SELECT id, data FROM member WHERE id >= ? AND id <= ? ORDER BY id DESC LIMIT 1',
  )
}

function hasDid(run: Uint8Array, did: number): boolean {
  const reader = new EntryReader(run)
  while (reader.next()) if (reader.did === did) return true
  return false
}
