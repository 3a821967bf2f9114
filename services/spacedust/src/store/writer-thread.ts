import { serveThread } from '@orrery/storage'
import { openWriter, type WriterOptions } from './writer.ts'

serveThread(data => openWriter(data as WriterOptions))
