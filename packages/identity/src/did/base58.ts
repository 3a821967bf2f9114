const alphabet = '123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz'
const values = new Map(Array.from(alphabet, (char, value) => [char, BigInt(value)] as const))

/** Keys need 90; the work grows with the square of the length. */
const maxLength = 128

/** Decodes base58btc, without a multibase prefix. Undefined for other characters, and for more than 128 of them. */
export function tryDecodeBase58(text: string): Uint8Array | undefined {
  if (text.length > maxLength) return undefined
  let number = 0n
  for (const char of text) {
    const value = values.get(char)
    if (value === undefined) return undefined
    number = number * 58n + value
  }
  const hex = number === 0n ? '' : number.toString(16)
  const zeros = /^1*/.exec(text)![0].length
  return Buffer.concat([Buffer.alloc(zeros), Buffer.from(hex.length % 2 === 0 ? hex : `0${hex}`, 'hex')])
}

/** Encodes as base58btc, without a multibase prefix. For keys: the work grows with the square of the length. */
export function encodeBase58(bytes: Uint8Array): string {
  let text = ''
  for (let number = BigInt(`0x0${Buffer.from(bytes).toString('hex')}`); number > 0n; number /= 58n) {
    text = alphabet[Number(number % 58n)]! + text
  }
  const firstByte = bytes.findIndex(byte => byte !== 0)
  return '1'.repeat(firstByte === -1 ? bytes.length : firstByte) + text
}
