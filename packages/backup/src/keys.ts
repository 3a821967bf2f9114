/** How objects are named at a destination, below the prefix that the operator chose. */
export const keys = {
  chunks: (service: string) => `${service}/chunks/`,
  chunk: (service: string, sha256: string) => `${service}/chunks/${sha256.slice(0, 2)}/${sha256}`,
  maps: (service: string) => `${service}/maps/`,
  map: (service: string, sha256: string) => `${service}/maps/${sha256}`,
  snapshots: (service: string) => `${service}/snapshots/`,
  snapshot: (service: string, name: string) => `${service}/snapshots/${name}.json`,
  /** The names of the snapshots, for who cannot list. */
  index: (service: string) => `${service}/index.json`,
  /** Who is writing or removing at the moment. */
  marks: (service: string, doing: 'writing' | 'collecting') => `${service}/${doing}/`,
} as const

/** A snapshot's name: its time, without what some file systems do not take. Names sort as times do. */
export function nameOf(time: string): string {
  return time.replaceAll(':', '')
}

/** The time that a snapshot's name tells, ISO 8601; undefined where it is no such name. */
export function timeOf(name: string): string | undefined {
  const time = name.replace(/T(\d{2})(\d{2})(\d{2}\.\d{3}Z)$/, 'T$1:$2:$3')
  return Number.isNaN(Date.parse(time)) || nameOf(time) !== name ? undefined : time
}
