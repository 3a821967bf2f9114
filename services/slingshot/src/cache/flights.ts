import type { RecordKey } from '../store.ts'

/** A question to a PDS that is under way. */
export interface Flight {
  readonly record: RecordKey
  /** Something happened to the record after the PDS was asked: what it says must not be kept. */
  readonly isOvertaken: boolean
  /** Resolves when what happened is in the store. */
  readonly overtaken: Promise<void>
}

interface OpenFlight extends Flight {
  isOvertaken: boolean
  readonly release: () => void
}

/** Which records PDSes are being asked for, so that events can overtake the answers. */
export class FlightBoard {
  readonly #byDid = new Map<string, Set<OpenFlight>>()
  #size = 0

  get size(): number {
    return this.#size
  }

  open(record: RecordKey): Flight {
    const { promise, resolve } = Promise.withResolvers<void>()
    const flight: OpenFlight = { record, isOvertaken: false, overtaken: promise, release: resolve }
    const flights = this.#byDid.get(record.did)
    if (flights) flights.add(flight)
    else this.#byDid.set(record.did, new Set([flight]))
    this.#size++
    return flight
  }

  close(flight: Flight): void {
    const { did } = flight.record
    const flights = this.#byDid.get(did)
    if (flights?.delete(flight as OpenFlight)) this.#size--
    if (flights?.size === 0) this.#byDid.delete(did)
  }

  /** Marks the flights that `concerns` picks among those of an account; answers what releases those who wait for them. */
  overtake(did: string, concerns: (record: RecordKey) => boolean): (() => void)[] {
    const flights = this.#byDid.get(did)
    if (!flights) return []
    const concerned = [...flights].filter(flight => concerns(flight.record))
    for (const flight of concerned) flight.isOvertaken = true
    return concerned.map(flight => flight.release)
  }

  overtakeAll(): (() => void)[] {
    return [...this.#byDid.keys()].flatMap(did => this.overtake(did, () => true))
  }
}
