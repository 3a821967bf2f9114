import { expect, it } from 'vitest'

import { findServiceEndpoint } from './service.ts'

const did = 'did:web:example.com'
const document = {
  service: [
    null,
    { id: '#a', type: 'One', serviceEndpoint: { not: 'text' } },
    { id: '#a', type: 'One', serviceEndpoint: 'https://one' },
    { id: `${did}#a`, type: 'Two', serviceEndpoint: 'https://two' },
  ],
}

it.each([
  [{ id: '#a' }, 'https://one'],
  [{ id: `${did}#a` }, 'https://one'],
  [{ id: '#a', type: 'Two' }, 'https://two'],
  [{ id: '#a', type: 'Three' }, undefined],
  [{ id: '#b' }, undefined],
])('%j', (wanted, endpoint) => {
  expect(findServiceEndpoint(document, { did, ...wanted })).toBe(endpoint)
})

it.each([null, 'x', [], {}, { service: {} }])('finds nothing in %j', odd => {
  expect(findServiceEndpoint(odd, { did, id: '#a' })).toBeUndefined()
})
