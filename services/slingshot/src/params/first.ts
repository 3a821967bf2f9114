import { type HttpRequest, invalidParameter } from '@orrery/server'

/** A parameter of the query as text; of one that is repeated, the first, as the first server has it. */
export function first({ query }: Pick<HttpRequest, 'query'>, name: string): string | undefined {
  const value = (query as Readonly<Record<string, string | readonly string[]>>)[name]
  return typeof value === 'object' ? value[0] : value
}

/** @throws HttpError 400 that names the parameter; empty text is a value */
export function required(request: Pick<HttpRequest, 'query'>, name: string): string {
  const value = first(request, name)
  if (value === undefined) throw invalidParameter(name, 'is missing')
  return value
}
