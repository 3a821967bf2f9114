// DNS messages as far as a question for TXT records needs them. RFC 1035, sections 4.1 and 3.3.14; RFC 8484.

const typeTxt = 16
const classIn = 1

/** The bytes of a question for the TXT records of `name`, with id 0, as RFC 8484 wants it for the sake of caches. */
export function encodeTxtQuestion(name: string): Uint8Array {
  const labels = name.split('.').flatMap(label => [Buffer.of(label.length), Buffer.from(label, 'latin1')])
  const head = Buffer.from([0, 0, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0])
  return Buffer.concat([head, ...labels, Buffer.of(0, 0, typeTxt, 0, classIn)])
}

/** What a name server said: response code (0 fine, 3 no such name), and TXT records with their strings joined. */
export type TxtAnswer = { rcode: number; records: string[] }

/** Reads an answer. @throws RangeError when the bytes are no whole DNS message */
export function decodeTxtAnswer(bytes: Uint8Array): TxtAnswer {
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const questions = view.readUInt16BE(4)
  const answers = view.readUInt16BE(6)
  let at = 12
  for (let i = 0; i < questions; i++) at = skipName(view, at) + 4
  const records: string[] = []
  for (let i = 0; i < answers; i++) {
    at = skipName(view, at)
    const type = view.readUInt16BE(at)
    const end = at + 10 + view.readUInt16BE(at + 8)
    if (end > view.length) throw new RangeError('a record ends behind its message')
    if (type === typeTxt) records.push(readStrings(view.subarray(at + 10, end)))
    at = end
  }
  return { rcode: view.readUInt8(3) & 0x0f, records }
}

/** A name is labels up to an empty one, or up to a pointer, which is two bytes and is not followed. */
function skipName(view: Buffer, from: number): number {
  let at = from
  for (;;) {
    const length = view.readUInt8(at)
    if (length === 0) return at + 1
    if (length >= 0xc0) return at + 2
    at += 1 + length
  }
}

function readStrings(data: Buffer): string {
  let text = ''
  for (let at = 0; at < data.length;) {
    const end = at + 1 + data.readUInt8(at)
    if (end > data.length) throw new RangeError('a string ends behind its record')
    text += data.toString('utf8', at + 1, end)
    at = end
  }
  return text
}
