import { serveThread, transferring } from '@orrery/storage'
import { openReader } from './reader.ts'

serveThread(data => {
  const reader = openReader(data as string)
  return {
    read(position: number) {
      const pack = reader.read(position)
      if (!pack) return undefined
      // A buffer from the pool cannot move to another thread; a block is larger than the pool's, but be sure.
      const bytes = pack.byteLength === pack.buffer.byteLength ? pack : new Uint8Array(pack)
      return transferring(bytes, [bytes.buffer as ArrayBuffer])
    },
    dispose: () => reader.dispose(),
  }
})
