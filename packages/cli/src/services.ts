/** A service of the suite, as the command line knows it. */
export interface ServiceEntry {
  name: string
  /** One line for help. */
  does: string
  /** Where it listens unless told otherwise. */
  port: number
  /** What it is for a client, behind its address. */
  path: string
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
    run: () => import('@orrery/jetstream/main'),
  },
]
