import { expect, it } from 'vitest'
import { crashRounds } from '../testing/crash-rounds.ts'
import { temporaryFolder } from '../testing/test-log.ts'

it('kill -9 a hundred times leaves every acknowledged append once, and progress that fits', async () => {
  await expect(crashRounds(temporaryFolder(), 100)).resolves.toBeUndefined()
})
