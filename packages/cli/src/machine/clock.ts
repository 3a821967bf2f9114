import { get as getHttp, type IncomingMessage } from 'node:http'
import { get as getHttps } from 'node:https'
import { span } from '../suite/units.ts'

/** Off by more than this is worth a word: events carry times, and those from the future are refused, milliseconds. */
export const clockToleranceMs = 5_000

/**
 * How far this machine's clock is ahead of a server's, milliseconds, by its `Date` header, which is exact to a second.
 *
 * @throws (rejects) where it does not answer in time, or without a date
 */
export async function clockAheadMs(url: string, timeoutMs = 10_000): Promise<number> {
  const sentAt = Date.now()
  const date = await dateOf(url, timeoutMs)
  const at = (sentAt + Date.now()) / 2
  // The header leaves the part of a second out: half of it, on average.
  const ahead = at - (Date.parse(date) + 500)
  if (Number.isNaN(ahead)) throw new Error(`${url} answers without a date`)
  return ahead
}

function dateOf(url: string, timeoutMs: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const get = url.startsWith('https:') ? getHttps : getHttp
    const request = get(url, { signal: AbortSignal.timeout(timeoutMs), agent: false }, response => {
      resolve(response.headers.date ?? '')
      abandon(response)
    })
    request.on('error', reject)
  })
}

function abandon(response: IncomingMessage): void {
  response.on('error', () => {})
  response.destroy()
}

/** A source as an address that HTTP can ask: `wss://host/subscribe` is `https://host/`. */
export function httpOf(source: string): string {
  return new URL('/', source.replace(/^ws/, 'http')).href
}

/** How a clock is off, in words. */
export function inWords(aheadMs: number): string {
  return `${span(Math.abs(aheadMs))} ${aheadMs > 0 ? 'ahead' : 'behind'}`
}

export const clockRemedy =
  'set the clock, and keep it right: `timedatectl set-ntp true`, or install chrony; in a container the host’s clock counts'
