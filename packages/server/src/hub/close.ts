/** Close codes of RFC 6455, section 7.4.1. */
export const closeCodes = { goingAway: 1001, policy: 1008, internal: 1011 } as const

/** RFC 6455, section 5.5: a control frame holds 125 bytes, of which two are the code. */
const maxReasonBytes = 123

/** A close frame holds 123 bytes of reason; ws throws on more. Cut between characters. */
export function cutReason(reason: string): string {
  // No reason needs more characters than bytes, and nobody is to be made to measure a megabyte.
  const bytes = Buffer.from(reason.slice(0, maxReasonBytes + 1))
  if (bytes.length <= maxReasonBytes) return reason
  // `stream` leaves out a character that is cut in two.
  return `${new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes.subarray(0, maxReasonBytes - 3), { stream: true })}...`
}
