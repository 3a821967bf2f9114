import { describe, expect, it } from 'vitest'
import { addressOf, services } from './services.ts'
import { sourceFlags } from './up.ts'

const constellation = services.find(({ name }) => name === 'constellation')!
const jetstream = services.find(({ name }) => name === 'jetstream')!

describe('addressOf', () => {
  it.each([
    [undefined, '127.0.0.1:6008'],
    ['0.0.0.0:7000', '127.0.0.1:7000'],
    ['[::]:7000', '127.0.0.1:7000'],
    [':7000', '127.0.0.1:7000'],
    ['10.0.0.5:7000', '10.0.0.5:7000'],
    ['[::1]:7000', '[::1]:7000'],
  ])('with JETSTREAM_LISTEN=%s is %s', (listen, address) => {
    expect(addressOf(jetstream, { JETSTREAM_LISTEN: listen, CONSTELLATION_LISTEN: '1.2.3.4:5' })).toBe(
      address,
    )
  })
})

describe('the source of a service', () => {
  it('is the Jetstream of the suite, wherever that listens', () => {
    expect(sourceFlags(constellation, {})).toEqual(['--source', 'ws://127.0.0.1:6008/subscribe'])
    expect(sourceFlags(constellation, { JETSTREAM_LISTEN: '0.0.0.0:7000' })).toEqual([
      '--source',
      'ws://127.0.0.1:7000/subscribe',
    ])
  })

  it('is the operator’s where one is named, and the network’s for the Jetstream itself', () => {
    expect(sourceFlags(constellation, { CONSTELLATION_SOURCE: 'wss://relay.example' })).toEqual([])
    expect(sourceFlags(jetstream, {})).toEqual([])
  })
})
