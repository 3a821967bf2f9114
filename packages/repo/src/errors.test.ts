import { expect, it } from 'vitest'
import { RepoError, repoErrorCodes } from './errors.ts'

it('an error says its code, and the values behind it', () => {
  const cause = new Error('below')
  const error = new RepoError('cid_invalid', 'bytes=3', { cause })
  expect([error.name, error.code, error.message, error.cause]).toEqual([
    'RepoError',
    'cid_invalid',
    'cid_invalid; bytes=3',
    cause,
  ])
  expect(new RepoError('float').message).toBe('float')
})

it('every code is a name for a label, with a sentence', () => {
  for (const [code, sentence] of Object.entries(repoErrorCodes)) {
    expect(code).toMatch(/^[a-z][a-z0-9_]+$/)
    expect(sentence).toMatch(/^[A-Z].*\.$/)
  }
})
