const did = /^did:[a-z]*:[A-Za-z0-9._:%-]*[A-Za-z0-9._%-]$/

/** The longest DID that counts as one, in characters. */
export const maxDidLength = 2048

/**
 * Whether the text is a DID, as far as links go: laxer than atproto's syntax in that the method may be empty and a `%`
 * may stand alone. A DID has one form, so there is nothing to normalise.
 *
 * @see https://atproto.com/specs/did
 */
export function isDid(text: string): boolean {
  return text.length <= maxDidLength && did.test(text)
}
