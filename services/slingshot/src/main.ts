import { runService } from '@orrery/server'
import { slingshotOptions } from './options.ts'
import { startSlingshot } from './service.ts'

await runService({ name: 'slingshot', options: slingshotOptions, start: startSlingshot })
