import type { Plan } from '../suite/plan.ts'

/** What running the suite takes, as far as it was measured: docs/sizing.md. */
export interface ExpectedUse {
  /** Events a second that it holds for. */
  perSecond: number
  memoryBytes: number
  diskBytesADay: number
}

const MB = 1e6

/**
 * Of each service at 1,000 events a second: memory as usual and with `--small` (its share of a process that it shares), and
 * what an event leaves on the disk, bytes. Slingshot's cache is bounded, so it does not count by the day.
 */
const measured: Readonly<Record<string, { memory: number; small: number; bytesOfAnEvent: number }>> = {
  jetstream: { memory: 279 * MB, small: 376 * MB, bytesOfAnEvent: 289 },
  constellation: { memory: 360 * MB, small: 160 * MB, bytesOfAnEvent: 75 },
  spacedust: { memory: 230 * MB, small: 80 * MB, bytesOfAnEvent: 383 },
  slingshot: { memory: 228 * MB, small: 80 * MB, bytesOfAnEvent: 0 },
  ufos: { memory: 185 * MB, small: 80 * MB, bytesOfAnEvent: 5 },
}

const supervisor = 100 * MB
const perSecond = 1_000

/** What the services of a plan take together at 1,000 events a second. */
export function expectedUse({ services, small }: Pick<Plan, 'services' | 'small'>): ExpectedUse {
  const known = services.map(({ name }) => measured[name]).filter(use => use !== undefined)
  const sum = (of: (use: (typeof known)[number]) => number): number =>
    known.reduce((total, use) => total + of(use), 0)
  return {
    perSecond,
    memoryBytes: supervisor + sum(use => (small ? use.small : use.memory)),
    diskBytesADay: sum(use => use.bytesOfAnEvent) * perSecond * 86_400,
  }
}
