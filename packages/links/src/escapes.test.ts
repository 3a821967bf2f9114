import { describe, expect, it } from 'vitest'
import { lowerCaseKeepingEscapes, normaliseEscapes } from './escapes.ts'

describe('normaliseEscapes', () => {
  it.each([
    ['', ''],
    ['plain', 'plain'],
    ['%41%5a%61%7A%30%39', 'AZaz09'],
    ['%2d%2E%5f%7e', '-._~'],
    ['%2f%c3%a9', '%2F%C3%A9'],
    ['%2541', '%2541'],
    ['%25%34%31', '%2541'],
    ['%00', '%00'],
  ])('%s becomes %s', (text, expected) => expect(normaliseEscapes(text)).toBe(expected))

  it.each(['%', '%4', 'a%', '%zz', '%4g', '%%41', '%4%31', '%é'])('%s is none', text =>
    expect(normaliseEscapes(text)).toBeUndefined(),
  )
})

it('lowerCaseKeepingEscapes leaves the digits of escapes alone', () => {
  expect(lowerCaseKeepingEscapes('EX%C3%A4Mple.COM')).toBe('ex%C3%A4mple.com')
})
