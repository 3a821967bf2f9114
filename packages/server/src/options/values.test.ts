import { assert, oneof, property, string, stringMatching } from 'fast-check'
import { inspect } from 'node:util'
import { describe, expect, it } from 'vitest'
import type { z } from 'zod'

import { Secret } from './secret.ts'
import { bytes, count, duration, hostPort, httpUrl, list, proxyRange, secret, sourceUrl } from './values.ts'

/** The value, or the text of the problem. */
function read<T>(schema: z.ZodType<T>, text: unknown): T | string {
  const result = schema.safeParse(text)
  return result.success ? result.data : (result.error.issues[0]?.message ?? '')
}

describe('duration', () => {
  it.each([
    ['48h', 172_800_000],
    ['30s', 30_000],
    ['250ms', 250],
    ['1h30m', 5_400_000],
    ['1.5s', 1_500],
    ['2d', 172_800_000],
    ['0', 0],
    ['0s', 0],
    [' 5m ', 300_000],
  ])('%s is %i ms', (text, ms) => {
    expect(read(duration(), text)).toBe(ms)
  })

  it.each(['48', '5 m', 'h', '', '-1s', '1e3s', '5M', '1w', 'ms', '1.s', 'Infinity'])(
    'refuses "%s"',
    text => {
      expect(read(duration(), text)).toBe('expected a duration with its unit, such as 48h, 30s or 250ms')
    },
  )

  it('keeps within its bounds', () => {
    const schema = duration({ min: '1s', max: '7d' })
    expect(read(schema, '1s')).toBe(1_000)
    expect(read(schema, '7d')).toBe(604_800_000)
    expect(read(schema, '999ms')).toBe('expected at least 1s')
    expect(read(schema, '0')).toBe('expected at least 1s')
    expect(read(schema, '8d')).toBe('expected at most 7d')
  })
})

describe('bytes', () => {
  it.each([
    ['64MiB', 67_108_864],
    ['10GB', 10_000_000_000],
    ['512B', 512],
    ['1kB', 1_000],
    ['1KiB', 1_024],
    ['1.5 gib', 1_610_612_736],
    ['2TB', 2_000_000_000_000],
    ['0', 0],
  ])('%s is %i', (text, amount) => {
    expect(read(bytes(), text)).toBe(amount)
  })

  it.each(['64', '64M', '10 Gi', 'MiB', '', '-1MB', '1,5MB', '1eB'])('refuses "%s"', text => {
    expect(read(bytes(), text)).toBe('expected an amount of bytes with its unit, such as 64MiB or 10GB')
  })

  it('keeps within its bounds', () => {
    expect(read(bytes({ min: '1MiB' }), '1MB')).toBe('expected at least 1MiB')
    expect(read(bytes({ max: '1MiB' }), '1025KiB')).toBe('expected at most 1MiB')
  })
})

describe('count', () => {
  it.each([
    ['0', 0],
    ['20000', 20_000],
    ['20_000', 20_000],
  ])('%s is %i', (text, number) => {
    expect(read(count(), text)).toBe(number)
  })

  it.each(['', '1.5', '1e3', 'ten', '0x10', '-1', '9007199254740993', '_1', '1 000'])(
    'refuses "%s"',
    text => {
      expect(read(count(), text)).toBe('expected a whole number of 0 or more')
    },
  )

  it('keeps within its bounds, which may be negative', () => {
    expect(read(count({ min: 1, max: 9 }), '10')).toBe('expected a whole number from 1 to 9')
    expect(read(count({ min: 1, max: 9 }), '0')).toBe('expected a whole number from 1 to 9')
    expect(read(count({ min: -1 }), '-1')).toBe(-1)
  })
})

