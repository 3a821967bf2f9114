// DIDs as they are kept. Nearly all are did:plc with 24 digits of base32, which are 15 bytes.

const prefix = 'did:plc:'
const alphabet = 'abcdefghijklmnopqrstuvwxyz234567'
const values = new Int8Array(128).fill(-1)
for (let i = 0; i < alphabet.length; i++) values[alphabet.charCodeAt(i)] = i

const digits = 24
const bytes = 15

/**
 * Six digits of a did:plc as a number of 30 bits: 0 to 3 are all of it. Below 0 where they are none; the first group also
 * where it is another DID.
 */
export function plcGroup(did: string, group: number): number {
  if (did.length !== prefix.length + digits || (group === 0 && !did.startsWith(prefix))) return -1
  let number = 0
  const from = prefix.length + group * 6
  for (let at = from; at < from + 6; at++) {
    const code = did.charCodeAt(at)
    const value = code < 128 ? values[code]! : -1
    if (value < 0) return -1
    number = number * 32 + value
  }
  return number
}

/** A did:plc as its bytes, any other as it is. */
export function packDid(did: string): Buffer | string {
  const [a, b, c, d] = [plcGroup(did, 0), plcGroup(did, 1), plcGroup(did, 2), plcGroup(did, 3)]
  return a < 0 || b < 0 || c < 0 || d < 0 ? did : packPlc(a, b, c, d)
}

/** The bytes of a did:plc from its four groups. */
export function packPlc(a: number, b: number, c: number, d: number): Buffer {
  const packed = Buffer.allocUnsafe(bytes)
  packed.writeUInt32BE(a * 4 + (b >>> 28), 0)
  packed.writeUInt32BE(((b & 0xfff_ffff) * 16 + (c >>> 26)) >>> 0, 4)
  packed.writeUInt32BE(((c & 0x3ff_ffff) * 64 + (d >>> 24)) >>> 0, 8)
  packed.writeUIntBE(d & 0xff_ffff, 12, 3)
  return packed
}

export function unpackDid(packed: Buffer | string): string {
  if (typeof packed === 'string') return packed
  let did = prefix
  for (let group = 0; group < 3; group++) {
    const number = packed.readUIntBE(group * 5, 5)
    const high = Math.floor(number / 2 ** 20)
    const low = number % 2 ** 20
    for (let shift = 15; shift >= 0; shift -= 5) did += alphabet[(high >>> shift) & 31]!
    for (let shift = 15; shift >= 0; shift -= 5) did += alphabet[(low >>> shift) & 31]!
  }
  return did
}
