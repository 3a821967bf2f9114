import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import type { Gap } from './events.ts'
import { waitForOthers } from './merge.ts'
import { parseSource } from './source.ts'
import { SourceState } from './source-state.ts'

const old = new Date(Date.now() - 3_600_000).toISOString()

function setUp() {
  const gaps: Gap[] = []
  const options = { onGap: (gap: Gap): unknown => gaps.push(gap) }
  const known = new SourceState(
    parseSource('wss://known'),
    { source: parseSource('wss://known').key, cursor: 10, time: old, seen: [] },
    options,
  )
  const fresh = new SourceState(parseSource('wss://fresh'), undefined, options)
  const stop = new AbortController()
  const wait = (state: SourceState, aloneMs?: number) => {
    const result = { isOver: false }
    void waitForOthers(state, [known, fresh], { signal: stop.signal, aloneMs }).then(() => {
      result.isOver = true
    })
    return result
  }
  const receive = (state: SourceState, time: string): void => {
    state.watermark.add(11, time).done = true
    state.received(11, time)
  }
  return { known, fresh, gaps, stop, wait, receive }
}

describe('a new source, when merging', () => {
  it('begins at once where nobody has a position, or it has one itself', async () => {
    const { known, fresh, stop } = setUp()
    const startedAt = performance.now()
    await waitForOthers(known, [known, fresh], { signal: stop.signal })
    await waitForOthers(fresh, [fresh], { signal: stop.signal })
    expect(performance.now() - startedAt).toBeLessThan(100)
  })

  it('waits until another has caught up', async () => {
    const { known, fresh, wait, receive, gaps } = setUp()
    const waiting = wait(fresh, 1_500)
    await sleep(50)
    known.connected()
    receive(known, old)
    await sleep(2_000)
    expect(waiting.isOver).toBe(false)
    known.connected()
    receive(known, new Date().toISOString())
    await sleep(400)
    expect(waiting.isOver).toBe(true)
    receive(fresh, new Date().toISOString())
    expect(gaps).toEqual([])
  })

  it('goes ahead, with a gap, when nobody else can be reached', async () => {
    const { fresh, wait, receive, gaps } = setUp()
    const waiting = wait(fresh, 100)
    await sleep(400)
    expect(waiting.isOver).toBe(true)
    const now = new Date().toISOString()
    receive(fresh, now)
    expect(gaps).toMatchObject([{ from: old, to: now, reason: 'new_source' }])
  })

  it('ends with the signal', async () => {
    const { fresh, wait, stop } = setUp()
    const waiting = wait(fresh)
    stop.abort()
    await sleep(10)
    expect(waiting.isOver).toBe(true)
  })
})
