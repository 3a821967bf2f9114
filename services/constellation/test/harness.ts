import { type Flags, startTestService, type TestService } from '@orrery/server/testing'
import { type Constellation, constellationOptions, startConstellation } from '../src/service.ts'

export interface TestConstellation extends TestService<Constellation> {
  /** `GET`, as JSON; arrays are repeated parameters. */
  get<T>(path: string, query?: Record<string, string | number | readonly string[]>): Promise<T>
}

/** Starts one with flags. A given `data-dir` is kept. */
export async function startTestConstellation(flags: Flags): Promise<TestConstellation> {
  const test = await startTestService(
    {
      name: 'constellation',
      options: constellationOptions,
      start: startConstellation,
      flags: { 'commit-interval': '5ms' },
    },
    flags,
  )
  return {
    ...test,
    async get<T>(path: string, query = {}) {
      const url = new URL(path, test.service.url)
      for (const [name, value] of Object.entries<string | number | readonly string[]>(query)) {
        for (const one of Array.isArray(value) ? value : [value]) url.searchParams.append(name, String(one))
      }
      const response = await fetch(url)
      if (!response.ok) throw new Error(`${response.status} ${await response.text()}`)
      return (await response.json()) as T
    },
  }
}
