/**
 * Where things stand in a line. Lines are made by encode.ts alone: every one begins {"did":"…","time_us":…,"kind":"…" and
 * a commit goes on ,"commit":{"rev":"…","operation":"…","collection":"…". A rev has 13 characters, a time 16 digits and
 * each of the three operations six letters, so everything stands at a fixed distance from the end of the DID. Threads
 * import this file, so it imports nothing.
 */

/** Where the DID begins. */
export const didAt = '{"did":"'.length

const timeFromDid = '","time_us":'.length
const timeDigits = 16

/** From the end of the DID to the kind. */
export const kindFromDid = timeFromDid + timeDigits + ',"kind":"'.length

/** From the end of a commit's DID to its collection. */
export const collectionFromDid =
  kindFromDid + 'commit","commit":{"rev":"1234567890123","operation":"create","collection":"'.length

export const quote = 0x22

/** The `time_us` of the line that begins at `start`. */
export function timeUsAt(bytes: Buffer, start: number): number {
  let at = bytes.indexOf(quote, start + didAt) + timeFromDid
  let value = 0
  for (const end = at + timeDigits; at < end; at++) value = value * 10 + (bytes[at]! - 0x30)
  return value
}
