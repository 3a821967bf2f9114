import { statfsSync } from 'node:fs'
import type { Metrics } from './metrics.ts'

/** Declares how much room the disk of a service's data has; where the system does not tell, nothing is said. */
export function addDiskMetrics(metrics: Metrics, folder: string): void {
  const read = (of: (stat: { bsize: number; bavail: number; blocks: number }) => number) => () => {
    try {
      return of(statfsSync(folder))
    } catch {
      return undefined
    }
  }
  metrics.gauge({
    name: 'data_disk_free_bytes',
    help: 'Room on the disk of the data folder.',
    read: read(({ bsize, bavail }) => bsize * bavail),
  })
  metrics.gauge({
    name: 'data_disk_size_bytes',
    help: 'Size of the disk of the data folder.',
    read: read(({ bsize, blocks }) => bsize * blocks),
  })
}
