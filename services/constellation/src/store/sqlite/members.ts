import { ByteReader, ByteWriter } from './bytes.ts'

// Which DIDs link, for lists that are too long to look through: by DID, the slots of its entries. Kept in stretches of
// rising DIDs, about four bytes each.
//
//   stretch = member …
//   member  = DID since the one before · oldest slot × 2 + whether there are more · [how many more · slot since the one before …]

/** A stretch, read: DIDs rising, and the slots of each, rising too. */
export interface Members {
  dids: number[]
  slots: number[][]
}

const writer = new ByteWriter()

export function readMembers(bytes: Uint8Array): Members {
  const reader = new ByteReader(bytes)
  const members: Members = { dids: [], slots: [] }
  let did = 0
  while (!reader.done) {
    did += reader.varint()
    const first = reader.varint()
    let slot = Math.floor(first / 2)
    const slots = [slot]
    if (first % 2 === 1) {
      for (let more = reader.varint(); more > 0; more--) slots.push((slot += reader.varint()))
    }
    members.dids.push(did)
    members.slots.push(slots)
  }
  return members
}

export function writeMembers({ dids, slots }: Members, from = 0, to = dids.length): Buffer {
  writer.reset()
  let last = 0
  for (let i = from; i < to; i++) {
    const [first, ...more] = slots[i]!
    writer.varint(dids[i]! - last).varint(first! * 2 + (more.length > 0 ? 1 : 0))
    if (more.length > 0) {
      writer.varint(more.length)
      let slot = first!
      for (const next of more) {
        writer.varint(next - slot)
        slot = next
      }
    }
    last = dids[i]!
  }
  return writer.take()
}

/** Where a DID is or would be. */
export function memberIndex({ dids }: Members, did: number): number {
  let low = 0
  let high = dids.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (dids[middle]! < did) low = middle + 1
    else high = middle
  }
  return low
}

/** The slots of a DID, looked up without reading the rest into objects; empty where it is not there. */
export function slotsOf(bytes: Uint8Array, wanted: number): number[] {
  const reader = new ByteReader(bytes)
  let did = 0
  while (!reader.done) {
    did += reader.varint()
    const first = reader.varint()
    let slot = Math.floor(first / 2)
    if (did >= wanted) {
      const slots = did === wanted ? [slot] : []
      if (did === wanted && first % 2 === 1) {
        for (let more = reader.varint(); more > 0; more--) slots.push((slot += reader.varint()))
      }
      return slots
    }
    if (first % 2 === 1) for (let more = reader.varint(); more > 0; more--) reader.varint()
  }
  return []
}
