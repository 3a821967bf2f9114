import { runService } from '@orrery/server'
import { constellationOptions } from './options.ts'
import { startConstellation } from './service.ts'

await runService({ name: 'constellation', options: constellationOptions, start: startConstellation })
