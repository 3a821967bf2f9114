import { runService } from '@orrery/server'
import { ufosOptions } from './options.ts'
import { startUfos } from './service.ts'

await runService({ name: 'ufos', options: ufosOptions, start: startUfos })
