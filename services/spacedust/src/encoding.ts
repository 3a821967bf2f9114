import { promisify } from 'node:util'
import { zstdCompress } from 'node:zlib'
import type { Encoding } from '@orrery/server'
import { lineHead } from './entry.ts'

/** What a subscriber may ask to be told beside the link. */
export const fields = ['time_us'] as const
export type Field = (typeof fields)[number]

/** Where a link comes from: `replay` until a subscriber has caught up, then `live`. */
export type Origin = 'live' | 'replay'

const compress = promisify(zstdCompress)

const head = Buffer.from(`${lineHead}live"`)

/**
 * The encoding for a subscriber; undefined for lines as the log has them. There are a few, each known by its name, so that
 * all who want the same share the work.
 */
export function encodingFor(
  origin: Origin,
  wanted: readonly Field[],
  isCompressed: boolean,
): Encoding | undefined {
  const isPlain = origin === 'live' && wanted.length === 0
  if (isPlain && !isCompressed) return undefined
  const name = [origin, ...wanted, isCompressed ? 'zstd' : 'text'].join(' ')
  let encoding = known.get(name)
  if (!encoding) known.set(name, (encoding = createEncoding(name, origin, wanted.length > 0, isCompressed)))
  return encoding
}

const known = new Map<string, Encoding>()

function createEncoding(name: string, origin: Origin, withTime: boolean, isCompressed: boolean): Encoding {
  function rewritten(text: Buffer, position: number | undefined): Buffer {
    // A heartbeat is no link.
    if (!text.subarray(0, head.length).equals(head)) return text
    const time = withTime ? `,"time_us":${position}` : ''
    return Buffer.concat([Buffer.from(`${lineHead}${origin}"${time}`), text.subarray(head.length)])
  }
  return {
    name,
    isText: !isCompressed,
    async encode(texts, positions) {
      const lines = texts.map((text, i) => rewritten(text, positions?.[i]))
      return isCompressed ? Promise.all(lines.map(line => compress(line))) : lines
    },
  }
}
