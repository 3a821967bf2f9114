import { describe, expect, it } from 'vitest'
import type { CursorChange, Gap } from './events.ts'
import { parseSource } from './source.ts'
import { SourceState, type Suspicion } from './source-state.ts'

const source = parseSource('wss://relay.test')
const start = Date.UTC(2026, 6, 4)

function setUp(saved?: Partial<CursorChange>, suspicion?: Partial<Suspicion>) {
  const clock = { now: start }
  const gaps: Gap[] = []
  const state = new SourceState(
    source,
    saved && { source: source.key, cursor: 100, time: new Date(start).toISOString(), seen: [], ...saved },
    { onGap: gap => gaps.push(gap), now: () => clock.now, suspicion },
  )
  let seq = saved?.cursor ?? 100
  return {
    clock,
    gaps,
    state,
    at: (ms: number) => new Date(start + ms).toISOString(),
    /** An event that was sent `ms` after the start, and whether it is done with. */
    receive: (ms: number, done = true) => {
      const time = new Date(start + ms).toISOString()
      const mark = state.watermark.add(++seq, time, clock.now)
      mark.done = done
      state.received(seq, time)
      return mark
    },
  }
}

describe('the cursor', () => {
  it('is the saved one, then the newest received', () => {
    const { state, receive } = setUp({})
    expect([state.cursor, state.cursorIsItsOwn]).toEqual([100, true])
    receive(1, false)
    expect(state.cursor).toBe(101)
    expect(setUp().state.cursor).toBeUndefined()
  })

  it('is saved when it has moved, and as far as everything is done with', () => {
    const { state, receive, at } = setUp({})
    expect(state.takeCursor()).toBeUndefined()
    const open = receive(1, false)
    receive(2)
    expect(state.takeCursor()).toBeUndefined()
    open.done = true
    expect(state.takeCursor()).toEqual({ source: source.key, cursor: 102, time: at(2), seen: [] })
    expect(state.takeCursor()).toBeUndefined()
  })

  it('has the names of what was seen at it', () => {
    const { state, receive } = setUp({ seen: ['a'] })
    expect([state.wasSeenAt(100, 'a'), state.wasSeenAt(100, 'b'), state.wasSeenAt(101, 'a')]).toEqual([
      true,
      false,
      false,
    ])
    receive(1)
    state.seen(101, 'x')
    expect(state.takeCursor()).toMatchObject({ cursor: 101, seen: ['x'] })
    state.seen(101, 'y')
    expect(state.takeCursor()).toMatchObject({ cursor: 101, seen: ['x', 'y'] })
    expect(state.wasSeenAt(100, 'a')).toBe(false)
  })
})

describe('a gap', () => {
  it('is from the last event before to the first behind', () => {
    const { state, receive, gaps, at } = setUp({})
    state.missed('outdated_cursor')
    expect(gaps).toEqual([])
    receive(5_000)
    expect(gaps).toEqual([{ source: source.key, from: at(0), to: at(5_000), reason: 'outdated_cursor' }])
    receive(6_000)
    expect(gaps).toHaveLength(1)
  })

  it('is handed over with the cursor that passes it', () => {
    const { state, receive, gaps } = setUp({})
    receive(1)
    state.missed('outdated_cursor')
    const open = receive(5_000, false)
    receive(6_000)
    expect(state.takeGaps()).toEqual([])
    expect(state.takeCursor()).toMatchObject({ cursor: 101 })
    open.done = true
    expect(state.takeGaps()).toEqual(gaps)
    expect(state.takeGaps()).toEqual([])
  })

  it('is none where a source that lost our place reaches back behind it', () => {
    const { state, receive, gaps, at } = setUp({ time: new Date(start + 1_000).toISOString() })
    state.restartFromTheOldest()
    expect(state.cursor).toBe(0)
    receive(500)
    expect(gaps).toEqual([])
    state.restartFromTheOldest()
    receive(9_000)
    expect(gaps).toMatchObject([{ from: at(500), to: at(9_000), reason: 'future_cursor' }])
  })

  it('ends now where the first event behind it tells no believable time', () => {
    const { state, receive, gaps, clock, at } = setUp({})
    clock.now = start + 60_000
    state.missed('new_source', at(1_000))
    receive(-5_000)
    expect(gaps).toMatchObject([{ from: at(1_000), to: at(60_000) }])
  })

  it('may begin at a time that nobody knows', () => {
    const { state, receive, gaps, at } = setUp({ time: '' })
    state.missed('outdated_cursor')
    receive(1)
    expect(gaps).toMatchObject([{ from: '', to: at(1) }])
  })
})

