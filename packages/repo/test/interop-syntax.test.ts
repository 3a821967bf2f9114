import {
  isAtIdentifierString,
  isAtUriString,
  isDatetimeString,
  isValidDid,
  isValidHandle,
  isValidLanguage,
  isValidNsid,
  isValidRecordKey,
  isValidTid,
  isValidUri,
} from '@atproto/syntax'
import { describe, expect, it } from 'vitest'
import { codecs, isCollection, isTid, tryParseCid, tryParsePath } from '../src/index.ts'
import { interopLines, interopSyntaxes, hasSharedData, whySkipped } from './shared-data.ts'

/** What this project asks for each syntax. CIDs are not here: ours is a stricter rule, see below. */
const checks: Record<string, readonly ((text: string) => boolean)[]> = {
  atidentifier: [isAtIdentifierString],
  aturi: [text => isAtUriString(text)],
  datetime: [isDatetimeString],
  did: [isValidDid],
  handle: [isValidHandle],
  language: [isValidLanguage],
  nsid: [isValidNsid, isCollection, text => tryParsePath(`${text}/self`)?.collection === text],
  recordkey: [isValidRecordKey, text => tryParsePath(`com.example.record/${text}`)?.rkey === text],
  tid: [isValidTid, isTid],
  uri: [isValidUri],
}

/** Where the library and the files differ. Languages and URIs are for Lexicon validation, which nothing of ours does. */
const exceptions = {
  takes: new Set(['jaja', 'JA', `https://example.com/${'x'.repeat(8200)}`]),
  refuses: new Set(['content-type:text/plan', 'microsoft.windows.camera:thing']),
}

describe.skipIf(!hasSharedData)(`interop: syntax${whySkipped}`, () => {
  const syntaxes = interopSyntaxes()
  it('knows every syntax that there are files for', () => {
    expect(syntaxes.filter(name => name !== 'cid')).toEqual(Object.keys(checks))
  })

  describe.each(syntaxes.filter(name => name !== 'cid'))('%s', name => {
    it.each(named(`syntax/${name}_syntax_valid.txt`))('takes %s', (_, text) => {
      expect(checks[name]!.map(check => check(text))).not.toContain(exceptions.refuses.has(text))
    })
    it.each(named(`syntax/${name}_syntax_invalid.txt`))('refuses %s', (_, text) => {
      expect(checks[name]!.map(check => check(text))).not.toContain(!exceptions.takes.has(text))
    })
  })

  // Well-formed, yet not a date or a language: the second kind of file says what a parser must still refuse.
  it.each(interopLines('syntax/datetime_parse_invalid.txt'))('refuses the date %s', text => {
    expect(isDatetimeString(text)).toBe(false)
  })
  it.each(interopLines('syntax/language_parse_invalid.txt'))(
    'has no opinion on the repeated subtag of %s',
    text => {
      expect(isValidLanguage(text)).toBe(true)
    },
  )

  describe('cid', () => {
    // The syntax allows whatever looks like a CID: any base, codec and hash. A link of atproto is CIDv1 in base32, sha2-256,
    // dag-cbor or raw, and nothing else has a place in a record; so all the examples of the syntax but none are links.
    it.each(interopLines('syntax/cid_syntax_valid.txt'))(
      'refuses %s: valid syntax, but not a link of atproto',
      text => {
        expect(tryParseCid(text)).toBeUndefined()
      },
    )
    it.each(interopLines('syntax/cid_syntax_invalid.txt'))('refuses %j', text => {
      expect(tryParseCid(text)).toBeUndefined()
    })
    it.each([
      ['bafyreidfayvfuwqa7qlnopdjiqrxzs6blmoeu4rujcjtnci5beludirz2a', codecs.dagCbor],
      ['bafkreiccldh766hwcnuxnf2wh6jgzepf2nlu2lvcllt63eww5p6chi4ity', codecs.raw],
    ])('takes %s', (text, codec) => {
      expect(tryParseCid(text)?.codec).toBe(codec)
      expect(tryParseCid(text)?.toString()).toBe(text)
    })
  })
})

/** The cases of a file with names for the report: some are thousands of characters. */
function named(path: string): (readonly [string, string])[] {
  return interopLines(path).map(text => [JSON.stringify(text.slice(0, 60)), text] as const)
}
