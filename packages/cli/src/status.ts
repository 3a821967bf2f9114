import { addressOf, services } from './services.ts'
import { bold, green, print, red, table, yellow } from './terminal.ts'

interface Answer {
  version?: string
  status: string
  lagMs?: number | null
  cursor?: number | null
}

/** `orrery status`: asks each service's health. Exits with 1 unless all are ok. */
export async function status({ host, json }: { host: string; json?: boolean }): Promise<void> {
  const answers = await Promise.all(
    services.map(async service => {
      const port = Number(addressOf(service).split(':').at(-1))
      return { name: service.name, port, answer: await ask(`http://${host}:${port}/_health`) }
    }),
  )
  if (answers.some(({ answer }) => answer.status !== 'ok')) process.exitCode = 1
  if (json) {
    print(
      JSON.stringify(
        Object.fromEntries(answers.map(({ name, port, answer }) => [name, Object.assign({ port }, answer)])),
        undefined,
        2,
      ),
    )
    return
  }
  print(
    ...table(
      ['service', 'port', 'status', 'lag', 'cursor', 'version'],
      answers.map(({ name, port, answer }) => [
        bold(name),
        String(port),
        coloured(answer.status),
        answer.lagMs === null || answer.lagMs === undefined ? '-' : `${(answer.lagMs / 1000).toFixed(1)} s`,
        String(answer.cursor ?? '-'),
        answer.version ?? '-',
      ]),
    ),
  )
}

async function ask(url: string): Promise<Answer> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(3_000) })
    return (await response.json()) as Answer
  } catch {
    return { status: 'not running' }
  }
}

function coloured(text: string): string {
  return text === 'ok' ? green(text) : text === 'starting' ? yellow(text) : red(text)
}
