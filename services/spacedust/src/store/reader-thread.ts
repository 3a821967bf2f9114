import { serveThread } from '@orrery/storage'
import { openReader } from './reader.ts'

serveThread(data => openReader(data as string))
