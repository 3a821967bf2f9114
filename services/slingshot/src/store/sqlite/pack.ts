import type { Change, Fetched, RecordValue } from '../../store.ts'

// Records come as views into larger buffers, and a view is sent to a thread with all of the buffer behind it. So their
// bytes are copied together into one buffer, which moves.

/** The same with all records in `bytes`; views of it, so that whoever moves one moves all. */
export function packChanges(changes: readonly Change[]): { packed: Change[]; buffer: ArrayBuffer } {
  const pack = createPacker(changes.flatMap(change => (change.kind === 'put' ? [change.value] : [])))
  const packed = changes.map(change =>
    change.kind === 'put' ? { ...change, value: pack.next(change.value) } : change,
  )
  return { packed, buffer: pack.buffer }
}

export function packFetched(fetched: readonly Fetched[]): { packed: Fetched[]; buffer: ArrayBuffer } {
  const pack = createPacker(fetched.flatMap(({ value }) => (value ? [value] : [])))
  const packed = fetched.map(one => ({ ...one, value: one.value && pack.next(one.value) }))
  return { packed, buffer: pack.buffer }
}

function createPacker(values: readonly RecordValue[]) {
  const buffer = new ArrayBuffer(values.reduce((sum, { json }) => sum + json.length, 0))
  let at = 0
  return {
    buffer,
    next(value: RecordValue): RecordValue {
      const json = new Uint8Array(buffer, at, value.json.length)
      json.set(value.json)
      at += json.length
      return { ...value, json }
    },
  }
}
