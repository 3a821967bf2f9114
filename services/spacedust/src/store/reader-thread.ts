import { serveThread } from '@orrery/storage/serve-thread'
import { openReader } from './reader.ts'

serveThread(data => openReader(data as string))
