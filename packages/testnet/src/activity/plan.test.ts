import { describe, expect, it } from 'vitest'
import type { Account } from '../account.ts'
import { ACTIVITY_KINDS, type ActivityKind, DEFAULT_MIX, drawKind } from './kinds.ts'
import { type Plan, planNext } from './plan.ts'
import { createRandom } from './random.ts'
import { postRecord } from './records.ts'
import { type ActivityState, createState, forget, remember } from './state.ts'

/** Stands in where only who it is matters. */
function someone(name: string): Account {
  return { did: `did:plc:${name}`, handle: `${name}.test` } as Account
}

/** Plays an activity without a network: every action is taken to succeed. */
function play(seed: number, actions: number, mix = DEFAULT_MIX, salt = ''): string[] {
  const random = createRandom(seed)
  const state = createState(['alice', 'bob', 'carol', 'dan'].map(name => someone(name + salt)))
  return Array.from({ length: actions }, (_, i) => {
    const plan = planNext(random, mix, state)
    pretend(plan, state, i, salt)
    return `${plan.kind} ${plan.kind === 'signup' ? '' : state.actors.indexOf(plan.actor)}`
  })
}

function pretend(plan: Plan, state: ActivityState, number: number, salt: string): void {
  if (plan.kind === 'signup') {
    state.actors.push({ account: someone(`guest${number}${salt}`), temporary: true, active: true })
  } else if (plan.kind === 'close') {
    state.actors.splice(state.actors.indexOf(plan.actor), 1)
    forget(state, record => record.actor === plan.actor)
  } else if (plan.kind === 'deactivate' || plan.kind === 'reactivate') {
    plan.actor.active = plan.kind === 'reactivate'
  } else if (plan.kind === 'delete') {
    forget(state, record => record === plan.record)
  } else {
    const record = { uri: `at://${salt}/${number}`, cid: 'c', actor: plan.actor }
    remember(state, record, plan.kind === 'post')
  }
}

function isPossible(plan: Plan): boolean {
  // 18 characters and `.test`.
  if ('handle' in plan && plan.handle.length > 23) return false
  if (plan.kind === 'signup') return true
  if (plan.kind === 'close') return plan.actor.temporary
  return plan.actor.active === (plan.kind !== 'reactivate')
}

describe('planNext', () => {
  it('is determined by the seed, whatever the accounts are called', () => {
    const kinds = play(1, 2_000)
    expect(play(1, 2_000, DEFAULT_MIX, 'x')).toEqual(kinds)
    expect(play(2, 2_000)).not.toEqual(kinds)
  })

  it('keeps about to the mix', () => {
    const counts = Map.groupBy(play(3, 20_000), entry => entry.split(' ')[0] as ActivityKind)
    const share = (kind: ActivityKind): number => (counts.get(kind)?.length ?? 0) / 200
    for (const kind of ['like', 'post', 'repost', 'follow'] as const) {
      expect({ kind, off: Math.abs(share(kind) - DEFAULT_MIX[kind]) < 1.5 ? 'a little' : 'a lot' }).toEqual({
        kind,
        off: 'a little',
      })
    }
    expect([...counts.keys()].toSorted()).toEqual(ACTIVITY_KINDS.toSorted())
  })

  it('stays within bounds and possible, whatever the mix', () => {
    const even = Object.fromEntries(ACTIVITY_KINDS.map(kind => [kind, 1])) as Record<ActivityKind, number>
    const random = createRandom(4)
    const state = createState(['alice', 'bob'].map(someone))
    for (let i = 0; i < 5_000; i++) {
      const plan = planNext(random, even, state)
      expect(isPossible(plan)).toBe(true)
      pretend(plan, state, i, '')
      expect(state.actors.length).toBeLessThanOrEqual(7)
      expect(Math.max(state.posts.length, state.records.length)).toBeLessThanOrEqual(500)
    }
  })
})

describe('drawKind', () => {
  it('never draws what has no weight', () => {
    const none = Object.fromEntries(ACTIVITY_KINDS.map(kind => [kind, 0])) as Record<ActivityKind, number>
    const random = createRandom(5)
    const drawn = new Set(
      Array.from({ length: 500 }, () => drawKind(random, { ...none, follow: 1, close: 1 })),
    )
    expect(drawn).toEqual(new Set(['follow', 'close']))
  })
})

describe('createRandom', () => {
  it('spreads evenly', () => {
    const random = createRandom(6)
    const buckets = Array.from({ length: 10 }, () => 0)
    for (let i = 0; i < 10_000; i++) buckets[random.below(10)]!++
    expect(Math.min(...buckets)).toBeGreaterThan(850)
    expect(Math.max(...buckets)).toBeLessThan(1_150)
    expect(random.pick([])).toBeUndefined()
  })
})

describe('postRecord', () => {
  it('has facets whose bytes are the text that they mark', () => {
    const random = createRandom(7)
    const mention = { did: 'did:plc:bob', handle: 'bob.test' }
    const found = new Set<string>()
    for (let i = 0; i < 500; i++) {
      const { text, extra } = postRecord(random, { other: { uri: 'at://x', cid: 'c' }, mention })
      for (const key of Object.keys(extra)) found.add(key)
      expect(text.length).toBeLessThan(300)
      for (const { index, features } of (extra.facets ?? []) as Facet[]) {
        expect(index.byteEnd).toBeLessThanOrEqual(Buffer.byteLength(text))
        const marked = Buffer.from(text).subarray(index.byteStart, index.byteEnd).toString()
        expect([features[0]?.uri, `#${features[0]?.tag}`, '@bob.test']).toContain(marked)
      }
    }
    expect(found).toEqual(new Set(['reply', 'embed', 'facets']))
  })
})

interface Facet {
  readonly index: { readonly byteStart: number; readonly byteEnd: number }
  readonly features: readonly { readonly uri?: string; readonly tag?: string }[]
}
