import { describe, expect, it } from 'vitest'
import { createMemoryStore } from '../store/memory.ts'
import { did, noProgress, put } from '../store/testing/test-index.ts'
import { createFindTarget } from './subject.ts'

const post = `at://${did('a')}/app.bsky.feed.post/3k`

/** A look-up over an index in which these are linked to. */
async function finding(targets: string[], handles: Record<string, string> = {}) {
  const { reader, writer } = createMemoryStore()
  await writer.apply([put('z1', targets)], noProgress, 0)
  let reads = 0
  const asked: string[] = []
  const counted = { ...reader, knows: (target: string) => (reads++, reader.knows(target)) }
  const resolve = async (handle: string): Promise<string | undefined> => {
    asked.push(handle)
    return handles[handle]
  }
  const find = createFindTarget(counted, Object.keys(handles).length > 0 ? resolve : undefined)
  return { find, asked, reads: () => reads }
}

describe('finding a target', () => {
  it('costs nothing where the text is in its one form, and where it is no link', async () => {
    const { find, reads } = await finding([post])
    for (const text of [post, did('b'), 'https://a.example/x', 'no link', 'at://']) {
      expect(await find(text)).toBe(text)
    }
    expect(reads()).toBe(0)
  })

  it('takes the exact text if anything ever linked to it', async () => {
    // What is not in its one form is in an index that something else filled.
    const { find } = await finding(['HTTPS://a.example/x', 'https://a.example/x'])
    expect(await find('HTTPS://a.example/x')).toBe('HTTPS://a.example/x')
  })

  it('takes the normalised text otherwise', async () => {
    const { find } = await finding(['https://a.example/x'])
    expect(await find('HTTPS://A.example/%78')).toBe('https://a.example/x')
    expect(await find(`AT://${did('a')}/app.bsky.feed.post/3k/`)).toBe(post)
    expect(await find('HTTPS://unknown.example')).toBe('https://unknown.example')
  })

  it('resolves a handle that nothing links to', async () => {
    const { find, asked } = await finding([post, 'at://linked.example/x.y.z/1'], {
      'alice.example': did('a'),
    })
    expect(await find('at://Alice.example/app.bsky.feed.post/3k')).toBe(post)
    expect(await find('at://alice.example')).toBe(`at://${did('a')}`)
    expect(await find('at://linked.example/x.y.z/1')).toBe('at://linked.example/x.y.z/1')
    expect(await find('at://LINKED.example/x.y.z/1')).toBe('at://linked.example/x.y.z/1')
    expect(asked).toEqual(['alice.example', 'alice.example'])
  })

  it('keeps a handle that cannot be resolved, and asks for nothing that is none', async () => {
    const { find, asked } = await finding([], { 'alice.example': 'not a did' })
    expect(await find('at://bob.example/x')).toBe('at://bob.example/x')
    expect(await find('at://alice.example/x')).toBe('at://alice.example/x')
    expect(asked).toEqual(['bob.example', 'alice.example'])
    for (const authority of [
      'localhost',
      '127.0.0.1',
      'a b',
      'a.example:80',
      'x@a.example',
      '-a.example',
      `${'a.'.repeat(127)}example`,
    ]) {
      await find(`at://${authority}/x`)
    }
    expect(asked).toHaveLength(2)
  })
})
