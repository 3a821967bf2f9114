import { serveThread } from '@orrery/storage/serve-thread'
import { openWriter, type WriterOptions } from './writer.ts'

serveThread(data => openWriter(data as WriterOptions))
