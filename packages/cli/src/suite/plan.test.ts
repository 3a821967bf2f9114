import { OptionsError } from '@orrery/server'
import { beforeAll, describe, expect, it } from 'vitest'
import { services } from '../services.ts'
import type { Definitions } from './config.ts'
import { loadDefinitions } from './definitions.ts'
import { type Plan, type PlanInput, planSuite } from './plan.ts'

let definitions: Definitions
beforeAll(async () => {
  definitions = await loadDefinitions()
})

function plan(input: Partial<PlanInput> & { settings?: unknown }): Plan {
  const { settings, ...rest } = input
  const file = settings === undefined ? undefined : { name: 'orrery.config.json', value: settings }
  return planSuite({ flags: {}, env: {}, file, services, definitions, ...rest })
}

function problemsOf(input: Parameters<typeof plan>[0]): readonly string[] {
  try {
    plan(input)
  } catch (error) {
    if (error instanceof OptionsError) return error.problems
    throw error
  }
  return []
}

const variable = ({ services: all }: Plan, name: string): string | undefined =>
  all.map(({ env }) => env[name]).find(text => text !== undefined)

describe('planSuite', () => {
  it('runs every service in order, each in its folder, the Jetstream before those that read it', () => {
    const { services: all, dataDir, small } = plan({})
    expect(all.map(({ name }) => name)).toEqual(services.map(({ name }) => name))
    expect([dataDir, small]).toEqual(['./data', false])
    expect(all.map(({ dataDir: folder }) => folder)).toEqual(services.map(({ name }) => `data/${name}`))
    const [jetstream, ...others] = all
    expect(jetstream!.followsJetstream).toBe(false)
    for (const { followsJetstream, source } of others)
      expect([followsJetstream, source]).toEqual([true, ['ws://127.0.0.1:6008/subscribe']])
  })

  it('follows the Jetstream wherever it listens, unless a source is named', () => {
    const moved = plan({ env: { JETSTREAM_LISTEN: '0.0.0.0:7000', SPACEDUST_SOURCE: 'wss://relay.example' } })
    const { constellation, spacedust } = Object.fromEntries(moved.services.map(each => [each.name, each]))
    expect([constellation?.followsJetstream, constellation?.source]).toEqual([
      true,
      ['ws://127.0.0.1:7000/subscribe'],
    ])
    expect([spacedust?.followsJetstream, spacedust?.source]).toEqual([false, ['wss://relay.example']])
    const byFile = plan({ settings: { jetstream: { listen: '127.0.0.1:7001' } } })
    expect(byFile.services[1]!.source).toEqual(['ws://127.0.0.1:7001/subscribe'])
  })

  it('lets services that run without the Jetstream read the network themselves', () => {
    const { services: all } = plan({ flags: { without: ['jetstream'] } })
    expect(all.map(({ name }) => name)).not.toContain('jetstream')
    for (const { followsJetstream, source } of all) {
      expect([followsJetstream, source[0]]).toEqual([false, 'wss://relay1.us-east.bsky.network'])
    }
  })

  it('takes the environment before the settings, these before --small, and that before what is usual', () => {
    const settings = {
      small: true,
      jetstream: { retention: '3h', verifyThreads: 2 },
      all: { logLevel: 'warn' },
    }
    const env = { JETSTREAM_RETENTION: '5h', CONSTELLATION_LOG_LEVEL: 'debug', SLINGSHOT_LOG_LEVEL: '' }
    const all = plan({ settings, env })
    expect(all.small).toBe(true)
    expect(variable(all, 'JETSTREAM_RETENTION')).toBe('5h')
    expect(variable(all, 'JETSTREAM_VERIFY_THREADS')).toBe('2')
    expect(variable(all, 'JETSTREAM_MEMORY_FOR_RECENT')).toBe('4MiB')
    expect(variable(all, 'CONSTELLATION_LOG_LEVEL')).toBe('debug')
    expect(variable(all, 'SLINGSHOT_LOG_LEVEL')).toBe('warn')
    const big = plan({ settings, env, flags: { small: false } })
    expect(variable(big, 'JETSTREAM_MEMORY_FOR_RECENT')).toBeUndefined()
  })

  it('takes flags before the settings', () => {
    const settings = { dataDir: '/srv/a', only: ['jetstream'] }
    expect(plan({ settings }).services.map(({ dataDir }) => dataDir)).toEqual(['/srv/a/jetstream'])
    const flags = { dataDir: '/srv/b', only: ['spacedust', 'jetstream'] }
    expect(plan({ settings, flags }).services.map(({ dataDir }) => dataDir)).toEqual([
      '/srv/b/jetstream',
      '/srv/b/spacedust',
    ])
  })

  it('takes lists, numbers and booleans as the settings have them', () => {
    const all = plan({
      settings: {
        jetstream: { source: ['wss://a.example', 'wss://b.example'], merge: true, maxConnections: 7 },
        backup: { to: 's3://bucket/orrery', every: '6h', keep: { daily: 7 } },
      },
    })
    expect(all.services[0]!.source).toEqual(['wss://a.example', 'wss://b.example'])
    expect(variable(all, 'JETSTREAM_MERGE')).toBe('true')
    expect(variable(all, 'JETSTREAM_MAX_CONNECTIONS')).toBe('7')
    expect(all.backup).toEqual({ to: 's3://bucket/orrery', everyMs: 6 * 3_600_000, keep: { daily: 7 } })
  })

  it('names everything that is wrong at once, each at its place', () => {
    const settings = {
      smal: true,
      only: 'jetstream',
      small: 'yes',
      jetstream: { merge: 'yes', source: 'wss://a.example', retension: '1h', retention: '1 week' },
      slingshot: [],
      all: { dataDir: '/srv' },
      backup: { every: '1s', keep: { dayly: 1, weekly: -1 } },
    }
    const at = 'orrery.config.json: '
    expect(problemsOf({ settings, env: { JETSTREAM_LISTEN: '127.0.0.1:6790', SPACEDUST_FOO: '1' } })).toEqual(
      [
        `${at}smal: there is no such setting; did you mean small?`,
        `${at}only: expected names of services in brackets, such as ["jetstream"]`,
        `${at}small: expected true or false`,
        `${at}backup.to: expected a folder or s3://bucket/prefix`,
        `${at}backup.every: expected a time of at least 5 minutes, such as "6h" or "1d"`,
        `${at}backup.keep.dayly: there is no such setting; did you mean daily?`,
        `${at}backup.keep.weekly: expected a whole number of 0 or more`,
        `${at}all.dataDir: there is no such option`,
        `${at}jetstream.merge: expected true or false`,
        `${at}jetstream.source: expected texts without commas in brackets, such as ["a", "b"]`,
        `${at}jetstream.retension: there is no such option; did you mean retention?`,
        `${at}slingshot: expected options in braces, such as { "logLevel": "warn" }`,
        `${at}jetstream.retention: expected a duration with its unit, such as 48h, 30s or 250ms; got "1 week"`,
        'SPACEDUST_FOO is not an option',
      ],
    )
    expect(problemsOf({ env: { JETSTREAM_LISTEN: '127.0.0.1:6790' } })).toEqual([
      'port 6790 is given to JETSTREAM_LISTEN and SPACEDUST_LISTEN',
    ])
    expect(problemsOf({ settings: [] })).toEqual([`${at}expected an object in braces`])
    expect(problemsOf({ flags: { only: ['x'] } })).toEqual([
      `only: there is no service "x"; there are ${services.map(({ name }) => name).join(', ')}`,
      'only, without: no service is left to run',
    ])
  })

  it('has options for --small that every service takes', () => {
    expect(problemsOf({ flags: { small: true } })).toEqual([])
    for (const { name, small } of services) {
      const keys = definitions.get(name)!.infos.map(({ key }) => key)
      expect(keys).toEqual(expect.arrayContaining(Object.keys(small)))
    }
  })
})
