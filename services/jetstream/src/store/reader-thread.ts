import { serveThread, transferring } from '@orrery/storage'
import { frameEvents, type FramedEvents } from './block-codec.ts'
import { openReader } from './reader.ts'

/** What the reader's thread serves: a block comes out ready to be sent, so that a replay costs the main thread a write. */
export interface ReaderThreadApi {
  /** As the reader's own, framed. */
  read(position: number): FramedEvents | undefined
}

serveThread(data => {
  const reader = openReader(data as string)
  return {
    read(position: number) {
      const pack = reader.read(position)
      if (!pack) return undefined
      const framed = frameEvents(pack)
      const { frames, positions } = framed
      return transferring(framed, [
        frames.bytes.buffer,
        frames.ends.buffer,
        positions.buffer,
      ] as ArrayBuffer[])
    },
    dispose: () => reader.dispose(),
  }
})
