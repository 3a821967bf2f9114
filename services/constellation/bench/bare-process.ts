// The least that an answer over HTTP takes: a bare route that has it ready.
import fastify from 'fastify'
import { serveProcess } from '@orrery/testnet'

export type BareApi = typeof api

const api = {
  /** Serves a text at a path, whatever the query; answers `http://host:port`. */
  async serve({ path, text }: { path: string; text: string }): Promise<string> {
    const app = fastify()
    app.get(path, (_request, reply) => reply.type('application/json').send(text))
    return app.listen({ host: '127.0.0.1', port: 0 })
  },
}

serveProcess(api)
