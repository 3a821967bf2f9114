import type { CommitEvent, Progress } from '@orrery/firehose'
import { createBlock, entryAt, indexAt, type HubLog, type LogBlock } from '@orrery/server'
import type { EncodedEvents } from '../encode.ts'

/** A commit of one operation, whose record key is `name` and whose record has about so many bytes. */
export function makeCommit(name: string, bytes = 0): CommitEvent {
  return {
    kind: 'commit',
    did: 'did:plc:ewvi7nxzyoun6zhxrhs64oiz',
    time: '2026-08-14T10:00:00.123Z',
    seq: 1,
    source: 'wss://relay.example',
    timeUs: undefined,
    rev: '3jzfcijpj2z2a',
    verified: true,
    ops: [
      {
        action: 'create',
        collection: 'com.example.thing',
        rkey: name,
        cid: 'bafyreihzwnyumvubacqyflkxpsejegc6sxwkcaxv3iwm3lrn2kfg2ugfpy',
        record: Buffer.from(`{"pad":"${'x'.repeat(bytes)}"}`),
      },
    ],
  }
}

/** Progress that says how far one source was read. */
export function progressTo(cursor: number): Progress {
  return {
    cursors: [{ source: 'wss://relay.example', cursor, time: '2026-08-14T10:00:00.123Z', seen: [] }],
    accounts: [],
    notices: [],
    gaps: [],
  }
}

/** The lines of a block. */
export function linesIn(block: LogBlock): string[] {
  return Array.from({ length: block.count }, (_, i) => entryAt(block, i).toString())
}

/** The lines of what was encoded. */
export function linesOf({ bytes, ends }: { bytes: Uint8Array; ends: Uint32Array }): string[] {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
  return Array.from(ends, (end, i) => buffer.toString('utf8', i === 0 ? 0 : ends[i - 1], end))
}

/** What was encoded as a block. */
export function blockFrom({ bytes, ends, positions }: EncodedEvents): LogBlock {
  return createBlock(Buffer.from(bytes), ends, positions)
}

/** The record keys of all entries from a position on, as a subscriber gets them: block by block. */
export async function readFrom(log: HubLog, from: number): Promise<string[]> {
  const names: string[] = []
  let position = Math.max(1, from, log.oldest)
  while (position <= log.last) {
    const block = log.inMemory(position) ?? (await log.read(position))
    if (!block) throw new Error(`nothing at ${position}, though the log reaches ${log.last}`)
    for (let i = indexAt(block, position); i < block.count; i++) {
      const line = JSON.parse(entryAt(block, i).toString()) as { time_us: number; commit: { rkey: string } }
      if (line.time_us !== block.positions[i])
        throw new Error(`${line.time_us} stands at ${block.positions[i]}`)
      names.push(line.commit.rkey)
    }
    position = block.last + 1
  }
  return names
}
