/**
 * Percent-escapes in their one form: those of letters, digits and `-._~` become the character itself, all others have
 * upper-case digits. Undefined where a `%` is not followed by two hex digits.
 *
 * @see https://www.rfc-editor.org/rfc/rfc3986#section-6.2.2
 */
export function normaliseEscapes(text: string): string | undefined {
  if (!text.includes('%')) return text
  if (/%(?![0-9A-Fa-f]{2})/.test(text)) return undefined
  return text.replaceAll(/%[0-9A-Fa-f]{2}/g, escape => {
    const char = String.fromCharCode(Number.parseInt(escape.slice(1), 16))
    return /[A-Za-z0-9\-._~]/.test(char) ? char : escape.toUpperCase()
  })
}

/** Lower case for ASCII, except the digits of escapes, which stay as `normaliseEscapes` leaves them. */
export function lowerCaseKeepingEscapes(text: string): string {
  const lower = text.toLowerCase()
  return lower.includes('%') ? lower.replaceAll(/%../g, escape => escape.toUpperCase()) : lower
}
