import { RepoError } from './errors.ts'

const chars = '234567abcdefghijklmnopqrstuvwxyz'
const pattern = /^[234567a-j][234567a-z]{12}$/

/**
 * Whether the text is a TID: 13 characters of base32-sortable, of which the first stands for four bits. As the protocol's
 * own check, it leaves the top bit of the number open.
 *
 * @see https://atproto.com/specs/tid
 */
export function isTid(text: string): boolean {
  return text.length === 13 && pattern.test(text)
}

/**
 * The time in a TID, in microseconds since 1970.
 *
 * @throws RepoError `tid_invalid`
 */
export function tidToTimeUs(tid: string): number {
  if (!isTid(tid)) throw new RepoError('tid_invalid', `text=${tid.slice(0, 40)}`)
  // 11 characters are 55 bits: one that is always clear, the top bit, and 53 of time; 10 of clock identifier follow. Where
  // the top bit is set the time is beyond 2255, and then may be off by one.
  let timeUs = 0
  for (let i = 0; i < 11; i++) timeUs = timeUs * 32 + chars.indexOf(tid[i]!)
  return timeUs
}

/** The TID for a time in microseconds and a clock identifier below 1024. */
export function tidFromTimeUs(timeUs: number, clockId: number): string {
  let text = ''
  for (let rest = clockId, i = 0; i < 2; i++, rest = Math.floor(rest / 32)) text = chars[rest % 32]! + text
  for (let rest = timeUs, i = 0; i < 11; i++, rest = Math.floor(rest / 32)) text = chars[rest % 32]! + text
  return text
}
