import { runService } from '@orrery/server'
import { spacedustOptions } from './options.ts'
import { startSpacedust } from './service.ts'

await runService({ name: 'spacedust', options: spacedustOptions, start: startSpacedust })
