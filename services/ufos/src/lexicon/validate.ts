import {
  jsonToLex,
  LexiconDefNotFoundError,
  type LexiconDoc,
  Lexicons,
  parseLexiconDoc,
} from '@atproto/lexicon'
import type { Sample } from '../store.ts'
import type { PublishedLexicon, NoLexicon } from './lexicons.ts'

/** What came of holding samples against their lexicon. */
export interface Validation {
  /** How many could be judged. */
  checked: number
  valid: number
  /** Those that do not fit, with what is wrong first. */
  invalid: { uri: string; error: string }[]
  /** Why some samples, or all, could not be judged: the lexicon makes no sense, is of no record, or refers to one that is not to be had. */
  error: string | null
}

/** How many lexicons one may refer to, and those to others. */
const maxLexicons = 40

/** Holds samples of a collection against its lexicon, with those that it refers to. Hostile lexicons and records are expected. */
export async function validateSamples(
  { nsid, schema }: Pick<PublishedLexicon, 'nsid' | 'schema'>,
  samples: readonly Sample[],
  resolve: (nsid: string) => Promise<PublishedLexicon | NoLexicon>,
): Promise<Validation> {
  const result: Validation = { checked: 0, valid: 0, invalid: [], error: null }
  const lexicons = new Lexicons()
  try {
    const document = parseLexiconDoc(schema)
    lexicons.add(document)
    if (document.defs['main']?.type !== 'record') return { ...result, error: 'the lexicon is of no record' }
    await addReferred(lexicons, document, resolve)
  } catch (error) {
    return { ...result, error: `the lexicon makes no sense: ${messageOf(error)}` }
  }
  for (const { did, collection, rkey, json } of samples) {
    const uri = `at://${did}/${collection}/${rkey}`
    try {
      lexicons.assertValidRecord(nsid, jsonToLex(JSON.parse(json)))
      result.checked++
      result.valid++
    } catch (error) {
      // That is not the record's fault.
      if (error instanceof LexiconDefNotFoundError) result.error ??= messageOf(error)
      else {
        result.checked++
        result.invalid.push({ uri, error: messageOf(error) })
      }
    }
  }
  return result
}

/** Adds what a lexicon refers to, directly or not. What is not to be had, or makes no sense, is left out. */
async function addReferred(
  lexicons: Lexicons,
  first: LexiconDoc,
  resolve: (nsid: string) => Promise<PublishedLexicon | NoLexicon>,
): Promise<void> {
  const seen = new Set<string>([first.id])
  let documents = [first]
  while (documents.length > 0) {
    const wanted = [...new Set(documents.flatMap(refsOf))].filter(nsid => !seen.has(nsid))
    const next = wanted.slice(0, maxLexicons - seen.size)
    for (const nsid of next) seen.add(nsid)
    const found = await Promise.all(next.map(resolve))
    documents = found.flatMap(one => {
      try {
        const document = 'schema' in one ? parseLexiconDoc(one.schema) : undefined
        if (document) lexicons.add(document)
        return document ? [document] : []
      } catch {
        return []
      }
    })
  }
}

/** The NSIDs of other lexicons that one refers to. */
function refsOf(document: LexiconDoc): string[] {
  const found: string[] = []
  // Not by a function that calls itself: it may be as deep as JSON can be.
  const left: unknown[] = [document.defs]
  while (left.length > 0) {
    const value = left.pop()
    if (typeof value !== 'object' || value === null) continue
    for (const [key, inner] of Object.entries(value)) {
      if (key === 'ref' || key === 'refs')
        found.push(...[inner].flat().filter(ref => typeof ref === 'string'))
      else left.push(inner)
    }
  }
  return found.flatMap(ref => /^(?:lex:)?([^#]+)/.exec(ref)?.[1] ?? []).filter(nsid => nsid !== document.id)
}

function messageOf(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error)
  return message.length > 300 ? `${message.slice(0, 300)}…` : message
}
