/** One declared route, as far as requests that miss it are concerned. */
type KnownRoute = { pattern: RegExp; methods: Set<string> }

/** What routes there are, to tell a wrong method from a wrong path, and a route for WebSockets from one that is not. */
export type RouteTable = {
  /** Notes a route as Fastify registers it. */
  add(url: string, methods: readonly string[], socket: 'none' | 'only' | 'both'): void
  /** The methods that a path answers; empty when there is no such path. */
  methodsOf(path: string): string[]
  /** Whether the route with this template takes WebSockets, and whether it takes anything else. */
  socketsOf(template: string | undefined): 'none' | 'only' | 'both'
}

/** Makes an empty table. Route templates are Fastify's: `/a/:b`, `/a/*`. */
export function createRouteTable(): RouteTable {
  const routes = new Map<string, KnownRoute>()
  const sockets = new Map<string, 'only' | 'both'>()
  return {
    add(url, methods, socket) {
      const route = routes.get(url) ?? { pattern: patternOf(url), methods: new Set<string>() }
      for (const method of methods) route.methods.add(method)
      routes.set(url, route)
      if (socket !== 'none') sockets.set(url, socket)
    },
    methodsOf(path) {
      const methods = new Set<string>()
      for (const route of routes.values()) {
        if (route.pattern.test(path)) for (const method of route.methods) methods.add(method)
      }
      return [...methods]
    },
    socketsOf: template => sockets.get(template ?? '') ?? 'none',
  }
}

function patternOf(url: string): RegExp {
  const source = url
    .split(/(:[A-Za-z0-9_]+|\*)/)
    .map(part => (part === '*' ? '.*' : part.startsWith(':') ? '[^/]+' : RegExp.escape(part)))
    .join('')
  return new RegExp(`^${source}$`)
}
