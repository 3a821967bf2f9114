import { describeLog } from '../testing/describe-log.ts'
import { openTestMemory } from '../testing/test-log.ts'

describeLog('a log in memory', openTestMemory)
