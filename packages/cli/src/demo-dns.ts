import { createSocket } from 'node:dgram'
import { once } from 'node:events'

/** A name server on this machine for the handles of a demo, over UDP. */
export interface HandleDns extends AsyncDisposable {
  /** `127.0.0.1:port`. */
  readonly address: string
}

const prefix = '_atproto.'
const typeTxt = 16

/** A flag for an answer, from a server that looks names up itself (RFC 1035, 4.1.1). */
const isAnswer = 0x8180
const noSuchName = 3

/** Of what is asked, the name points to the one in the question, at byte 12. */
const sameName = 0xc00c

/**
 * Answers `_atproto.<handle>` with the account's DID, as the DNS of a handle does; other names do not exist. Messages that
 * are no question for one name are passed over.
 */
export async function startHandleDns(
  didOf: (handle: string) => Promise<string | undefined>,
): Promise<HandleDns> {
  const socket = createSocket('udp4')
  socket.on('message', (bytes, { port, address }) => {
    const question = readQuestion(bytes)
    if (!question) return
    const { name, type, end } = question
    const did = name.startsWith(prefix) ? didOf(name.slice(prefix.length)) : Promise.resolve(undefined)
    void did
      .catch(() => undefined)
      .then(found =>
        socket.send(
          answer(bytes.subarray(0, end), type === typeTxt ? found : undefined, found !== undefined),
          port,
          address,
        ),
      )
      // It was closed meanwhile.
      .catch(() => {})
  })
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')
  return {
    address: `127.0.0.1:${socket.address().port}`,
    async [Symbol.asyncDispose]() {
      await new Promise<void>(done => socket.close(done))
    },
  }
}

/** The name that is asked for, in lower case, of what type, and where the question ends. */
function readQuestion(bytes: Buffer): { name: string; type: number; end: number } | undefined {
  const labels: string[] = []
  try {
    if (bytes.readUInt16BE(4) !== 1) return undefined
    let at = 12
    for (let length = bytes.readUInt8(at); length > 0; length = bytes.readUInt8(at)) {
      // A pointer has no place in a question.
      if (length > 63) return undefined
      labels.push(bytes.toString('latin1', at + 1, at + 1 + length).toLowerCase())
      at += 1 + length
    }
    return { name: labels.join('.'), type: bytes.readUInt16BE(at + 1), end: at + 5 }
  } catch {
    return undefined
  }
}

function answer(question: Buffer, did: string | undefined, exists: boolean): Buffer {
  const head = Buffer.from(question)
  head.writeUInt16BE(isAnswer | (exists ? 0 : noSuchName), 2)
  head.writeUInt16BE(did === undefined ? 0 : 1, 6)
  head.fill(0, 8, 12)
  if (did === undefined) return head
  const text = Buffer.from(`did=${did}`)
  const record = Buffer.alloc(13)
  record.writeUInt16BE(sameName, 0)
  record.writeUInt16BE(typeTxt, 2)
  record.writeUInt16BE(1, 4)
  record.writeUInt32BE(1, 6)
  record.writeUInt16BE(text.length + 1, 10)
  record.writeUInt8(text.length, 12)
  return Buffer.concat([head, record, text])
}
