import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { createGuardedFetch } from '@orrery/identity'
import { type Corpus, loadCorpus, SHARED_DATA_ABSENT } from '@orrery/testnet'
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { temporaryFolder } from '../testing/test-log.ts'
import {
  dictionaryId,
  dictionarySha256,
  type DictionaryOptions,
  dictionaryUrls,
  loadDictionary,
} from './dictionary.ts'

let corpus: Corpus | undefined
beforeAll(async () => {
  corpus = await loadCorpus()
})

/** A server with the dictionary at `/right`, other bytes at `/wrong`, and nothing anywhere else. */
async function startServer(dictionary: Uint8Array) {
  const asked: string[] = []
  const server = createServer((request, response) => {
    asked.push(request.url!)
    if (request.url === '/right') response.end(dictionary)
    else if (request.url === '/wrong') response.end(Buffer.from(dictionary).fill(1, 500, 501))
    else response.writeHead(404).end(dictionary)
  })
  await new Promise<void>(resolve => {
    server.listen(0, '127.0.0.1', resolve)
  })
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return { asked, urls: (...paths: string[]) => paths.map(path => base + path) }
}

async function load(options: Partial<DictionaryOptions>): Promise<Buffer | undefined> {
  await using fetch = createGuardedFetch({ allowPrivateHosts: true })
  return await loadDictionary({ dataDir: temporaryFolder(), path: undefined, fetch, urls: [], ...options })
}

it('knows the dictionary that clients have', context => {
  context.skip(!corpus, SHARED_DATA_ABSENT)
  const dictionary = Buffer.from(corpus!.dictionaryV1)
  expect(dictionary).toHaveLength(112_640)
  expect(dictionary.readUInt32LE(0)).toBe(0xec30a437)
  expect(dictionary.readUInt32LE(4)).toBe(dictionaryId)
  // Addresses whose content cannot change.
  for (const url of dictionaryUrls) expect(url).toMatch(/^https:\/\/.*\/[0-9a-f]{40}\//)
})

describe('the operator’s file', () => {
  it('is taken before anything else, where it is the dictionary', async context => {
    context.skip(!corpus, SHARED_DATA_ABSENT)
    const path = join(temporaryFolder(), 'own.zdict')
    writeFileSync(path, corpus!.dictionaryV1)
    const dataDir = temporaryFolder()
    expect((await load({ path, dataDir }))!.equals(corpus!.dictionaryV1)).toBe(true)
    expect(readdirSync(dataDir)).toEqual([])
  })

  it('stops the start where it is not', async () => {
    const path = join(temporaryFolder(), 'own.zdict')
    writeFileSync(path, 'something else')
    await expect(load({ path })).rejects.toThrow(
      `${path} is not the Jetstream dictionary; its sha256 should be ${dictionarySha256}`,
    )
  })

  it('stops the start where it is missing', async () => {
    const path = join(temporaryFolder(), 'missing.zdict')
    await expect(load({ path })).rejects.toThrow(path)
  })
})

describe('the public one', () => {
  it('is fetched once and kept', async context => {
    context.skip(!corpus, SHARED_DATA_ABSENT)
    const { asked, urls } = await startServer(corpus!.dictionaryV1)
    const dataDir = join(temporaryFolder(), 'not', 'there', 'yet')
    const options = { dataDir, urls: urls('/right') }
    expect((await load(options))!.equals(corpus!.dictionaryV1)).toBe(true)
    expect(asked).toEqual(['/right'])
    // Whole, and nothing beside it.
    expect(readdirSync(dataDir)).toEqual(['jetstream-v1.zdict'])
    expect(readFileSync(join(dataDir, 'jetstream-v1.zdict')).equals(corpus!.dictionaryV1)).toBe(true)
    expect((await load(options))!.equals(corpus!.dictionaryV1)).toBe(true)
    expect(asked).toEqual(['/right'])
  })

  it('is fetched again where the kept copy is damaged', async context => {
    context.skip(!corpus, SHARED_DATA_ABSENT)
    const { asked, urls } = await startServer(corpus!.dictionaryV1)
    const dataDir = temporaryFolder()
    const kept = join(dataDir, 'jetstream-v1.zdict')
    writeFileSync(kept, corpus!.dictionaryV1.subarray(0, 5_000))
    writeFileSync(`${kept}.new`, 'half of it, from a crash')
    expect(await load({ dataDir, urls: urls('/right') })).toHaveLength(112_640)
    expect(asked).toEqual(['/right'])
    expect(readFileSync(kept)).toHaveLength(112_640)
    expect(existsSync(`${kept}.new`)).toBe(false)
  })

  it('is looked for elsewhere where an address has other bytes or none', async context => {
    context.skip(!corpus, SHARED_DATA_ABSENT)
    const { asked, urls } = await startServer(corpus!.dictionaryV1)
    expect(await load({ urls: urls('/wrong', '/missing', '/right') })).toHaveLength(112_640)
    expect(asked).toEqual(['/wrong', '/missing', '/right'])
  })

  it('is not there, and nothing is kept, where no address has it', async context => {
    context.skip(!corpus, SHARED_DATA_ABSENT)
    const { urls } = await startServer(corpus!.dictionaryV1)
    const dataDir = temporaryFolder()
    expect(
      await load({ dataDir, urls: [...urls('/wrong', '/missing'), 'http://127.0.0.1:1/'] }),
    ).toBeUndefined()
    expect(readdirSync(dataDir)).toEqual([])
  })

  it('serves also where it cannot be kept', async context => {
    context.skip(!corpus, SHARED_DATA_ABSENT)
    const { urls } = await startServer(corpus!.dictionaryV1)
    const dataDir = temporaryFolder()
    // A folder in the way of the file.
    mkdirSync(join(dataDir, 'jetstream-v1.zdict.new'))
    expect(await load({ dataDir, urls: urls('/right') })).toHaveLength(112_640)
  })
})
