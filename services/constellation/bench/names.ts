// DIDs and TIDs as real ones look, told by numbers alone: nothing has to be remembered, and a million a second are made.

/** A mix of the bits of a whole number, 32 bits. */
export function hash(number: number): number {
  let mixed = Math.imul(number ^ (number >>> 16), 0x85eb_ca6b)
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2_ae35)
  return (mixed ^ (mixed >>> 16)) >>> 0
}

/** Text of 15 bits at a time, in the two alphabets. */
function triples(alphabet: string): string[] {
  const at = (value: number): string => alphabet[value & 31]!
  return Array.from({ length: 32_768 }, (_, i) => at(i >> 10) + at(i >> 5) + at(i))
}

const didParts = triples('abcdefghijklmnopqrstuvwxyz234567')
const tidParts = triples('234567abcdefghijklmnopqrstuvwxyz')

/** The DID of an account by its number. */
export function did(account: number): string {
  let text = 'did:plc:'
  for (let i = 1; i <= 4; i++) {
    const bits = hash(account * 4 + i)
    text += didParts[bits & 32_767]! + didParts[(bits >>> 15) & 32_767]!
  }
  return text
}

/** The TID of a time; the account's server has a number of its own. */
export function tid(us: number, account: number): string {
  const high = Math.floor(us / 2 ** 30)
  const low = (us % 2 ** 30) * 1024 + (hash(account) & 1023)
  // 13 digits of five bits: 23 bits of the high part and 40 of the low one, five groups of three without the first two.
  const first = tidParts[Math.floor(high / 2 ** 15) & 32_767]!.slice(1)
  return (
    first +
    tidParts[high & 32_767]! +
    tidParts[Math.floor(low / 2 ** 25) & 32_767]! +
    tidParts[Math.floor(low / 2 ** 10) & 32_767]! +
    tidParts[low & 1023]!.slice(1)
  )
}
