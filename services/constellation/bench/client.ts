import { once } from 'node:events'
import { connect, type Socket } from 'node:net'

/** A connection that asks one thing after the other, at as little cost as can be: it shares the machine with who answers. */
export class Client implements Disposable {
  readonly #socket: Socket
  readonly #host: string
  #received: Buffer = Buffer.alloc(0)
  #answered: PromiseWithResolvers<string> | undefined

  private constructor(socket: Socket, host: string) {
    this.#socket = socket
    this.#host = host
    socket.setNoDelay()
    socket.on('data', (chunk: Buffer) => this.#receive(chunk))
    socket.on('error', error => this.#answered?.reject(error))
    socket.on('close', () => this.#answered?.reject(new Error('the server closed the connection')))
  }

  static async connect(url: string): Promise<Client> {
    const { hostname, port, host } = new URL(url)
    const socket = connect(Number(port), hostname)
    await once(socket, 'connect')
    return new Client(socket, host)
  }

  /**
   * The body of the answer.
   *
   * @throws (rejects) where that is no 200
   */
  get(path: string): Promise<string> {
    this.#answered = Promise.withResolvers()
    this.#socket.write(`GET ${path} HTTP/1.1\r\nhost: ${this.#host}\r\n\r\n`)
    return this.#answered.promise
  }

  #receive(chunk: Buffer): void {
    this.#received = this.#received.length === 0 ? chunk : Buffer.concat([this.#received, chunk])
    const headers = this.#received.indexOf('\r\n\r\n')
    if (headers < 0) return
    const head = this.#received.toString('latin1', 0, headers)
    const length = Number(/\r\ncontent-length: (\d+)/i.exec(head)?.[1])
    if (this.#received.length < headers + 4 + length) return
    const body = this.#received.toString('utf8', headers + 4, headers + 4 + length)
    this.#received = Buffer.alloc(0)
    if (head.startsWith('HTTP/1.1 200')) this.#answered?.resolve(body)
    else this.#answered?.reject(new Error(`${head.split('\r\n')[0]}: ${body}`))
  }

  [Symbol.dispose](): void {
    this.#answered = undefined
    this.#socket.destroy()
  }
}

/** How long single requests take, one after the other for some time; milliseconds. */
export async function latencies(
  url: string,
  path: string,
  ms: number,
): Promise<{ p50: number; p99: number }> {
  using client = await Client.connect(url)
  for (let i = 0; i < 50; i++) await client.get(path)
  const times: number[] = []
  const until = performance.now() + ms
  while (performance.now() < until) {
    const from = performance.now()
    await client.get(path)
    times.push(performance.now() - from)
  }
  times.sort((a, b) => a - b)
  const at = (share: number): number => times[Math.floor(times.length * share)]!
  return { p50: at(0.5), p99: at(0.99) }
}

/** Asks the same over some connections for some time; answers how many requests were answered. */
export async function hammer(url: string, path: string, ms: number, connections = 16): Promise<number> {
  const until = performance.now() + ms
  const counts = await Promise.all(
    Array.from({ length: connections }, async () => {
      using client = await Client.connect(url)
      let requests = 0
      for (; performance.now() < until; requests++) await client.get(path)
      return requests
    }),
  )
  return counts.reduce((sum, count) => sum + count, 0)
}
