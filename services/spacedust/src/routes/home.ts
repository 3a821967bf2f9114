import { html, type HttpServer, page, pageHeaders } from '@orrery/server'
import { openApi, parameters } from './openapi.ts'

/** `GET /`: what this is and what can be asked for; `GET /openapi`: the same for machines; and the form of all errors. */
export function addHome(app: HttpServer, version: string): void {
  const home = page({
    title: 'Spacedust',
    service: 'Spacedust',
    version,
    nav: [{ href: '/openapi', text: 'OpenAPI' }],
    main: html`
      <h1>Links as they happen</h1>
      <p>
        Every link that appears in a record on the network, one small JSON message each, over a WebSocket at
        <code>/subscribe</code>. By default links are held for a while, so that what is undone at once never
        shows.
      </p>
      <pre>${example}</pre>
      <table>
        <thead>
          <tr>
            <th>parameter</th>
            <th>what it does</th>
          </tr>
        </thead>
        <tbody>
          ${parameters.map(
            ({ name, description }) =>
              html`<tr>
                <td><code>${name}</code></td>
                <td>${description}</td>
              </tr>`,
          )}
        </tbody>
      </table>
    `,
  })
  const document = openApi(version)
  // Errors name their request in the body too, where the reference server's clients look for it.
  app.addHook('onSend', async (request, { statusCode }, payload) =>
    statusCode >= 400 && typeof payload === 'string' && payload.startsWith('{"error":')
      ? JSON.stringify({ request_id: request.id, ...(JSON.parse(payload) as object) })
      : payload,
  )
  app.get('/', (_request, reply) => reply.headers(pageHeaders).send(home))
  app.get('/openapi', (_request, reply) => reply.send(document))
  app.get('/favicon.ico', (_request, reply) => reply.type('image/x-icon').send(favicon))
}

const example = `const socket = new WebSocket('ws://localhost:6790/subscribe?instant=true&wantedSources=app.bsky.feed.like:subject.uri')
socket.onmessage = ({ data }) => console.log(JSON.parse(data).link.subject)`

/** An icon of one dot: a 1 × 1 bitmap in the format of its file type. */
const favicon = Buffer.from(
  'AAABAAEAAQEAAAEAIAAwAAAAFgAAACgAAAABAAAAAgAAAAEAIAAAAAAABAAAAAAAAAAAAAAAAAAAAAAAAAD/mTP/AAAAAA==',
  'base64',
)
