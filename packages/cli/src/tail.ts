import {
  createMemoryProgress,
  defaultSources,
  type FirehoseEvent,
  openFirehose,
  parseSources,
  type VerifyMode,
} from '@orrery/firehose'
import { createGuardedFetch, createIdentityResolver } from '@orrery/identity'
import { projectVersion } from '@orrery/server'
import { eventLines } from './event-line.ts'
import { dim, print, untilInterrupted } from './terminal.ts'

export interface TailOptions {
  source: string[]
  cursor?: number
  verify: string
  plcUrl: string
  allowPrivateHosts?: boolean
  json?: boolean
}

/** `orrery tail`: prints events until interrupted. What it says about connections goes to standard error. */
export async function tail(options: TailOptions): Promise<void> {
  const signal = untilInterrupted()
  const userAgent = `orrery/${projectVersion()}`
  const sources = parseSources(options.source.length > 0 ? options.source : defaultSources)
  const progress = createMemoryProgress()
  if (options.cursor !== undefined) {
    const cursors = sources.map(({ key }) => ({ source: key, cursor: options.cursor!, time: '', seen: [] }))
    progress.save({ cursors, accounts: [], notices: [], gaps: [] })
  }
  await using fetch = createGuardedFetch({ allowPrivateHosts: options.allowPrivateHosts, userAgent })
  await using identity = createIdentityResolver({ plcUrl: options.plcUrl, fetch, userAgent })
  await using firehose = await openFirehose({
    sources,
    progress,
    verify: readVerify(options.verify),
    identity,
    signal,
    userAgent,
    onNotice: ({ source, message }) => process.stderr.write(`${dim(`${source}: ${message}`)}\n`),
  })
  for await (const batch of firehose) {
    for (const event of batch.events) {
      if (options.json) print(JSON.stringify(plain(event)))
      else print(...eventLines(event))
    }
    progress.save(batch.progress)
  }
}

function readVerify(text: string): VerifyMode {
  if (text === 'strict' || text === 'timely' || text === 'off') return text
  throw new Error(`--verify is strict, timely or off, not "${text}"`)
}

/** An event with its records as values instead of bytes. */
function plain(event: FirehoseEvent): unknown {
  if (event.kind !== 'commit') return event
  const ops = event.ops.map(op => ({
    ...op,
    record: op.record ? (JSON.parse(Buffer.from(op.record).toString()) as unknown) : null,
  }))
  return { ...event, ops }
}
