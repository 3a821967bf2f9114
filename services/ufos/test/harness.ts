import type { TxtLookup } from '@orrery/identity'
import { hrefOf } from '@orrery/server'
import {
  type Flags,
  optionsOf as optionsFrom,
  startTestService,
  type TestService,
} from '@orrery/server/testing'
import { startUfos, type Ufos, ufosOptions } from '../src/service.ts'

export type Query = Record<string, string | readonly string[] | undefined>

export interface TestUfos extends TestService<Ufos> {
  /** `GET`, as JSON. Rejects where that is no 200. */
  get<T>(path: string, query?: Query): Promise<T>
}

/** The options that flags stand for. */
export const optionsOf = (flags: Flags) => optionsFrom(ufosOptions, flags)

/** Starts one with flags. A given `data-dir` is kept. */
export async function startTestUfos(flags: Flags, { txt }: { txt?: TxtLookup } = {}): Promise<TestUfos> {
  const test = await startTestService(
    {
      name: 'ufos',
      options: ufosOptions,
      start: context => startUfos({ ...context, ...(txt && { txt }) }),
      flags: { 'commit-interval': '5ms' },
    },
    flags,
  )
  return {
    ...test,
    async get<T>(path: string, query: Query = {}) {
      const response = await fetch(test.service.url + hrefOf(path, query))
      if (!response.ok) throw new Error(`${response.status} ${await response.text()}`)
      return (await response.json()) as T
    },
  }
}
