import { IdentityError } from '@orrery/identity'
import { describe, expect, it } from 'vitest'
import { createHandles } from './handles.ts'

describe('the handles of subjects', () => {
  const did = 'did:plc:z72i7hdynmk6r22z27h6tvur'

  it('are asked for once, and told again from memory', async () => {
    const asked: string[] = []
    await using handles = createHandles(async handle => {
      asked.push(handle)
      return did
    })
    expect(await Promise.all([handles.resolve('bsky.app'), handles.resolve('BSKY.app')])).toEqual([did, did])
    expect(await handles.resolve('bsky.app')).toBe(did)
    expect(asked).toEqual(['bsky.app'])
  })

  it('lead nowhere where nobody knows them, and what cannot be one is not asked for', async () => {
    const asked: string[] = []
    await using handles = createHandles(async handle => {
      asked.push(handle)
      throw new IdentityError(handle === 'a.com' ? 'handle_not_found' : 'network', 'no')
    })
    for (const handle of ['a.com', 'b.com', 'alice.localhost', 'alice.test', 'x', '']) {
      expect(await handles.resolve(handle)).toBeUndefined()
    }
    expect(asked).toEqual(['a.com', 'b.com'])
  })

  it('are not waited for without end', async () => {
    await using handles = createHandles(
      (_handle, signal) =>
        new Promise((_resolve, reject) =>
          signal.addEventListener('abort', () => reject(signal.reason as Error)),
        ),
    )
    expect(await handles.resolve('slow.com')).toBeUndefined()
  })

  it('do not hide what is our own fault', async () => {
    await using handles = createHandles(async () => Promise.reject(new TypeError('ours')))
    await expect(handles.resolve('a.com')).rejects.toThrow('ours')
  })
})
