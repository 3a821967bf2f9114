import type { Gap } from '@orrery/firehose'
import { type HttpServer, wantsHtml } from '@orrery/server'
import { homePage } from '../pages/home.ts'
import type { LinkReader } from '../store.ts'
import { sendAnswer } from './answer.ts'

const dayMs = 24 * 60 * 60 * 1000

/** What `GET /` tells of the index. */
export interface HomeBody {
  help: string
  /** Whole days; null while there is nothing. */
  days_indexed: number | null
  stats: {
    dids: number
    targetables: number
    linking_records: number
    /** Microseconds since 1970. */
    started_at: number | null
    other_data: Record<string, number>
  }
  /** Spans of time that no source could give, newest first. */
  gaps: readonly Gap[]
}

export interface HomeOptions {
  reader: LinkReader
  version: string
  gaps: () => readonly Gap[]
  now: () => number
}

/** `GET /`: what is in the index, and as a page, how to ask it. */
export function addHome(app: HttpServer, { reader, version, gaps, now }: HomeOptions): void {
  app.get('/', async (request, reply) => {
    const isPage = wantsHtml(request.raw)
    const stats = await reader.stats()
    const { startedAt } = stats
    const body: HomeBody = {
      help: 'Open this address in a browser for the documentation of the API and forms to try it.',
      days_indexed: startedAt === undefined ? null : Math.max(0, Math.floor((now() - startedAt) / dayMs)),
      stats: {
        dids: stats.dids,
        targetables: stats.targetables,
        linking_records: stats.linkingRecords,
        started_at: startedAt === undefined ? null : startedAt * 1000,
        other_data: { links: stats.links },
      },
      gaps: gaps(),
    }
    const text = isPage ? homePage(body, version) : JSON.stringify(body)
    return sendAnswer(request, reply, { text, isPage })
  })
}
