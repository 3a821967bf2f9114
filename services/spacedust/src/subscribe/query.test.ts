import { describe, expect, it } from 'vitest'
import { ClientMessageError, readClientMessage } from './message.ts'
import { QueryError, readSubscribeQuery } from './query.ts'

const read = (query: string) => readSubscribeQuery(`/subscribe?${query}`)

describe('the query', () => {
  it('has lists by repetition, decoded, + for a space', () => {
    expect(read('wantedSubjects=a+b&wantedSubjects=c%23d&wantedSources=x:y[]').filter).toMatchObject({
      subjects: ['a b', 'c#d'],
      sources: ['x:y[]'],
    })
  })

  it('takes brackets and indices, without gaps', () => {
    expect(read('wantedSources[]=a&wantedSources%5B%5D=b').filter.sources).toEqual(['a', 'b'])
    expect(read('wantedSources[0]=a&wantedSources[1]=b').filter.sources).toEqual(['a', 'b'])
    expect(() => read('wantedSources[0]=a&wantedSources[2]=b')).toThrow(
      new QueryError('wantedSources has a gap in its indices'),
    )
  })

  it('takes an empty value for none, and ignores what it does not know', () => {
    expect(read('wantedSubjects=&wantedSubjects&whatever=1').filter.subjects).toEqual([])
    expect(readSubscribeQuery('/subscribe').filter.subjects).toEqual([])
  })

  it('has flags that are true or false, once', () => {
    expect(read('instant=true').instant).toBe(true)
    expect(read('instant=false').instant).toBe(false)
    expect(read('').instant).toBe(false)
    for (const bad of [
      'instant=1',
      'instant=TRUE',
      'instant=',
      'instant=true&instant=true',
      'compress=yes',
    ]) {
      expect(() => read(bad)).toThrow(/^unable to parse query string: /)
    }
  })

  it('has a cursor in microseconds, fields and a heartbeat', () => {
    expect(read('cursor=1767225600000000').cursor).toBe(1_767_225_600_000_000)
    expect(read('cursor=0').cursor).toBe(0)
    expect(read('cursor=').cursor).toBeUndefined()
    expect(read('fields=time_us').fields).toEqual(['time_us'])
    expect(read('heartbeat=5').heartbeatMs).toBe(5_000)
    for (const bad of [
      'cursor=1767225600',
      'cursor=-1',
      'cursor=x',
      'fields=nonsense',
      'heartbeat=0',
      'x=%',
    ]) {
      expect(() => read(bad)).toThrow(QueryError)
    }
  })
})

describe('options_update', () => {
  const update = (payload: unknown): string => JSON.stringify({ type: 'options_update', payload })

  it('replaces all lists; those left out are empty', () => {
    expect(readClientMessage(update({ wantedSources: ['a:b'], instant: 'whatever' }))).toMatchObject({
      sources: ['a:b'],
      subjects: [],
    })
    expect(readClientMessage(update({}))).toMatchObject({ sources: [] })
  })

  it.each([
    ['not json', /not JSON/],
    ['[]', /expected \{"type"/],
    ['{"type":"hello","payload":{}}', /type is not options_update/],
    ['{"type":"options_update"}', /payload is not an object/],
    ['{"type":"options_update","payload":null}', /payload is not an object/],
    ['{"type":"options_update","payload":[]}', /payload is not an object/],
    ['{"type":"options_update","payload":{"wantedSources":null}}', /wantedSources is not a list of strings/],
    ['{"type":"options_update","payload":{"wantedSubjects":"a"}}', /wantedSubjects is not a list/],
    ['{"type":"options_update","payload":{"wantedSubjectDids":[1]}}', /wantedSubjectDids is not a list/],
    ['['.repeat(100_000), /too many brackets/],
  ])('refuses %.60s', (text, why) => {
    expect(() => readClientMessage(text)).toThrow(ClientMessageError)
    expect(() => readClientMessage(text)).toThrow(why)
  })
})
