import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { openDatabase } from '@orrery/storage'
import { createRandom, startFakePlc, startFakeRelay, waitFor } from '@orrery/testnet'
import { expect, it, onTestFinished } from 'vitest'
import { createProgressTables, parseSource, prepareReadProgress, prepareSaveProgress } from '../src/index.ts'
import { Author, type Draft } from './support/author.ts'
import { Feed, nameOfDraft } from './support/run.ts'

const script = fileURLToPath(new URL('fixtures/storing-consumer.ts', import.meta.url))

it('a consumer that is killed at any moment has stored each event once, and goes on where it was', async () => {
  const random = createRandom(11)
  const folder = mkdtempSync(join(tmpdir(), 'orrery-crash-'))
  const path = join(folder, 'state.sqlite')
  const authors = Array.from({ length: 5 }, (_, i) => new Author(600 + i))
  await using relay = await startFakeRelay({ cursorStyle: '>=' })
  await using plc = await startFakePlc(new Map(authors.map(author => [author.did, author.document])))
  const feed = new Feed(relay)
  const { key } = parseSource(relay.url)

  const db = openDatabase(path)
  createProgressTables(db)
  prepareSaveProgress(db)({
    cursors: [{ source: key, cursor: 0, time: '', seen: [] }],
    accounts: [],
    notices: [],
    gaps: [],
  })
  const drafts: Draft[] = []
  const write = (): void => {
    const author = authors[random.below(5)]!
    const kind = random.below(10)
    const draft = kind === 0 ? author.identity() : kind === 1 ? author.account(true) : author.post('hello')
    drafts.push(draft)
    feed.push(draft)
  }
  const children: ChildProcess[] = []
  onTestFinished(() => {
    for (const child of children) child.kill('SIGKILL')
    db.close()
    rmSync(folder, { recursive: true })
  })
  const start = (): { child: ChildProcess; commits: () => number } => {
    const child = spawn(process.execPath, [script, relay.url, plc.url, path], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    children.push(child)
    let commits = 0
    child.stdout.on('data', (chunk: Buffer) => (commits += chunk.length))
    return { child, commits: () => commits }
  }

  let kills = 0
  for (let life = 0; life < 3; life++) {
    const { child, commits } = start()
    const exit = once(child, 'exit')
    const wanted = 2 + random.below(20)
    while (commits() < wanted) {
      write()
      // Little while it starts, so that there is not too much to do before it dies.
      await sleep(commits() > 0 ? 2 : 30)
    }
    for (let i = random.below(5); i > 0; i--) write()
    child.kill('SIGKILL')
    expect((await exit)[1]).toBe('SIGKILL')
    kills++
  }
  expect(kills).toBe(3)

  start()
  const progress = prepareReadProgress(db)
  await waitFor(() => progress.cursor(key)?.cursor === feed.seq, {
    what: 'the last event',
    timeoutMs: 20_000,
  })
  const names = db
    .prepare<[], { name: string }>('SELECT name FROM events ORDER BY id')
    .all()
    .map(({ name }) => name)
  for (const { did } of authors) {
    const of = (all: readonly string[]): string[] => all.filter(name => name.includes(did))
    expect(of(names)).toEqual(of(drafts.map(nameOfDraft)))
  }
  expect(names).toHaveLength(drafts.length)
}, 60_000)
