import { get, type IncomingMessage } from 'node:http'

/** What a service says at `/_health`. */
export interface HealthAnswer {
  version: string
  status: 'ok' | 'starting' | 'degraded'
  lagMs: number | null
  cursor: number | null
}

const maxBytes = 4 * 1024 * 1024

/**
 * The body of an answer over HTTP, whatever its status. Leaner than `fetch`, for who asks all day long.
 *
 * @throws (rejects) where there is none in time, or more than 4 MiB of it
 */
export function ask(
  url: string | { socketPath: string; path: string },
  { timeoutMs = 3_000 }: { timeoutMs?: number } = {},
): Promise<string> {
  return new Promise((resolve, reject) => {
    const signal = AbortSignal.timeout(timeoutMs)
    const options = { signal, agent: false }
    const request = typeof url === 'string' ? get(url, options, read) : get({ ...url, ...options }, read)
    request.on('error', reject)
    function read(response: IncomingMessage): void {
      const chunks: Buffer[] = []
      let bytes = 0
      response.on('data', (chunk: Buffer) => {
        chunks.push(chunk)
        bytes += chunk.length
        if (bytes > maxBytes) request.destroy(new Error('the answer is too long'))
      })
      response.on('end', () => resolve(Buffer.concat(chunks).toString()))
      response.on('error', reject)
    }
  })
}

/** What a service answers of its health; undefined where nothing, or something else, is behind the address. */
export async function askHealth(address: string, timeoutMs?: number): Promise<HealthAnswer | undefined> {
  try {
    const answer: unknown = JSON.parse(await ask(`http://${address}/_health`, timeoutMs ? { timeoutMs } : {}))
    return isHealth(answer) ? answer : undefined
  } catch {
    return undefined
  }
}

function isHealth(value: unknown): value is HealthAnswer {
  if (typeof value !== 'object' || value === null) return false
  const { status, version } = value as Partial<HealthAnswer>
  return typeof version === 'string' && (status === 'ok' || status === 'starting' || status === 'degraded')
}
