import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { PDS } from '@atproto/pds'
import { listenOnLoopback } from './listen.ts'
import { loadSecrets, type PdsSecrets } from './pds-secrets.ts'

export interface PdsOptions {
  readonly plcUrl: string
  /** Default 0: a free port, kept over {@link Pds.stop} and {@link Pds.start}. */
  readonly port?: number
  /** Where it keeps everything. Default: a new temporary directory, removed on dispose. */
  readonly dataDir?: string
  /** How far back the firehose can be replayed. Default one day. */
  readonly firehoseWindowMs?: number
  /** How many events wait for a slow subscriber before it gets `ConsumerTooSlow`. Default 500. */
  readonly firehoseBuffer?: number
}

export interface Pds extends AsyncDisposable {
  /** `http://localhost:port`, as it stands in the DID documents of its accounts. */
  readonly url: string
  /** `localhost:port`, as a relay would call it. */
  readonly hostname: string
  readonly port: number
  /** Of the user `admin`, by HTTP Basic authentication. */
  readonly adminPassword: string
  readonly dataDir: string
  /** Stops serving and keeps the data: an outage. Does nothing when stopped. */
  stop(): Promise<void>
  /** Serves again, on the same port and data. Does nothing when running. */
  start(): Promise<void>
}

/**
 * Starts a real PDS on loopback. It has no mailer, no app view, no crawlers and no telemetry, asks for no invites, hands
 * out handles under `.test`, and makes no request to anything but its PLC. It writes no logs unless the environment
 * variable `LOG_ENABLED` is `1`; `process.env` is neither read for its configuration nor changed.
 *
 * @throws when the port is taken or `dataDir` cannot be written.
 */
export async function startPds(options: PdsOptions): Promise<Pds> {
  const temporary = options.dataDir === undefined
  const dataDir = options.dataDir ?? (await mkdtemp(join(tmpdir(), 'orrery-pds-')))
  const cleanUp = async (): Promise<void> => {
    if (temporary) await rm(dataDir, { recursive: true, force: true })
  }

  try {
    await mkdir(dataDir, { recursive: true })
    const secrets = await loadSecrets(dataDir)
    let running: Running | undefined = await launch(options, options.port ?? 0, dataDir, secrets)
    const { port } = running

    const stop = async (): Promise<void> => {
      const stopping = running
      running = undefined
      await stopping?.close()
    }
    return {
      url: `http://localhost:${port}`,
      hostname: `localhost:${port}`,
      port,
      adminPassword: secrets.adminPassword,
      dataDir,
      stop,
      start: async () => {
        running ??= await launch(options, port, dataDir, secrets)
      },
      [Symbol.asyncDispose]: async () => {
        await stop()
        await cleanUp()
      },
    }
  } catch (error) {
    await cleanUp()
    throw error
  }
}

interface Running {
  readonly port: number
  close(): Promise<void>
}

async function launch(
  options: PdsOptions,
  wantedPort: number,
  dataDir: string,
  secrets: PdsSecrets,
): Promise<Running> {
  // Loaded late: it takes seconds, which a test that needs no PDS should not pay.
  const { PDS, envToCfg, envToSecrets } = await import('@atproto/pds')

  // Its URL goes into its configuration, so the port must be ours before it exists.
  const reserved = createServer()
  const port = await listenOnLoopback(reserved, wantedPort)
  try {
    const environment = {
      port,
      hostname: 'localhost',
      serviceDid: `did:web:localhost%3A${port}`,
      // Without it, a PDS insists on https.
      devMode: true,
      dataDirectory: dataDir,
      blobstoreDiskLocation: join(dataDir, 'blobs'),
      blobstoreDiskTmpLocation: join(dataDir, 'blobs-tmp'),
      didPlcUrl: options.plcUrl,
      serviceHandleDomains: ['.test'],
      inviteRequired: false,
      adminPassword: secrets.adminPassword,
      jwtSecret: secrets.jwtSecret,
      plcRotationKeyK256PrivateKeyHex: secrets.plcRotationKeyHex,
      repoBackfillLimitMs: options.firehoseWindowMs,
      maxSubscriptionBuffer: options.firehoseBuffer,
    }
    const pds = await PDS.create(envToCfg(environment), envToSecrets(environment))
    listenThrough(pds, reserved)
    await pds.start()
    const poller = keepPolling(pds)
    return {
      port,
      close: async () => {
        clearInterval(poller)
        await pds.destroy()
      },
    }
  } catch (error) {
    reserved.close()
    throw error
  }
}

/** Makes `pds.start()` take over the socket that we listen on, which is on loopback, and not open its own on all interfaces. */
function listenThrough(pds: PDS, reserved: ReturnType<typeof createServer>): void {
  const listen = pds.app.listen.bind(pds.app)
  pds.app.listen = () => listen(reserved)
}

/**
 * A PDS looks for new events to send at intervals that double up to a second while there are none. That second would be
 * paid at each step of a test and when it stops, so the counter behind it is kept low: events go out within 40 ms.
 */
function keepPolling(pds: PDS): NodeJS.Timeout {
  const { sequencer } = pds.ctx
  return setInterval(() => {
    sequencer.triesWithNoResults = Math.min(sequencer.triesWithNoResults, 3)
  }, 20).unref()
}
