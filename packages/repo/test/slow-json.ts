import { type CborValue, Cid } from '../src/index.ts'

/**
 * The JSON of the Jetstream wire, written for being read: what `RecordTranscoder` must give, byte for byte. Numbers must be
 * whole.
 */
export function slowJson(value: CborValue): string {
  if (value === null || typeof value === 'boolean') return String(value)
  if (typeof value === 'number' || typeof value === 'bigint') return value.toString()
  if (typeof value === 'string') return slowText(value)
  if (value instanceof Cid) return `{"$link":"${value}"}`
  if (value instanceof Uint8Array) {
    return `{"$bytes":"${Buffer.from(value).toString('base64').replaceAll('=', '')}"}`
  }
  if (Array.isArray(value)) return `[${value.map(item => slowJson(item as CborValue)).join(',')}]`
  const map = value as { [key: string]: CborValue }
  return `{${orderedKeys(map)
    .map(key => `${slowText(key)}:${slowJson(map[key]!)}`)
    .join(',')}}`
}

/** As production's encoder, with HTML escaping on: `JSON.stringify`, five characters more, and no \b and \f. */
function slowText(text: string): string {
  return JSON.stringify(text)
    .replaceAll(/[<>&\u2028\u2029]/g, char => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`)
    .replaceAll(/(?<!\\)((?:\\\\)*)\\([bf])/g, (_, before: string, letter: string) => {
      return `${before}\\u000${letter === 'b' ? '8' : 'c'}`
    })
}

function orderedKeys(map: { [key: string]: CborValue }): string[] {
  const sorted = Object.keys(map).toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
  const isBlob = map.$type === 'blob' && sorted.join(' ') === '$type mimeType ref size'
  return isBlob ? ['$type', 'ref', 'mimeType', 'size'] : sorted
}
