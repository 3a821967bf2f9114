import { describe } from 'vitest'
import { MemoryStore } from './memory.ts'
import { describeStore } from './testing/contract.ts'

describe('in memory', () => {
  describeStore(options => {
    const store = new MemoryStore(options)
    return Promise.resolve({
      apply: changes => Promise.resolve(store.apply(changes)),
      tidy: () => Promise.resolve(),
      reader: store,
      [Symbol.asyncDispose]: () => Promise.resolve(),
    })
  })
})
