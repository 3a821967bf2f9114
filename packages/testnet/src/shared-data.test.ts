import { describe, expect, it } from 'vitest'
import { loadCorpus } from './corpus.ts'
import { encodeFrame, seqOf } from './frame.ts'
import { loadRelayScenarios } from './scenarios.ts'
import { hasSharedData, interopLines, interopText, SHARED_DATA_ABSENT, sharedData } from './shared-data.ts'

describe('sharedData', () => {
  it('answers undefined for what is absent', async () => {
    expect(hasSharedData('no-such-folder')).toBe(false)
    expect(await interopText('syntax/no_such_file.txt')).toBeUndefined()
    expect(sharedData('firehose', 'frames.bin.zst')).toMatch(/shared\/data\/firehose\/frames\.bin\.zst$/)
  })

  it('reads the cases of a text file', async context => {
    const tids = await interopLines('syntax/tid_syntax_valid.txt')
    context.skip(tids === undefined, SHARED_DATA_ABSENT)
    expect(tids).toContain('3jzfcijpj2z2a')
    expect(tids?.filter(line => line.length !== 13)).toEqual([])
  })
})

describe('loadCorpus', () => {
  it('has consecutive frames, what became of them, and whose they are', async context => {
    const corpus = await loadCorpus()
    context.skip(corpus === undefined, SHARED_DATA_ABSENT)
    if (!corpus) return

    const numbers = corpus.frames.map(seqOf)
    expect(numbers).toHaveLength(80)
    expect(numbers).toEqual(numbers.toSorted((a, b) => Number(a) - Number(b)))
    expect(corpus.expectedV1).toHaveLength(82)
    const dids = corpus.expectedV1.map(line => (JSON.parse(line) as { did: string }).did)
    expect(dids.filter(did => corpus.didDocuments.get(did)?.id !== did)).toEqual([])
    expect(Buffer.from(corpus.dictionaryV1).readUInt32LE(4)).toBe(1612007021)
  })
})

describe('loadRelayScenarios', () => {
  it('has frames that can be sent and documents that point at us', async context => {
    const scenarios = await loadRelayScenarios('http://127.0.0.1:4')
    context.skip(scenarios === undefined, SHARED_DATA_ABSENT)
    if (!scenarios) return

    expect(scenarios.map(({ name }) => name)).toEqual([
      'account_lifecycle',
      'deactivation',
      'post_lifecycle',
      'rev_ordering',
    ])
    for (const { accounts, messages } of scenarios) {
      const numbers = messages.map(({ frame }) => seqOf(encodeFrame(frame)))
      expect(new Set(numbers).size).toBe(messages.length)
      expect(numbers).toEqual(numbers.toSorted((a, b) => Number(a) - Number(b)))
      for (const { did, document } of accounts) {
        expect(document.verificationMethod[0]?.id).toBe(`${did}#atproto`)
        expect(document.service.map(service => service.serviceEndpoint)).toEqual(['http://127.0.0.1:4'])
      }
    }
    expect(scenarios.flatMap(({ messages }) => messages).filter(({ drop }) => drop)).toHaveLength(3)
  })
})
