import { describe } from 'vitest'
import { changesContract } from './contract/changes.ts'
import { delayContract } from './contract/delay.ts'
import { keepingContract } from './contract/keeping.ts'
import type { OpenTestLog } from './test-log.ts'

/** The contract of `store.ts`, test by test, on any log. `open` answers a new, empty one for each test. */
export function describeLog(name: string, open: OpenTestLog): void {
  describe.each([name])('%s', () => {
    delayContract(open)
    changesContract(open)
    keepingContract(open)
  })
}
