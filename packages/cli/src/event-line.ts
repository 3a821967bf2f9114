import type { FirehoseEvent } from '@orrery/firehose'
import { cyan, dim, green, red, yellow } from './terminal.ts'

/** An event as one line for people, or a few for a commit of several operations. */
export function eventLines(event: FirehoseEvent, nameOf: (did: string) => string = did => did): string[] {
  const time = dim(timeOf(event))
  const who = cyan(nameOf(event.did).padEnd(16))
  if (event.kind === 'identity') return [`${time}  ${who}  ${yellow('identity')}  ${event.handle ?? ''}`]
  if (event.kind === 'account') {
    const state = event.active ? green('active') : red(event.status ?? 'inactive')
    return [`${time}  ${who}  ${yellow('account')}   ${state}`]
  }
  if (event.kind === 'sync') return [`${time}  ${who}  ${yellow('sync')}      rev ${event.rev}`]
  // A Jetstream is taken at its word: there is nothing to say of checks.
  const mark = event.timeUs !== undefined ? '' : event.verified ? `${green('✓')} ` : `${dim('·')} `
  return event.ops.map(({ action, collection, rkey, record }) => {
    const sign = { create: green('+'), update: yellow('~'), delete: red('-') }[action]
    return `${time}  ${who}  ${sign} ${collection} ${dim(rkey)} ${mark}${gist(record)}`.trimEnd()
  })
}

/** What a record says, in a few words. */
function gist(record: Uint8Array | null): string {
  if (!record) return ''
  const { text, displayName, subject } = JSON.parse(Buffer.from(record).toString()) as Record<string, unknown>
  const said = typeof text === 'string' ? text : typeof displayName === 'string' ? displayName : undefined
  if (said !== undefined) {
    const oneLine = said.replaceAll(/\s+/g, ' ')
    return oneLine.length > 60 ? `${oneLine.slice(0, 59)}…` : oneLine
  }
  if (typeof subject === 'string') return dim(`→ ${subject}`)
  if (typeof subject === 'object' && subject !== null && 'uri' in subject)
    return dim(`→ ${String(subject.uri)}`)
  return ''
}

function timeOf({ time, timeUs }: FirehoseEvent): string {
  const date = time === '' ? new Date((timeUs ?? 0) / 1000) : new Date(time)
  return Number.isNaN(date.getTime()) ? '--:--:--.---' : date.toISOString().slice(11, 23)
}
