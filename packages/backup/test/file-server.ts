import { existsSync, readFileSync, statSync } from 'node:fs'
import { createServer } from 'node:http'
import { type AddressInfo } from 'node:net'
import { join } from 'node:path'

/** A plain server of a folder's files, without lists, that can be made to fail. */
export interface FileServer extends AsyncDisposable {
  readonly url: string
  /** Paths that were asked for. */
  readonly asked: string[]
  /** Whether an answer is to be cut in the middle of its body; by default none is. */
  cuts: (path: string) => boolean
}

export async function serveFolder(folder: string): Promise<FileServer> {
  const server = createServer((request, response) => {
    const path = new URL(request.url!, 'http://any').pathname
    self.asked.push(path)
    const file = join(folder, path)
    if (!existsSync(file) || !statSync(file).isFile()) {
      response.writeHead(404).end()
      return
    }
    const body = readFileSync(file)
    response.writeHead(200, { 'content-length': body.length })
    if (!self.cuts(path)) response.end(body)
    else response.write(body.subarray(0, Math.floor(body.length / 2)), () => response.destroy())
  })
  const self: FileServer = {
    url: '',
    asked: [],
    cuts: () => false,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise(resolve => server.close(resolve))
    },
  }
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  return Object.assign(self, { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` })
}
