import { describe, expect, it } from 'vitest'
import { Outbox } from './outbox.ts'
import { parseSource } from './source.ts'
import { SourceState } from './source-state.ts'
import { statusOf } from './status.ts'

const ago = (ms: number): string => new Date(Date.now() - ms).toISOString()

function setUp(...saved: (string | undefined)[]) {
  const outbox = new Outbox({ maxEvents: 100, maxBytes: 1_000 })
  const states = saved.map((time, i) => {
    const source = parseSource(`wss://relay${i}`)
    const cursor = time === undefined ? undefined : { source: source.key, cursor: 1, time, seen: [] }
    return new SourceState(source, cursor, { onGap: () => {} })
  })
  const receive = (i: number, sentMsAgo: number, done = true, arrivedMsAgo = 0): void => {
    const state = states[i]!
    const time = ago(sentMsAgo)
    state.watermark.add(2, time, Date.now() - arrivedMsAgo).done = done
    state.received(2, time)
  }
  return { outbox, states, receive, status: () => statusOf(states, outbox) }
}

/** A time span, give or take what the test itself takes. */
const about = (ms: number) =>
  expect.toSatisfy((value: unknown) => (value as number) >= ms && (value as number) < ms + 500) as number

describe('the state', () => {
  it('is starting until a source was reached, then live or down', () => {
    const { states, status } = setUp(undefined, undefined)
    expect(status().state).toBe('starting')
    states[1]!.connected()
    expect(status()).toMatchObject({ state: 'live', sources: [{ connected: false }, { connected: true }] })
    states[1]!.disconnected()
    expect(status().state).toBe('down')
    states[0]!.connected()
    expect(status().state).toBe('live')
  })
})

describe('the lag', () => {
  it('is not known before anything is', () => {
    expect(setUp(undefined).status()).toMatchObject({ lagMs: undefined, lastEventAgeMs: undefined })
  })

  it('is the age of the newest event while nothing is connected', () => {
    const { status } = setUp(ago(60_000), ago(90_000))
    expect(status()).toMatchObject({ state: 'starting', lagMs: about(60_000), lastEventAgeMs: about(60_000) })
  })

  it('is what was missed, from the moment of connecting', () => {
    const { states, status } = setUp(ago(60_000))
    states[0]!.connected()
    expect(status()).toMatchObject({ state: 'live', lagMs: about(60_000) })
  })

  it('is how late events are, and stays so when no more come', () => {
    const { states, status, receive } = setUp(ago(60_000))
    states[0]!.connected()
    receive(0, 45_000)
    expect(status()).toMatchObject({ lagMs: about(45_000), lastEventAgeMs: about(45_000) })
  })

  it('of several sources is that of the earliest', () => {
    const { states, status, receive } = setUp(undefined, undefined)
    for (const state of states) state.connected()
    receive(0, 45_000)
    receive(1, 2_000)
    expect(status().lagMs).toEqual(about(2_000))
    states[1]!.disconnected()
    expect(status().lagMs).toEqual(about(45_000))
  })

  it('grows with what is not given out, whatever its sender says of its age', () => {
    const { states, status, receive } = setUp(undefined)
    states[0]!.connected()
    receive(0, 1_000, true)
    receive(0, 365 * 86_400_000, false, 7_000)
    expect(status().lagMs).toEqual(about(8_000))
  })

  it('grows while the consumer does not come', async () => {
    const { states, status, receive, outbox } = setUp(undefined)
    states[0]!.connected()
    receive(0, 1_000)
    outbox.push({
      kind: 'identity',
      did: '',
      time: '',
      seq: 1,
      source: '',
      timeUs: undefined,
      handle: undefined,
    })
    await new Promise(resolve => setTimeout(resolve, 60))
    expect(status().lagMs).toBeGreaterThanOrEqual(1_059)
    outbox.take()
    expect(status().lagMs).toBeLessThan(1_059)
  })
})
