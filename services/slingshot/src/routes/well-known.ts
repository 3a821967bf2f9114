import type { HttpServer } from '@orrery/server'

/** How long what hardly ever changes may be kept, seconds. */
const maxAgeSeconds = 3600

/** `/robots.txt`, and `/.well-known/did.json` where the service has a domain: what PDSes need to proxy requests to it. */
export function addWellKnown(app: HttpServer, didWebDomain: string | undefined): void {
  const cached = `public, max-age=${maxAgeSeconds}`
  app.get('/robots.txt', (_request, reply) =>
    reply
      .header('cache-control', cached)
      .type('text/plain; charset=utf-8')
      .send('User-agent: *\nDisallow: /xrpc/\n'),
  )
  if (didWebDomain === undefined) return
  const document = JSON.stringify({
    '@context': ['https://www.w3.org/ns/did/v1'],
    id: `did:web:${didWebDomain}`,
    service: [{ id: '#slingshot', type: 'SlingshotRecordProxy', serviceEndpoint: `https://${didWebDomain}` }],
  })
  app.get('/.well-known/did.json', (_request, reply) =>
    reply
      .header('cache-control', cached)
      .header('content-type', 'application/json; charset=utf-8')
      .send(document),
  )
}
