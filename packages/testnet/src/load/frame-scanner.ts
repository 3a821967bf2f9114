/** Opcodes of RFC 6455, section 5.2, with the final bit set. */
const opcodes = { text: 0x81, binary: 0x82, close: 0x88, ping: 0x89 } as const

/** What a scanner tells of. */
export interface FrameHandlers {
  /** Every so many frames one whole payload: `bytes[start, end)`, to be read before this returns. */
  sample(bytes: Buffer, start: number, end: number): void
  ping(): void
  /** The peer closes, with this code; 1005 where it gave none. */
  close(code: number): void
}

/**
 * Counts a server's WebSocket frames in a stream of chunks without touching what is in them but for a sample: walking the
 * headers of 500-byte frames costs some 10 ns each, a hundredth of what parsing their JSON does.
 */
export class FrameScanner {
  /** Text and binary frames that began. */
  frames = 0
  readonly #handlers: FrameHandlers
  readonly #sampleEvery: number
  #untilSample = 1
  /** Bytes of the current payload that are still to come. */
  #skip = 0
  /** The first bytes of a frame whose header, or control frame, reaches over the end of a chunk. */
  #head = Buffer.alloc(0)

  /** `sampleEvery`: 1 for each frame. Of frames that reach over the end of a chunk none is a sample; the next one is. */
  constructor(sampleEvery: number, handlers: FrameHandlers) {
    this.#sampleEvery = sampleEvery
    this.#handlers = handlers
  }

  /** Whether the stream stands between two frames. */
  get atBoundary(): boolean {
    return this.#skip === 0 && this.#head.length === 0
  }

  /** Takes the next `length` bytes of the stream, which may change once this has returned. */
  scan(chunk: Buffer, length = chunk.length): void {
    if (this.#skip >= length) {
      this.#skip -= length
      return
    }
    if (this.#head.length === 0) {
      this.#walk(chunk, this.#skip, length)
      return
    }
    const joined = Buffer.concat([this.#head, chunk.subarray(0, length)])
    this.#head = Buffer.alloc(0)
    this.#walk(joined, 0, joined.length)
  }

  #walk(bytes: Buffer, from: number, length: number): void {
    let at = from
    while (at < length) {
      const available = length - at
      const header = available < 2 ? 2 : headerBytes(bytes[at + 1]!)
      const opcode = bytes[at]!
      const isData = opcode === opcodes.text || opcode === opcodes.binary
      if (available < header || (!isData && available < header + bytes[at + 1]!)) {
        this.#head = Buffer.from(bytes.subarray(at, length))
        this.#skip = 0
        return
      }
      const start = at + header
      at = start + payloadBytes(bytes, at, header)
      if (!isData) this.#control(opcode, bytes.subarray(start, at))
      else {
        this.frames++
        if (--this.#untilSample <= 0 && at <= length) {
          this.#untilSample = this.#sampleEvery
          this.#handlers.sample(bytes, start, at)
        }
      }
    }
    this.#skip = at - length
  }

  #control(opcode: number, payload: Buffer): void {
    if (opcode === opcodes.ping) this.#handlers.ping()
    else if (opcode === opcodes.close)
      this.#handlers.close(payload.length >= 2 ? payload.readUInt16BE(0) : 1005)
  }
}

function headerBytes(lengthByte: number): number {
  return lengthByte < 126 ? 2 : lengthByte === 126 ? 4 : 10
}

function payloadBytes(bytes: Buffer, at: number, header: number): number {
  if (header === 2) return bytes[at + 1]!
  return header === 4 ? bytes.readUInt16BE(at + 2) : Number(bytes.readBigUInt64BE(at + 2))
}