describe('hostPort', () => {
  it.each([
    ['127.0.0.1:6008', '127.0.0.1', 6_008],
    ['localhost:80', 'localhost', 80],
    ['[::1]:6008', '::1', 6_008],
    ['[::]:6008', '::', 6_008],
    [':6008', '0.0.0.0', 6_008],
    ['6008', '0.0.0.0', 6_008],
    ['127.0.0.1:0', '127.0.0.1', 0],
  ])('%s', (text, host, port) => {
    expect(read(hostPort(), text)).toEqual({ host, port })
  })

  it.each([
    '',
    'localhost',
    'localhost:',
    '127.0.0.1:65536',
    '::1:6008',
    '[1.2.3.4]:80',
    '[nope]:80',
    'a b:80',
    'http://a:80',
    ':-1',
  ])('refuses "%s"', text => {
    expect(read(hostPort(), text)).toBe('expected host:port, such as 127.0.0.1:6008, [::1]:6008 or :6008')
  })
})

describe('addresses', () => {
  it.each([
    ['https://plc.directory', 'https://plc.directory'],
    ['https://plc.directory/', 'https://plc.directory'],
    ['http://127.0.0.1:2582/base/', 'http://127.0.0.1:2582/base'],
  ])('httpUrl takes %s', (text, url) => {
    expect(read(httpUrl(), text)).toBe(url)
  })

  it.each(['plc.directory', 'wss://plc.directory', 'file:///etc/passwd', 'https://', ''])(
    'httpUrl refuses "%s"',
    text => {
      expect(read(httpUrl(), text)).toBe('expected an address such as https://plc.directory')
    },
  )

  it('httpUrl refuses what would be lost when a path is added', () => {
    expect(read(httpUrl(), 'https://a.example/?x=1')).toBe(
      'expected an address without a query or a fragment',
    )
  })

  it.each([
    ['wss://relay.example', 'wss://relay.example'],
    ['wss://relay.example/', 'wss://relay.example'],
    ['ws://127.0.0.1:6008/subscribe', 'ws://127.0.0.1:6008/subscribe'],
    [
      'https://jet.example/subscribe?wantedCollections=a.b.c/',
      'https://jet.example/subscribe?wantedCollections=a.b.c/',
    ],
  ])('sourceUrl takes %s', (text, url) => {
    expect(read(sourceUrl(), text)).toBe(url)
  })

  it('sourceUrl refuses other schemes', () => {
    expect(read(sourceUrl(), 'ftp://relay.example')).toBe('expected an address such as wss://relay.example')
  })

  it.each(['127.0.0.1', '10.0.0.0/8', 'fc00::/7', '::1', 'loopback', 'uniquelocal'])(
    'proxyRange takes %s',
    text => {
      expect(read(proxyRange(), text)).toBe(text)
    },
  )

  it.each(['', 'true', '1', '10.0.0.0/33', '10.0.0.0/', '10.0.0.0/8/8', 'localhost', '*'])(
    'proxyRange refuses "%s"',
    text => {
      expect(read(proxyRange(), text)).toContain('expected an IP address')
    },
  )
})

describe('secret', () => {
  it('is shown only to who asks for it', () => {
    const value = read(secret(), 'hunter2') as Secret
    expect(value).toBeInstanceOf(Secret)
    expect(value.reveal()).toBe('hunter2')
    const shown = [
      `${value}`,
      String(value),
      JSON.stringify({ value }),
      inspect({ value }),
      inspect(value, { showHidden: true }),
    ]
    expect(shown.join(' ')).not.toContain('hunter2')
    expect(shown.every(text => text.includes('[secret]'))).toBe(true)
  })

  it('refuses an empty one', () => {
    expect(read(secret(), '')).toBe('expected some text')
  })
})

describe('every value', () => {
  const values = {
    duration,
    bytes,
    count,
    hostPort,
    httpUrl,
    sourceUrl,
    proxyRange,
    secret,
    list: () => list(duration()),
  }

  it.each(Object.entries(values))(
    '%s answers any text with a value or a problem, and never throws',
    (_name, make) => {
      const schema: z.ZodType = make()
      const anyText = oneof(string(), stringMatching(/^[0-9a-z.:/[\]-]{0,20}$/))
      const isNumberOrSound = (text: string): boolean => {
        const result = schema.safeParse(text)
        return typeof result.data !== 'number' || Number.isFinite(result.data)
      }
      expect(() => assert(property(anyText, isNumberOrSound), { numRuns: 300 })).not.toThrow()
    },
  )
})
