/** No time that anybody sends is longer. */
const maxLength = 64

/** How far ahead of ours a clock may be, milliseconds: what is tolerated of a rev too. */
const aheadMs = 5 * 60_000

/** Whether a text is a time, and short enough to be kept. */
export function isTime(text: string): boolean {
  return text.length <= maxLength && !Number.isNaN(Date.parse(text))
}

/**
 * A time as upstream gives it, where it can be true; otherwise empty. Hosts write what they like, and what is far in the
 * future would hide every lag and gap.
 */
export function plausibleTime(text: string, now: number): string {
  return isTime(text) && Date.parse(text) <= now + aheadMs ? text : ''
}
