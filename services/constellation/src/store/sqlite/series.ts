import type { WriterApi } from './writer.ts'

// Calls go to the writer's thread before those ahead of them are done. Where one fails, those behind it must not be done as
// if nothing had happened: part of what is committed together would be missing. Each call tells how many failures were known
// when it was made, so that the thread can tell them.

/** What the thread serves: the same with the number of failures that were known. */
export interface SeriesApi extends Pick<WriterApi, 'tidy' | 'dispose'> {
  gather(series: number, ...call: Parameters<WriterApi['gather']>): void
  apply(series: number, ...call: Parameters<WriterApi['apply']>): void
}

/** The thread's side: refuses what was made before the failure of an earlier call was known, with that failure. */
export function refusingAfterFailure(writer: WriterApi): SeriesApi {
  let now = 0
  let failure: unknown
  const inSeries = (series: number, work: () => void): void => {
    if (series < now) throw failure
    try {
      work()
    } catch (error) {
      now++
      failure = error
      throw error
    }
  }
  return {
    gather: (series, ...call) => inSeries(series, () => writer.gather(...call)),
    apply: (series, ...call) => inSeries(series, () => writer.apply(...call)),
    tidy: () => writer.tidy(),
    dispose: () => writer.dispose(),
  }
}

/** The caller's side: counts the failures that became known. */
export class Series {
  #now = 0

  /** Makes a call with the number to tell. */
  async call<T>(make: (series: number) => Promise<T>): Promise<T> {
    const series = this.#now
    try {
      return await make(series)
    } catch (error) {
      if (series === this.#now) this.#now++
      throw error
    }
  }
}
