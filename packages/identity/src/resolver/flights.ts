/** Work under way, one piece for each key; who asks for the same joins it. */
export type Flights<T> = {
  /**
   * Starts `work` for a key, or joins what is under way for it. `isCurrent` turns false once the key was forgotten:
   * the result then still goes to those who wait for it, but must not be kept.
   */
  run(key: string, work: (isCurrent: () => boolean) => Promise<T>): Promise<T>
  /** Lets the next `run` start anew, whatever is under way. */
  forget(key: string): void
  has(key: string): boolean
  size(): number
}

/** Makes an empty {@link Flights}. */
export function createFlights<T>(): Flights<T> {
  const flights = new Map<string, Promise<T>>()
  return {
    run(key, work) {
      const underway = flights.get(key)
      if (underway) return underway
      const isCurrent = (): boolean => flights.get(key) === flight
      const flight = Promise.resolve()
        .then(() => work(isCurrent))
        .finally(() => {
          if (isCurrent()) flights.delete(key)
        })
      // All who waited may have gone; a failure nobody waits for is no crash.
      flight.catch(() => {})
      flights.set(key, flight)
      return flight
    },
    forget: key => void flights.delete(key),
    has: key => flights.has(key),
    size: () => flights.size,
  }
}
