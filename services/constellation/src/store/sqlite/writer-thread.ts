import { serveThread } from '@orrery/storage/serve-thread'
import { refusingAfterFailure } from './series.ts'
import { openWriter, type WriterOptions } from './writer.ts'

serveThread(data => refusingAfterFailure(openWriter(data as WriterOptions)))
