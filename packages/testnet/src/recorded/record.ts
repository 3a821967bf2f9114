import { open, rename } from 'node:fs/promises'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { zstdCompressSync } from 'node:zlib'
import { SimulatedWorld, type WorldOptions } from '../simulated/world.ts'
import { endBytes, entryBytes, fileName, timeField } from './format.ts'

export interface RecordOptions extends Omit<WorldOptions, 'now'> {
  frames: number
  /** How far apart the frames are in their own time, which ends when the recording begins. Default 1,000 a second. */
  perSecond?: number
}

/** Written at once, bytes. */
const chunkBytes = 4 * 1024 * 1024

/**
 * Makes the frames of a simulated network ahead and writes them to a file, with the DID documents of its accounts: for
 * rates beyond what can be made at the time. Takes about a second for a thousand frames; `startPlayer` sends them. The file
 * is there when it is whole.
 */
export async function recordStream(file: string, options: RecordOptions): Promise<void> {
  const { frames, perSecond = 1_000 } = options
  const endsAt = Date.now()
  let made = 0
  const world = new SimulatedWorld({
    ...options,
    now: () => endsAt - Math.round(((frames - made) / perSecond) * 1000),
  })
  const documents = zstdCompressSync(JSON.stringify([...world.documents().values()]))
  const entries = Buffer.alloc(frames * entryBytes)
  const unfinished = `${file}.unfinished`
  await using handle = await open(unfinished, 'w')
  let at = fileName.length
  let pending: Uint8Array[] = [fileName]
  let pendingBytes = fileName.length
  const flush = async (): Promise<void> => {
    await handle.writev(pending)
    pending = []
    pendingBytes = 0
  }
  for (; made < frames; made++) {
    const { bytes } = world.next()
    const timeAt = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).indexOf(timeField)
    entries.writeUInt32LE(bytes.length, made * entryBytes)
    entries.writeUInt16LE(timeAt < 0 ? 0 : timeAt + timeField.length, made * entryBytes + 4)
    pending.push(bytes)
    pendingBytes += bytes.length
    at += bytes.length
    if (pendingBytes >= chunkBytes) await flush()
    else if (made % 100 === 0) await nextTurn()
  }
  const end = Buffer.alloc(endBytes)
  end.writeBigUInt64LE(BigInt(at), 0)
  end.writeBigUInt64LE(BigInt(at + entries.length), 8)
  end.writeBigUInt64LE(BigInt(frames), 16)
  pending.push(entries, documents, end)
  await flush()
  await rename(unfinished, file)
}
