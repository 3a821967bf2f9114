import type { HttpServer } from '@orrery/server'

/** `GET /`: says what this is, as the first server did, and where to go on. */
export function addHome(app: HttpServer, version: string): void {
  app.get('/', (_request, reply) =>
    reply
      .type('text/plain; charset=utf-8')
      .send(
        `Welcome to Jetstream\n\nThis is Orrery ${version}. Subscribe with a WebSocket at /subscribe; ask how it is at /_health.\n`,
      ),
  )
}
