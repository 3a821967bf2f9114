import { serveThread } from '@orrery/storage/serve-thread'
import { openStore, type StoreOptions } from './store.ts'

serveThread(data => openStore(data as StoreOptions))
