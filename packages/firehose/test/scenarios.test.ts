import {
  encodeFrame,
  loadRelayScenarios,
  type RelayScenario,
  SHARED_DATA_ABSENT,
  startFakePlc,
  startFakeRelay,
} from '@orrery/testnet'
import { describe, expect, it } from 'vitest'
import { endsOf, resolverFor, run } from './support/run.ts'

const scenarios = await loadRelayScenarios()

/** Plays a script, one message at a time, and answers the numbers of those that were given out. */
async function play({ accounts, messages, lenient }: RelayScenario) {
  await using relay = await startFakeRelay()
  await using plc = await startFakePlc(new Map(accounts.map(({ did, document }) => [did, document])))
  await using identity = resolverFor(plc.url)
  await using follower = await run({
    sources: [relay.url],
    identity,
    verify: lenient ? 'timely' : 'strict',
  })
  await relay.nextConnection()
  const { stats } = follower.firehose
  for (const [i, { frame }] of messages.entries()) {
    relay.push(encodeFrame(frame))
    await follower.until(`message ${i} to have come to its end`, () => endsOf(stats) === i + 1)
  }
  await follower.until('all events to be given out', () => countOf(stats.events) === follower.events.length)
  return { follower, seqs: follower.events.map(({ seq }) => seq), dropped: follower.dropped() }
}

const countOf = (counts: Record<string, number>): number =>
  Object.values(counts).reduce((total, count) => total + count, 0)

describe('relay scenarios', () => {
  it('are the four that are known', context => {
    context.skip(scenarios === undefined, SHARED_DATA_ABSENT)
    expect(scenarios!.map(({ name, lenient }) => `${name} ${lenient}`)).toEqual([
      'account_lifecycle false',
      'deactivation true',
      'post_lifecycle false',
      'rev_ordering false',
    ])
  })

  it.each(scenarios ?? [])('$name drops exactly what it says', async scenario => {
    const { seqs, dropped } = await play(scenario)
    const kept = scenario.messages.filter(({ drop }) => !drop).map(({ frame }) => frame.body.seq)
    expect(seqs).toEqual(kept)
    expect(countOf(dropped)).toBe(scenario.messages.length - kept.length)
    expect(dropped).toEqual(expectedDrops[scenario.name])
  })

  it.skipIf(scenarios === undefined)(
    'of before Sync 1.1 are counted as incomplete, and refused by strict',
    async () => {
      const scenario = scenarios!.find(({ lenient }) => lenient)!
      const { follower } = await play(scenario)
      expect(follower.firehose.stats).toMatchObject({ incomplete: 5, unverified: 0 })
      const { dropped, seqs } = await play({ ...scenario, lenient: false })
      // What is left are the account's own events.
      expect(seqs).toHaveLength(2)
      expect(dropped).toEqual({ missing_prev_data: 5, account_inactive: 1 })
    },
  )
})

const expectedDrops: Record<string, object> = {
  account_lifecycle: {},
  deactivation: { account_inactive: 1 },
  post_lifecycle: {},
  rev_ordering: { replay: 2 },
}
