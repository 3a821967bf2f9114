import { expect, it } from 'vitest'
import { crashRounds } from '../testing/crash-rounds.ts'
import { temporaryFolder } from '../testing/test-log.ts'

it('kill -9 at any instant leaves every acknowledged append once, and progress that fits', async () => {
  await expect(crashRounds(temporaryFolder(), 3)).resolves.toBeUndefined()
}, 60_000)
