/** What a string holds; bits of `JsonScanner.kind`. */
export const stringKinds = {
  /** Escapes of JSON. */
  escaped: 1,
  /** Bytes beyond ASCII. */
  wide: 2,
  /** A `:` or `%`. */
  marked: 4,
} as const
const { escaped, wide, marked } = stringKinds
const stops = 8

/** What each byte within a string adds to its kind, or that it cannot just be passed over. */
const kinds = new Uint8Array(256)
kinds.fill(stops, 0, 0x20)
kinds.fill(wide, 0x80)
kinds[0x3a] = marked
kinds[0x25] = marked
kinds[0x22] = stops
kinds[0x5c] = stops

const simpleEscapes = flags('"\\/bfnrt')
const hexDigits = flags('0123456789abcdefABCDEF')
const literals = ['true', 'false', 'null'].map(word => Buffer.from(word))

/**
 * Reads JSON from bytes, one token at a time. What reads answers false where the bytes are not JSON, without saying why;
 * nothing that is not JSON passes, but for bytes within strings that are not UTF-8.
 *
 * @see https://www.rfc-editor.org/rfc/rfc8259
 */
export class JsonScanner {
  bytes: Buffer = Buffer.alloc(0)
  #pos = 0
  /** Where the content of the string read last starts and ends, and what it holds. */
  from = 0
  to = 0
  kind = 0

  start(bytes: Buffer): void {
    this.bytes = bytes
    this.#pos = 0
  }

  /** The byte that the next token starts with; -1 at the end. */
  peek(): number {
    const { bytes } = this
    for (;;) {
      if (this.#pos >= bytes.length) return -1
      const byte = bytes[this.#pos]!
      if (byte > 0x20 || (byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09)) return byte
      this.#pos++
    }
  }

  /** Reads one character of punctuation. */
  take(char: number): boolean {
    if (this.peek() !== char) return false
    this.#pos++
    return true
  }

  /** Reads the string that starts here, as `peek` has told; its content is `from`, `to` and `kind` until the next one. */
  string(): boolean {
    const { bytes } = this
    const end = bytes.length
    const from = this.#pos + 1
    let kind = 0
    for (let i = from; i < end; i++) {
      const found = kinds[bytes[i]!]!
      if (found !== stops) {
        kind |= found
      } else if (bytes[i] === 0x22) {
        this.from = from
        this.to = i
        this.kind = kind
        this.#pos = i + 1
        return true
      } else {
        const width = escapeWidth(bytes, i)
        if (width === 0) return false
        kind |= escaped
        i += width - 1
      }
    }
    return false
  }

  /** Moves back to before the string that was read last. */
  unread(): void {
    this.#pos = this.from - 1
  }

  /** The string read last as text. */
  text(): string {
    if ((this.kind & (escaped | wide)) === 0) return this.bytes.toString('latin1', this.from, this.to)
    return JSON.parse(this.bytes.toString('utf8', this.from - 1, this.to + 1)) as string
  }

  /** Reads a number, true, false or null. */
  scalar(): boolean {
    const first = this.peek()
    if (first === minus || isDigit(first)) return this.#number()
    const word = literals.find(literal => literal[0] === first)
    if (!word?.every((byte, i) => this.bytes[this.#pos + i] === byte)) return false
    this.#pos += word.length
    return true
  }

  #number(): boolean {
    this.#skip(minus)
    // Another digit behind a leading zero is left for the next token, which it cannot begin.
    if (!this.#skip(0x30) && !this.#digits()) return false
    if (this.#skip(0x2e) && !this.#digits()) return false
    if (!this.#skip(0x65) && !this.#skip(0x45)) return true
    if (!this.#skip(0x2b)) this.#skip(minus)
    return this.#digits()
  }

  #digits(): boolean {
    const start = this.#pos
    while (isDigit(this.bytes[this.#pos])) this.#pos++
    return this.#pos > start
  }

  #skip(char: number): boolean {
    if (this.bytes[this.#pos] !== char) return false
    this.#pos++
    return true
  }
}

/** How long the escape at `at` is; 0 where there is none. */
function escapeWidth(bytes: Uint8Array, at: number): 0 | 2 | 6 {
  if (bytes[at] !== 0x5c) return 0
  const letter = bytes[at + 1]
  if (letter !== undefined && simpleEscapes[letter] === 1) return 2
  if (letter !== 0x75) return 0
  for (let i = at + 2; i < at + 6; i++) if (hexDigits[bytes[i] ?? 0] !== 1) return 0
  return 6
}

const minus = 0x2d

function isDigit(char: number | undefined): boolean {
  return char !== undefined && char >= 0x30 && char <= 0x39
}

function flags(chars: string): Uint8Array {
  const table = new Uint8Array(256)
  for (const char of chars) table[char.charCodeAt(0)] = 1
  return table
}
