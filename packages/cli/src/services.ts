import type { OptionsDefinition, OptionsShape } from '@orrery/server'

/** The options of a service, as far as they are the same for all. */
export type ServiceOptions = Pick<OptionsDefinition<OptionsShape>, 'prefix' | 'summary' | 'infos'>

/** A service of the suite, as the command line knows it. */
export interface ServiceEntry {
  name: string
  /** One line for help. */
  does: string
  /** Where it listens unless told otherwise. */
  port: number
  /** What it is for a client, behind its address. */
  path: string
  /** In the suite it reads from the suite's Jetstream, and not from the network. */
  followsJetstream: boolean
  /** Runs it as this process. */
  run: () => Promise<unknown>
  /** What it can be told. Loading that loads the whole service. */
  options: () => Promise<ServiceOptions>
  /** Options, by their name, that `--small` sets unless somebody else did. */
  small: Readonly<Record<string, string>>
}

/** All services, in the order they are started. */
export const services: readonly ServiceEntry[] = [
  {
    name: 'jetstream',
    does: 'the firehose as simple JSON over WebSocket',
    port: 6008,
    path: '/subscribe',
    followsJetstream: false,
    run: () => import('@orrery/jetstream/main'),
    options: async () => (await import('@orrery/jetstream')).jetstreamOptions,
    small: {
      verifyThreads: '1',
      memoryForRecent: '4MiB',
      memoryForReplay: '8MiB',
      retention: '24h',
      retentionSize: '20GB',
      maxConnections: '500',
      commitInterval: '50ms',
    },
  },
  {
    name: 'constellation',
    does: 'who links to this: counts, lists and pages',
    port: 6789,
    path: '/',
    followsJetstream: true,
    run: () => import('@orrery/constellation/main'),
    options: async () => (await import('@orrery/constellation')).constellationOptions,
    small: { commitInterval: '1s' },
  },
  {
    name: 'spacedust',
    does: 'links as they happen, over WebSocket',
    port: 6790,
    path: '/subscribe',
    followsJetstream: true,
    run: () => import('@orrery/spacedust/main'),
    options: async () => (await import('@orrery/spacedust')).spacedustOptions,
    small: { memoryForRecent: '1MiB', maxConnections: '500', commitInterval: '100ms' },
  },
  {
    name: 'slingshot',
    does: 'any record, any identity, fast',
    port: 6791,
    path: '/',
    followsJetstream: true,
    run: () => import('@orrery/slingshot/main'),
    options: async () => (await import('@orrery/slingshot')).slingshotOptions,
    small: { memory: '16MiB', identityMemory: '8MiB', commitInterval: '250ms' },
  },
  {
    name: 'ufos',
    does: 'what collections there are, and who uses them',
    port: 9990,
    path: '/',
    followsJetstream: true,
    run: () => import('@orrery/ufos/main'),
    options: async () => (await import('@orrery/ufos')).ufosOptions,
    small: { maxCollections: '20000' },
  },
]

/**
 * Where a service of the suite is reached from this machine, `host:port`: where its variable for `--listen` says, else on
 * its usual port.
 */
export function addressOf(
  { name, port }: Pick<ServiceEntry, 'name' | 'port'>,
  env: Readonly<Record<string, string | undefined>> = process.env,
): string {
  const [, host, own] = /^(?:(.*):)?(\d+)$/.exec(env[`${name.toUpperCase()}_LISTEN`]?.trim() ?? '') ?? []
  const isAnywhere = host === undefined || ['', '0.0.0.0', '[::]', '::'].includes(host)
  return `${isAnywhere ? '127.0.0.1' : host}:${own ?? port}`
}
