import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { waitFor } from '@orrery/testnet'
import { afterEach, describe, expect, it } from 'vitest'

const command = new URL('../src/main.ts', import.meta.url).pathname

let stack = new AsyncDisposableStack()
afterEach(async () => {
  await stack.disposeAsync()
  stack = new AsyncDisposableStack()
})

interface Running {
  child: ChildProcess
  /** What it has printed. */
  output: () => string
  temporary: string
}

/** Runs the command as a user does, with a folder for temporary files of its own. */
async function run(...args: readonly string[]): Promise<Running> {
  const temporary = await mkdtemp(join(tmpdir(), 'orrery-cli-'))
  stack.defer(() => rm(temporary, { recursive: true, force: true }))
  const child = spawn(process.execPath, [command, ...args], {
    env: { ...process.env, TMPDIR: temporary },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  stack.defer(() => void child.kill('SIGKILL'))
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => (output += chunk.toString()))
  }
  return { child, output: () => output, temporary }
}

describe('orrery demo --simulated', () => {
  it('runs the suite on a simulated network, tells of its pace, and leaves nothing behind', async () => {
    const { child, output, temporary } = await run('demo', '--simulated', '60', '--accounts', '40')
    const exited = once(child, 'close')
    const url = await waitFor(() => /ws:\/\/127\.0\.0\.1:\d+\/subscribe/.exec(output())?.[0], {
      timeoutMs: 40_000,
      what: 'the address of the Jetstream',
    })
    expect(await readdir(temporary)).toHaveLength(1)

    // What it says to try works.
    const told = (pattern: RegExp): Promise<string> =>
      waitFor(() => pattern.exec(output())?.[1], { timeoutMs: 20_000, what: String(pattern) })
    const plc = await told(/PLC\s+(http\S+)\s/)
    const socket = new WebSocket(`${url}?cursor=0`)
    const events: { did: string; commit?: { collection: string } }[] = []
    socket.addEventListener('message', ({ data }) => events.push(JSON.parse(String(data)) as never))
    await waitFor(() => events.length > 100, { timeoutMs: 20_000 })
    socket.close()
    expect(new Set(events.map(({ commit }) => commit?.collection))).toContain('app.bsky.feed.like')
    expect((await fetch(`${plc}/${events[0]!.did}`)).status).toBe(200)
    const health = await fetch(url.replace('ws', 'http').replace('/subscribe', '/_health'))
    expect(await health.json()).toMatchObject({ status: 'ok' })

    // A line a second tells what goes in and what comes out.
    const lines = (): string[] => output().match(/in [\d,]+\/s {3}out [\d,]+\/s.* in all/g) ?? []
    await waitFor(() => lines().length >= 2, { timeoutMs: 20_000 })
    expect(lines().some(line => /out [1-9]/.test(line))).toBe(true)

    // So does the index behind it: what is counted there, and the page that it tells to open.
    const constellation = await told(/constellation\s+(http\S+)\s/)
    const indexed = async (): Promise<number> => {
      const { stats } = (await (await fetch(constellation)).json()) as { stats: { linking_records: number } }
      return stats.linking_records
    }
    await waitFor(async () => (await indexed()) > 20, { timeoutMs: 20_000, what: 'links in the index' })
    const liked = await waitFor(() => /♥ (\d+) .*? (http\S+)/.exec(output()), { timeoutMs: 30_000 })
    expect(Number(liked[1])).toBeGreaterThan(0)
    const page = await fetch(liked[2]!, { headers: { accept: 'text/html' } })
    expect(page.status).toBe(200)
    expect((await page.text()).replaceAll('<wbr />', '')).toContain('app.bsky.feed.like:subject.uri')

    child.kill('SIGINT')
    expect(await exited).toEqual([0, null])
    expect(output()).toMatch(
      /Stopped after \d+ events sent and \d+ operations received\. Nothing is left behind\./,
    )
    expect(await readdir(temporary)).toEqual([])
    await expect(fetch(plc)).rejects.toThrow('fetch failed')
    await expect(fetch(constellation)).rejects.toThrow('fetch failed')
    await expect(fetch(health.url)).rejects.toThrow('fetch failed')
  }, 90_000)

  it.each(['0', 'many', '-5'])('refuses a rate of %s', async rate => {
    const { child, output } = await run('demo', `--simulated=${rate}`)
    const [code] = (await once(child, 'close')) as [number]
    expect(code).toBe(1)
    expect(output()).toContain('It must be a number above 0')
  })
})
