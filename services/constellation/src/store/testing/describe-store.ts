import { describe } from 'vitest'
import { accountsContract } from './contract/accounts.ts'
import { countingContract } from './contract/counting.ts'
import { filtersContract } from './contract/filters.ts'
import { gatheringContract } from './contract/gathering.ts'
import { holdingsContract } from './contract/holdings.ts'
import { hostileContract } from './contract/hostile.ts'
import { joinContract } from './contract/join.ts'
import { linkingDidsContract } from './contract/linking-dids.ts'
import { pagingContract } from './contract/paging.ts'
import { replaysContract } from './contract/replays.ts'
import { restartContract } from './contract/restart.ts'
import { sourcesContract } from './contract/sources.ts'
import type { OpenStore } from './tested-store.ts'

/** The contract of `store.ts`, test by test, on any store. `open` answers a new, empty one for each test. */
export function describeStore(name: string, open: OpenStore): void {
  describe.each([name])('%s', () => {
    pagingContract(open)
    countingContract(open)
    filtersContract(open)
    linkingDidsContract(open)
    joinContract(open)
    sourcesContract(open)
    holdingsContract(open)
    accountsContract(open)
    replaysContract(open)
    gatheringContract(open)
    hostileContract(open)
    restartContract(open)
  })
}
