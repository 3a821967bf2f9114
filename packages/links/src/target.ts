import { atUriParts, normaliseAtUri } from './at-uri.ts'
import { isDid } from './did.ts'
import { normaliseUri } from './uri.ts'

/** What a link is: tried in this order, the first that fits. */
export type LinkKind = 'at-uri' | 'did' | 'uri'

/** A text that is a link. */
export interface Target {
  kind: LinkKind
  /** The link in its one form: two texts link to the same if their targets are equal. */
  target: string
}

/**
 * What the text links to, or undefined where it is no link. The whole text must be one: nothing is trimmed, nothing
 * looked for inside. Normalising a target again changes nothing, up to 8,192 characters: beyond that an AT-URI is taken
 * for a URI of any scheme.
 */
export function parseTarget(text: string): Target | undefined {
  const first = text.charCodeAt(0)
  if (!isLetter(first)) {
    // An escape may hide the first letter of an AT-URI, as escapes go first there.
    return first === percent ? atUri(text) : undefined
  }
  if (first === letterD && isDid(text)) return { kind: 'did', target: text }
  if ((first | 0x20) === letterA) {
    const found = atUri(text)
    if (found) return found
  }
  const target = normaliseUri(text)
  return target === undefined ? undefined : { kind: 'uri', target }
}

/** The target that the text stands for, or undefined where it is no link. */
export function normaliseTarget(text: string): string | undefined {
  return parseTarget(text)?.target
}

/**
 * Whose a normalised target is: a DID is its own, an AT-URI its authority's, which may be a handle; of other targets it
 * is undefined.
 */
export function accountOf(target: string): string | undefined {
  if (target.startsWith('at://')) return atUriParts(target)?.authority
  return isDid(target) ? target : undefined
}

/** As `accountOf`, but only where the account is named by its DID. */
export function didOf(target: string): string | undefined {
  const account = accountOf(target)
  return account !== undefined && isDid(account) ? account : undefined
}

const percent = 0x25
const letterA = 0x61
const letterD = 0x64

function isLetter(code: number): boolean {
  const lower = code | 0x20
  return lower >= letterA && lower <= 0x7a
}

function atUri(text: string): Target | undefined {
  const target = normaliseAtUri(text)
  return target === undefined ? undefined : { kind: 'at-uri', target }
}
