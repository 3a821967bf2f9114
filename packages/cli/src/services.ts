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
  },
  {
    name: 'constellation',
    does: 'who links to this: counts, lists and pages',
    port: 6789,
    path: '/',
    followsJetstream: true,
    run: () => import('@orrery/constellation/main'),
  },
  {
    name: 'spacedust',
    does: 'links as they happen, over WebSocket',
    port: 6790,
    path: '/subscribe',
    followsJetstream: true,
    run: () => import('@orrery/spacedust/main'),
  },
  {
    name: 'slingshot',
    does: 'any record, any identity, fast',
    port: 6791,
    path: '/',
    followsJetstream: true,
    run: () => import('@orrery/slingshot/main'),
  },
]

/**
 * Where a service of the suite is reached from this machine, `host:port`: where its variable for `--listen` says, else on
 * its usual port.
 */
export function addressOf(
  { name, port }: Pick<ServiceEntry, 'name' | 'port'>,
  env: NodeJS.ProcessEnv = process.env,
): string {
  const [, host, own] = /^(.*):(\d+)$/.exec(env[`${name.toUpperCase()}_LISTEN`] ?? '') ?? []
  const isAnywhere = host === undefined || ['', '0.0.0.0', '[::]', '::'].includes(host)
  return `${isAnywhere ? '127.0.0.1' : host}:${own ?? port}`
}
