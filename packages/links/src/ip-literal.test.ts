import { describe, expect, it } from 'vitest'
import { normaliseIpLiteral } from './ip-literal.ts'

describe('normaliseIpLiteral', () => {
  it.each([
    ['::', '::'],
    ['::1', '::1'],
    ['1::', '1::'],
    ['0:0:0:0:0:0:0:0', '::'],
    ['2001:DB8:0:0:0:0:0:1', '2001:db8::1'],
    ['2001:db8::0001', '2001:db8::1'],
    // Runs of the same length: the first is left out. A single group is written.
    ['1:0:0:2:3:0:0:4', '1::2:3:0:0:4'],
    ['1:0:2:3:4:5:6:7', '1:0:2:3:4:5:6:7'],
    ['1:0:0:2:0:0:0:3', '1:0:0:2::3'],
    ['1:2:3:4:5:6:7::', '1:2:3:4:5:6:7:0'],
    ['::2:3:4:5:6:7:8', '0:2:3:4:5:6:7:8'],
    ['::FFFF:192.0.2.1', '::ffff:192.0.2.1'],
    ['::ffff:c000:201', '::ffff:192.0.2.1'],
    ['1:2:3:4:5:6:1.2.3.4', '1:2:3:4:5:6:102:304'],
    ['v1.FE', 'v1.fe'],
    ['vF.a:B', 'vf.a:b'],
  ])('%s becomes %s', (literal, expected) => expect(normaliseIpLiteral(literal)).toBe(expected))

  it.each([
    '',
    ':',
    ':::',
    '1:2:3:4:5:6:7',
    '1:2:3:4:5:6:7:8:9',
    '1:2:3:4:5:6:7:8::',
    '1::2::3',
    '12345::',
    'g::',
    '1.2.3.4',
    '::1.2.3',
    '::1.2.3.256',
    '::01.2.3.4',
    '1.2.3.4::',
    '::1.2.3.4:5',
    'fe80::1%25eth0',
    'fe80::1%eth0',
    'v.fe',
    'v1.',
    'v1',
    'vg.a',
    '::1 ',
  ])('%s is none', literal => expect(normaliseIpLiteral(literal)).toBeUndefined())
})
