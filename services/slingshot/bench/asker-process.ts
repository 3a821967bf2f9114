// Asks for one record after another that nobody has, at a rate, whatever comes back.
import { connect, type Socket } from 'node:net'
import { serveProcess } from '@orrery/testnet'
import { recordPath } from '../test/world.ts'

export type AskerApi = typeof api

/** What came back, and how often. */
export interface Asked {
  sent: number
  answers: Record<string, number>
}

const tickMs = 1

const api = {
  /**
   * Asks over some connections, in turns, each as soon as it was answered, but for a while no more than the rate; each
   * connection is of a client of its own, by its address on loopback. Answers are told apart by status and error.
   */
  async ask({
    url,
    did,
    perSecond,
    ms,
    connections,
  }: {
    url: string
    did: string
    perSecond: number
    ms: number
    connections: number
  }): Promise<Asked> {
    const asked: Asked = { sent: 0, answers: {} }
    const idle: Asker[] = []
    const askers = Array.from({ length: connections }, (_, i) => new Asker(url, i, idle, asked.answers))
    const from = performance.now()
    for (let passed = 0; passed < ms; passed = performance.now() - from) {
      const due = (passed * perSecond) / 1_000
      for (let asker = idle.shift(); asker; asker = idle.shift()) {
        asker.ask(`${recordPath}?repo=${did}&collection=app.test.note&rkey=r${asked.sent++}`)
        if (asked.sent >= due) break
      }
      await new Promise(resolve => setTimeout(resolve, tickMs))
    }
    for (const asker of askers) asker.end()
    return asked
  },
}

class Asker {
  readonly #socket: Socket
  readonly #host: string
  #received = ''

  constructor(url: string, client: number, idle: Asker[], answers: Asked['answers']) {
    const { hostname, port, host } = new URL(url)
    this.#host = host
    const localAddress = `127.1.${client >> 8}.${client & 255}`
    this.#socket = connect({ host: hostname, port: Number(port), localAddress })
    this.#socket.setNoDelay()
    this.#socket.setEncoding('latin1')
    this.#socket.on('connect', () => idle.push(this))
    this.#socket.on('error', error => count(answers, error.message))
    this.#socket.on('data', (text: string) => {
      this.#received += text
      const end = this.#received.indexOf('\r\n\r\n')
      const length = Number(/\r\ncontent-length: (\d+)/i.exec(this.#received)?.[1])
      if (end < 0 || this.#received.length < end + 4 + length) return
      const { error, message } = JSON.parse(this.#received.slice(end + 4)) as Record<string, unknown>
      const isClear = typeof error === 'string' && typeof message === 'string' && message !== ''
      count(answers, `${this.#received.slice(9, 12)} ${isClear ? error : 'without a reason'}`)
      this.#received = ''
      idle.push(this)
    })
  }

  ask(path: string): void {
    this.#socket.write(`GET ${path} HTTP/1.1\r\nhost: ${this.#host}\r\n\r\n`)
  }

  end(): void {
    this.#socket.destroy()
  }
}

function count(answers: Asked['answers'], answer: string): void {
  answers[answer] = (answers[answer] ?? 0) + 1
}

serveProcess(api)
