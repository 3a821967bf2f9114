import { z } from 'zod'

import { hostPort, httpUrl, list, proxyRange, sourceUrl } from './values.ts'

/** What differs between services in the options they share. */
export type CommonDefaults = {
  /** Sources in order of preference. */
  source: readonly string[]
  dataDir: string
  listen: string
  metricsListen: string
}

/** The options of logging, for programs that have no others in common with the services. */
export const logOptions = {
  logLevel: z
    .enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'])
    .default('info')
    .describe('The least severe log lines to write.'),
  logFormat: z
    .enum(['json', 'pretty'])
    .optional()
    .meta({ defaultText: 'pretty on a terminal, else json' })
    .describe('Log lines for machines or for people.'),
} as const

/**
 * The options that all services share, to spread into a service's own:
 * `options: { ...commonOptions({ … }), retention: duration().prefault('48h').describe('…') }`.
 */
export function commonOptions(defaults: CommonDefaults) {
  return {
    source: list(sourceUrl())
      .prefault([...defaults.source])
      .describe(
        'Where events come from, in order of preference: a relay or PDS (`wss://host`), or a Jetstream (`wss://host/subscribe`).',
      ),
    dataDir: z
      .string()
      .min(1)
      .default(defaults.dataDir)
      .meta({ placeholder: '<folder>' })
      .describe('The folder that holds all data.'),
    listen: hostPort().prefault(defaults.listen).describe('Where to serve.'),
    metricsListen: hostPort()
      .prefault(defaults.metricsListen)
      .describe('Where to serve Prometheus metrics; keep it private.'),
    plcUrl: httpUrl().prefault('https://plc.directory').describe('The directory that resolves `did:plc`.'),
    verify: z
      .enum(['strict', 'timely', 'off'])
      .default('timely')
      .describe(
        'How events of a relay are verified: `strict` lets nothing out that was not; `timely` waits up to 5 s for an account’s key and then lets the event out, counted as unverified; `off` trusts the source.',
      ),
    allowPrivateHosts: z
      .boolean()
      .default(false)
      .describe("Lets outbound requests go to private and loopback addresses; for networks of one's own."),
    trustProxy: list(proxyRange())
      .default([])
      .describe('Proxies whose `X-Forwarded-For` and `X-Request-Id` are believed, for instance `loopback`.'),
    ...logOptions,
  } as const
}
