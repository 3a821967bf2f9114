import { describe, expect, it } from 'vitest'
import { ConnectionError } from './errors.ts'
import type { CursorChange, Gap } from './events.ts'
import { parseSource } from './source.ts'
import { SourceState } from './source-state.ts'
import { followInTurn, type Outcome } from './turns.ts'

const failed = (retryAfterMs?: number): Outcome => ({
  good: false,
  error: new ConnectionError('refused', 'refused', { retryAfterMs }),
})
const good: Outcome = { good: true, error: new ConnectionError('closed', 'closed') }

const saved = (source: string, cursor: number, time: string): CursorChange => ({
  source: parseSource(source).key,
  cursor,
  time,
  seen: [],
})

/** Plays how connections go, one after the other, and answers to whom they were made. */
async function play(
  names: readonly string[],
  script: readonly (Outcome | ((state: SourceState) => Outcome))[],
  cursors: readonly CursorChange[] = [],
) {
  const gaps: Gap[] = []
  const states = names.map(name => {
    const source = parseSource(name)
    const cursor = cursors.find(change => change.source === source.key)
    return new SourceState(source, cursor, { onGap: gap => gaps.push(gap) })
  })
  const stop = new AbortController()
  const order: string[] = []
  const asked: (number | undefined)[] = []
  const notices: string[] = []
  await followInTurn(states, {
    signal: stop.signal,
    backoff: { firstMs: 2, maxMs: 4 },
    notice: (level, source, message) => notices.push(`${level} ${source}: ${message}`),
    async follow(state) {
      const outcome = script[order.length]!
      order.push(state.source.name)
      asked.push(state.cursor)
      if (order.length === script.length) stop.abort()
      return typeof outcome === 'function' ? outcome(state) : outcome
    },
  })
  return { order: order.join(' '), asked, notices, states, gaps }
}

/** A connection that gives an event, and ends. */
const gives =
  (cursor: number, time: string, outcome: Outcome = failed()) =>
  (state: SourceState): Outcome => {
    state.watermark.add(cursor, time).done = true
    state.received(cursor, time)
    return outcome
  }

describe('turns', () => {
  it('a single source is tried for ever', async () => {
    const { order, notices } = await play(
      ['wss://a'],
      Array.from({ length: 8 }, () => failed()),
    )
    expect(order).toBe('a a a a a a a a')
    expect(notices[0]).toMatch(/warn a: refused; trying again in 0\.0 s/)
  })

  it('the next source gets its turn after three tries, in a circle', async () => {
    const { order, notices } = await play(
      ['wss://a', 'wss://b'],
      Array.from({ length: 8 }, () => failed()),
    )
    expect(order).toBe('a a a b b b a a')
    expect(notices[2]).toContain('b is next')
  })

  it('a good connection that ends is tried again, as often as any', async () => {
    const { order } = await play(['wss://a', 'wss://b'], [good, good, failed(), failed(), failed()])
    expect(order).toBe('a a a a b')
  })

  it('a source that asks for patience gives way to the next at once, and gets it', async () => {
    const { order } = await play(
      ['wss://a', 'wss://b', 'wss://c'],
      [failed(60_000), failed(60_000), failed(), failed(), failed(), failed()],
    )
    expect(order).toBe('a b c c c c')
  })

  it('where all ask for patience, the one that is ready first is next, when it is', async () => {
    const startedAt = performance.now()
    const { order } = await play(['wss://a', 'wss://b'], [failed(150), failed(60_000), failed()])
    expect(order).toBe('a b a')
    expect(performance.now() - startedAt).toBeGreaterThan(140)
  })

  it('a single source that asks for patience gets it', async () => {
    const startedAt = performance.now()
    await play(['wss://a'], [failed(100), failed()])
    expect(performance.now() - startedAt).toBeGreaterThan(95)
  })

  it('end with the signal, also in a pause', async () => {
    const stop = new AbortController()
    const state = new SourceState(parseSource('wss://a'), undefined, { onGap: () => {} })
    const end = followInTurn([state], {
      signal: stop.signal,
      backoff: { firstMs: 60_000 },
      notice: () => {},
      follow: async () => failed(),
    })
    await new Promise(setImmediate)
    stop.abort()
    await expect(end).resolves.toBeUndefined()
  })
})

