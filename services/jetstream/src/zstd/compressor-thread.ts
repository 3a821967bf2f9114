import { constants, zstdCompressSync } from 'node:zlib'
import { serveThread } from '@orrery/storage'
import type { CompressorApi } from './compressor.ts'

// Level 1: with the dictionary the default level takes twice the time for 3 % fewer bytes (115 µs against 55 µs, 199
// bytes against 206, measured on 500-byte events).
const params = { [constants.ZSTD_c_compressionLevel]: 1 }

let dictionary: Buffer | undefined

serveThread<CompressorApi>(() => ({
  compress(bytes, ends) {
    const frames: Buffer[] = []
    const frameEnds = new Uint32Array(ends.length)
    let start = 0
    let total = 0
    for (const [i, end] of ends.entries()) {
      const frame = zstdCompressSync(bytes.subarray(start, end), {
        params,
        ...(dictionary && { dictionary }),
      })
      frames.push(frame)
      frameEnds[i] = total += frame.length
      start = end
    }
    return { bytes: Buffer.concat(frames), ends: frameEnds }
  },
  useDictionary(next) {
    dictionary = Buffer.from(next)
  },
}))
