/**
 * The endpoint of a service that a DID document names: of the first one with this id, relative (`#atproto_pds`) or whole,
 * whose endpoint is text and, where `type` is given, that is of this type. Unchecked: fetch it guarded.
 *
 * @param document as `Identity` has it
 */
export function findServiceEndpoint(
  document: unknown,
  { did, id, type }: { did: string; id: string; type?: string | undefined },
): string | undefined {
  const services: unknown =
    typeof document === 'object' && document && 'service' in document && document.service
  if (!Array.isArray(services)) return undefined
  const relative = id.startsWith('#') ? id : id.slice(id.indexOf('#'))
  for (const service of services as unknown[]) {
    if (typeof service !== 'object' || service === null) continue
    const entry = service as Record<string, unknown>
    const isNamed = entry['id'] === relative || entry['id'] === did + relative
    const endpoint = entry['serviceEndpoint']
    if (isNamed && typeof endpoint === 'string' && (type === undefined || entry['type'] === type))
      return endpoint
  }
  return undefined
}
