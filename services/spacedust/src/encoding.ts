import { promisify } from 'node:util'
import { zstdCompress } from 'node:zlib'
import type { Encoding } from '@orrery/server'
import { lineHead } from './entry.ts'
import type { RecordBody } from './store.ts'

/** What a subscriber may ask to be told beside the link. */
export const fields = ['time_us', 'cid', 'record'] as const
export type Field = (typeof fields)[number]

/** Where a link comes from: `replay` until a subscriber has caught up, then `live`. */
export type Origin = 'live' | 'replay'

/**
 * The encoding for a subscriber; undefined for lines as the log has them.
 *
 * @throws EncodingError where records are asked for and none are kept
 */
export type EncodingFor = (
  origin: Origin,
  wanted: readonly Field[],
  isCompressed: boolean,
) => Encoding | undefined

/** The records of entries at these places, where they are kept. */
export type BodiesOf = (positions: readonly number[]) => Promise<(RecordBody | undefined)[]>

/** Thrown for fields that this server cannot tell; `message` names them. */
export class EncodingError extends Error {
  override readonly name = 'EncodingError'
}

const compress = promisify(zstdCompress)

const head = Buffer.from(`${lineHead}live"`)

/**
 * Makes an {@link EncodingFor}. There are a few encodings, each known by its name, so that all who want the same share the
 * work. Without `bodiesOf` nobody can ask for records.
 */
export function createEncodings(bodiesOf: BodiesOf | undefined): EncodingFor {
  const known = new Map<string, Encoding>()
  return (origin, wanted, isCompressed) => {
    const wantsBodies = wanted.includes('cid') || wanted.includes('record')
    if (wantsBodies && !bodiesOf) throw new EncodingError('fields: this server keeps no records')
    if (origin === 'live' && wanted.length === 0 && !isCompressed) return undefined
    const name = [origin, ...wanted, isCompressed ? 'zstd' : 'text'].join(' ')
    let encoding = known.get(name)
    if (!encoding) {
      const bodies = wantsBodies ? bodiesOf : undefined
      known.set(name, (encoding = createEncoding({ name, origin, wanted, isCompressed, bodies })))
    }
    return encoding
  }
}

interface EncodingOptions {
  name: string
  origin: Origin
  wanted: readonly Field[]
  isCompressed: boolean
  bodies: BodiesOf | undefined
}

function createEncoding({ name, origin, wanted, isCompressed, bodies }: EncodingOptions): Encoding {
  function members(position: number | undefined, body: RecordBody | undefined): string {
    const member = {
      time_us: () => `,"time_us":${position}`,
      cid: () => (body ? `,"cid":"${body.cid}"` : ''),
      record: () => (body ? `,"record":${body.json}` : ''),
    }
    return wanted.map(field => member[field]()).join('')
  }

  function rewritten(text: Buffer, position: number | undefined, body: RecordBody | undefined): Buffer {
    // A heartbeat is no link.
    if (!text.subarray(0, head.length).equals(head)) return text
    const start = `${lineHead}${origin}"${members(position, body)}`
    return Buffer.concat([Buffer.from(start), text.subarray(head.length)])
  }

  return {
    name,
    isText: !isCompressed,
    async encode(texts, positions) {
      const found = bodies && positions ? await bodies(positions) : []
      const lines = texts.map((text, i) => rewritten(text, positions?.[i], found[i]))
      return isCompressed ? Promise.all(lines.map(line => compress(line))) : lines
    },
  }
}
