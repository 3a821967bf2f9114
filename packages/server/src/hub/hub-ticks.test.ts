import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { fakeEncoding } from './testing/encodings.ts'
import { makeEntry } from './testing/entries.ts'
import { FakeLog } from './testing/fake-log.ts'
import { defaults, type HubServer, startHub } from './testing/hub-server.ts'
import { until } from './testing/until.ts'

/** A tick that no test waits for. */
const never = 3_600_000

const settle = (): Promise<void> => sleep(60)

/** A live subscriber, and the number of writes to its socket. */
async function addCounted(server: HubServer, options = {}): Promise<{ texts: string[]; writes: number[] }> {
  const { server: end, client } = await server.connect()
  const writes: number[] = []
  const write = end.stream.write.bind(end.stream)
  end.stream.write = (chunk: Buffer) => {
    writes.push(chunk.length)
    return write(chunk)
  }
  const subscriber = server.hub.add({ ...end, ...defaults, ...options })
  await until(() => subscriber.state === 'live')
  return { texts: client.texts, writes }
}

/** So many commits of two entries each. */
function commit(log: FakeLog, server: HubServer, commits: number): void {
  for (let i = 0; i < commits; i++) {
    const { last } = log
    log.append([makeEntry(last + 1, 0), makeEntry(last + 2, 0)])
    server.hub.published()
  }
}

describe('a tick', () => {
  it('comes at once after a quiet time, and then not before its time', async () => {
    const log = new FakeLog()
    await using server = await startHub(log, { tickMs: never })
    const { texts } = await addCounted(server)
    commit(log, server, 1)
    await until(() => texts.length === 2)
    commit(log, server, 1)
    await settle()
    expect(texts).toHaveLength(2)
  })

  it('is one write for each socket, whatever number of commits it has', async () => {
    const log = new FakeLog()
    await using server = await startHub(log, { tickMs: 1 })
    const some = [await addCounted(server), await addCounted(server), await addCounted(server)]
    commit(log, server, 20)
    await until(() => some.every(({ texts }) => texts.length === 40))
    for (const { writes } of some) expect(writes).toHaveLength(1)
  })

  it('grows with the live subscribers, up to a limit', async () => {
    const log = new FakeLog()
    await using grown = await startHub(log, { tickMs: 1, tickMsPerSubscriber: never, maxTickMs: never })
    await using limited = await startHub(log, { tickMs: 1, tickMsPerSubscriber: never, maxTickMs: 1 })
    const [slow, fast] = [await addCounted(grown), await addCounted(limited)]
    commit(log, grown, 1)
    limited.hub.published()
    await until(() => slow.texts.length === 2 && fast.texts.length === 2)
    commit(log, grown, 1)
    limited.hub.published()
    await until(() => fast.texts.length === 4)
    await settle()
    expect(slow.texts).toHaveLength(2)
  })

  it('is waited for by what came while entries were encoded', async () => {
    const log = new FakeLog()
    await using server = await startHub(log, { tickMs: never })
    const encoding = fakeEncoding('a', () => 5)
    const { writes } = await addCounted(server, { encoding })
    commit(log, server, 1)
    await until(() => encoding.calls === 1)
    commit(log, server, 10)
    await until(() => writes.length === 1)
    await settle()
    expect([encoding.calls, writes.length]).toEqual([1, 1])
    expect(server.hub.counts).toEqual({ live: 1, behind: 0 })
  })

  it('brings what came while entries were encoded, together', async () => {
    const log = new FakeLog()
    await using server = await startHub(log, { tickMs: 1 })
    const gate = Promise.withResolvers<void>()
    const encoding = fakeEncoding('a')
    const encode = encoding.encode.bind(encoding)
    encoding.encode = async texts => {
      const encoded = await encode(texts)
      if (encoding.calls === 1) await gate.promise
      return encoded
    }
    const { writes } = await addCounted(server, { encoding })
    commit(log, server, 1)
    await until(() => encoding.calls === 1)
    commit(log, server, 10)
    await settle()
    gate.resolve()
    await until(() => server.hub.stats.sentEvents === 22)
    expect([encoding.calls, writes.length]).toEqual([2, 2])
  })
})
