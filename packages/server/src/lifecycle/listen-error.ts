import type { OptionsDescription } from '../options/define.ts'

/** What an address that cannot be listened on means, and what to do. */
const reasons: Readonly<Record<string, (port: number, host: string) => string>> = {
  EADDRINUSE: (port, host) =>
    `port ${port} on ${host} is in use by another program. Stop that one, or choose another port`,
  EACCES: port => `port ${port} may not be used by this user. Choose a port above 1023`,
  EADDRNOTAVAIL: (port, host) =>
    `this machine has no address ${host} to listen on, for port ${port}. Choose another host`,
}

/**
 * One sentence for an error of `listen`, naming the port and the option it came from; undefined for any other error.
 */
export function explainListenError(
  error: unknown,
  { infos }: OptionsDescription,
  options: Readonly<Record<string, unknown>>,
): string | undefined {
  if (!(error instanceof Error)) return undefined
  const { code, syscall, port, address } = error as NodeJS.ErrnoException & {
    port?: number
    address?: string
  }
  const reason = reasons[code ?? '']
  if (!reason || port === undefined || (syscall !== 'listen' && syscall !== 'bind')) return undefined
  const named = infos
    .filter(info => portOf(options[info.key]) === port)
    .map(info => `${info.flag} or ${info.env}`)
  const where = named.length === 0 ? '' : ` with ${named.join(', or ')}`
  return `${reason(port, address ?? 'this machine')}${where}.`
}

function portOf(value: unknown): number | undefined {
  return typeof value === 'object' && value !== null && 'port' in value ? Number(value.port) : undefined
}
