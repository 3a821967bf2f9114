import { runService } from '@orrery/server'
import { startJetstream } from './service.ts'
import { jetstreamOptions } from './options.ts'

await runService({ name: 'jetstream', options: jetstreamOptions, start: startJetstream })
