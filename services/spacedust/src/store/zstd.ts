import { constants, zstdCompressSync, zstdDecompressSync } from 'node:zlib'

/** A checksum of 4 bytes, as neither SQLite nor zstd notices a flipped bit by itself. */
const params = { [constants.ZSTD_c_compressionLevel]: 3, [constants.ZSTD_c_checksumFlag]: 1 }

/** No block is larger. */
const maxBytes = 256 * 1024 * 1024

export function compress(bytes: Uint8Array): Buffer {
  return zstdCompressSync(bytes, { params })
}

/** @throws for bytes that are damaged */
export function decompress(bytes: Uint8Array): Buffer {
  return zstdDecompressSync(bytes, { maxOutputLength: maxBytes })
}
