import { describe, expect, it } from 'vitest'
import { addressOf, services } from './services.ts'

const jetstream = services.find(({ name }) => name === 'jetstream')!

describe('addressOf', () => {
  it.each([
    [undefined, '127.0.0.1:6008'],
    ['0.0.0.0:7000', '127.0.0.1:7000'],
    ['[::]:7000', '127.0.0.1:7000'],
    [':7000', '127.0.0.1:7000'],
    ['7000', '127.0.0.1:7000'],
    ['10.0.0.5:7000', '10.0.0.5:7000'],
    ['[::1]:7000', '[::1]:7000'],
  ])('with JETSTREAM_LISTEN=%s is %s', (listen, address) => {
    expect(addressOf(jetstream, { JETSTREAM_LISTEN: listen, CONSTELLATION_LISTEN: '1.2.3.4:5' })).toBe(
      address,
    )
  })
})