describe('silence', () => {
  const suspicion = { perSecond: 5, forMs: 10_000, silenceMs: 3_000 }

  /** Events at a pace, each `lateMs` after it was sent. */
  function flow(set: ReturnType<typeof setUp>, { seconds = 11, perSecond = 6, lateMs = 100 } = {}): void {
    for (let i = 0; i < seconds * perSecond; i++) {
      set.clock.now += 1_000 / perSecond
      set.receive(set.clock.now - start - lateMs)
    }
  }

  it('is suspicious of a source that was busy for long enough', () => {
    const set = setUp(undefined, suspicion)
    set.state.connected()
    expect(set.state.suspiciousSilenceMs()).toBeUndefined()
    flow(set, { seconds: 9 })
    expect(set.state.suspiciousSilenceMs()).toBeUndefined()
    flow(set, { seconds: 2 })
    expect(set.state.suspiciousSilenceMs()).toBe(3_000)
    set.clock.now += 4_000
    expect(set.state.suspiciousSilenceMs()).toBe(3_000)
  })

  it('is not of one that is slow', () => {
    const set = setUp(undefined, suspicion)
    set.state.connected()
    flow(set, { seconds: 60, perSecond: 4 })
    expect(set.state.suspiciousSilenceMs()).toBeUndefined()
  })

  it('is not of one that has replayed much, and is quiet now', () => {
    const set = setUp({}, suspicion)
    set.state.connected()
    flow(set, { seconds: 30, perSecond: 100, lateMs: 3_600_000 })
    expect(set.state.suspiciousSilenceMs()).toBeUndefined()
  })

  it('is forgiven a new connection, until it was busy again', () => {
    const set = setUp(undefined, suspicion)
    set.state.connected()
    flow(set)
    set.state.connected()
    expect(set.state.suspiciousSilenceMs()).toBeUndefined()
  })

  it('is forgiven after a quiet span', () => {
    const set = setUp(undefined, suspicion)
    set.state.connected()
    flow(set)
    set.clock.now += 11_000
    expect(set.state.suspiciousSilenceMs()).toBeUndefined()
  })

  it('is by default suspicious after a minute, of five events a second over five minutes', () => {
    const set = setUp()
    set.state.connected()
    flow(set, { seconds: 299 })
    expect(set.state.suspiciousSilenceMs()).toBeUndefined()
    flow(set, { seconds: 2 })
    expect(set.state.suspiciousSilenceMs()).toBe(60_000)
  })
})

describe('the delay', () => {
  it('is the least of the last seconds, so that one late sender is no lag', () => {
    const { state, clock, receive } = setUp()
    state.connected()
    clock.now += 1_000
    receive(900)
    expect(state.delayMs).toBe(100)
    receive(-3_600_000)
    expect(state.delayMs).toBe(100)
    // All late, for longer than that.
    for (let i = 0; i < 5; i++) {
      clock.now += 1_000
      receive(-3_600_000)
    }
    expect(state.delayMs).toBeGreaterThan(3_600_000)
  })

  it('is never negative, and stays on a quiet network', () => {
    const { state, clock, receive } = setUp()
    state.connected()
    receive(200)
    expect(state.delayMs).toBe(0)
    clock.now += 3_600_000
    expect(state.delayMs).toBe(0)
  })

  it('is what was missed, just after connecting, until it is clear that nothing was', () => {
    const { state, clock } = setUp({})
    clock.now += 3_600_000
    state.connected()
    expect(state.delayMs).toBe(3_600_000)
    clock.now += 6_000
    expect(state.delayMs).toBe(0)
  })

  it('is nothing where nothing is known', () => {
    const { state } = setUp()
    state.connected()
    expect(state.delayMs).toBe(0)
  })
})

it('its status says where it is', () => {
  const { state, receive, at } = setUp({})
  expect(state.status()).toMatchObject({ connected: false, everConnected: false, cursor: 100, time: at(0) })
  state.lastError = 'refused'
  state.connected()
  receive(7, false)
  expect(state.status()).toEqual({
    source: source.key,
    name: 'relay.test',
    connected: true,
    everConnected: true,
    cursor: 101,
    time: at(7),
    lastError: '',
  })
  state.disconnected()
  expect(state.status()).toMatchObject({ connected: false, everConnected: true })
})
