/** Environment variables of a process, or some of them. */
export type Variables = Readonly<Record<string, string | undefined>>

/** The variable of a service's option: `dataDir` of the Jetstream is `JETSTREAM_DATA_DIR`. */
export function variableOf(service: string, option: string): string {
  const words = option.replaceAll(/[A-Z]/g, letter => `_${letter}`)
  return `${service}_${words}`.toUpperCase()
}

/** The variables of a service that are set to anything. */
export function variablesOf(service: string, env: Variables): Record<string, string> {
  const prefix = `${service.toUpperCase()}_`
  return Object.fromEntries(
    Object.entries(env).filter(
      (entry): entry is [string, string] => entry[0].startsWith(prefix) && Boolean(entry[1]),
    ),
  )
}