describe('a relay that follows on another', () => {
  it('goes on from a cursor of its own', async () => {
    const { order, asked, gaps } = await play(
      ['wss://a', 'wss://b'],
      [gives(10, '2026-07-04T00:00:10Z'), failed(), failed(), gives(70, '2026-07-04T00:00:11Z'), failed()],
      [saved('wss://a', 9, '2026-07-04T00:00:09Z'), saved('wss://b', 50, '2026-07-04T00:00:05Z')],
    )
    expect(order).toBe('a a a b b')
    expect(asked).toEqual([9, 10, 10, 50, 70])
    expect(gaps).toEqual([])
  })

  it('without one makes a gap, from the last event of the other', async () => {
    const { gaps, asked } = await play(
      ['wss://a', 'wss://b'],
      [gives(10, '2026-07-04T00:00:10Z'), failed(), failed(), failed(), gives(7, '2026-07-04T00:00:30Z')],
    )
    expect(asked).toEqual([undefined, 10, 10, undefined, undefined])
    expect(gaps).toEqual([
      {
        source: parseSource('wss://b').key,
        from: '2026-07-04T00:00:10Z',
        to: '2026-07-04T00:00:30Z',
        reason: 'new_source',
      },
    ])
  })

  it('makes that gap also when the other was followed before a restart', async () => {
    const { gaps } = await play(
      ['wss://new', 'wss://old'],
      [gives(7, '2026-07-04T00:00:30Z')],
      [saved('wss://old', 10, '2026-07-04T00:00:10Z')],
    )
    expect(gaps).toMatchObject([{ from: '2026-07-04T00:00:10Z', to: '2026-07-04T00:00:30Z' }])
  })

  it('makes none at the very first start', async () => {
    const { gaps } = await play(
      ['wss://a', 'wss://b'],
      [failed(), failed(), failed(), gives(7, '2026-07-04T00:00:30Z')],
    )
    expect(gaps).toEqual([])
  })
})

describe('a Jetstream that follows on another', () => {
  const [a, b] = ['wss://a/subscribe', 'wss://b/subscribe']
  const second = 1_000_000
  const t = 1_780_000_000 * second

  it('begins ten seconds before, on the clock that they share', async () => {
    const { asked } = await play([a, b], [gives(t, ''), failed(), failed(), failed()])
    expect(asked).toEqual([undefined, t, t, t - 10 * second])
  })

  it('does not go back to where it was left long ago', async () => {
    const { asked } = await play(
      [a, b],
      [gives(t, ''), failed(), failed(), failed()],
      [saved(a, t, '2026-07-04T00:00:10Z'), saved(b, t - 3_600 * second, '2026-07-03T23:00:10Z')],
    )
    expect(asked[3]).toBe(t - 10 * second)
  })

  it('goes on from its own cursor where that is newer', async () => {
    const { asked, states } = await play(
      [a, b],
      [gives(t, ''), failed(), failed(), failed()],
      [saved(a, t, '2026-07-04T00:00:10Z'), saved(b, t - 3 * second, '2026-07-04T00:00:07Z')],
    )
    expect(asked[3]).toBe(t - 3 * second)
    expect(states[1]!.cursorIsItsOwn).toBe(true)
  })

  it('is the one to go on with after a restart, though it is not the first choice', async () => {
    const { order, asked } = await play(
      [a, b],
      [failed(), failed(), failed(), failed()],
      [saved(a, t, '2026-07-04T00:00:10Z'), saved(b, t + 60 * second, '2026-07-04T00:01:10Z')],
    )
    expect(order).toBe('b b b a')
    expect(asked).toEqual([...Array.from({ length: 3 }, () => t + 60 * second), t + 50 * second])
  })
})
