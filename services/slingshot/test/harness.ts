import {
  type Flags,
  optionsOf as optionsFrom,
  startTestService,
  type TestService,
} from '@orrery/server/testing'
import { type Slingshot, slingshotOptions, startSlingshot } from '../src/service.ts'

/** What was answered; what the body should be is for the test to say. */
export interface TestAnswer {
  status: number
  // oxlint-disable-next-line typescript/no-explicit-any
  body: any
}

export interface TestSlingshot extends TestService<Slingshot> {
  fetch(path: string, params?: Record<string, string>, init?: RequestInit): Promise<Response>
  /** Status, and the JSON of the body. */
  ask(path: string, params?: Record<string, string>, init?: RequestInit): Promise<TestAnswer>
  post(path: string, body: unknown): Promise<TestAnswer>
  /** The sum of a metric over its labels. */
  total(name: string): Promise<number>
}

/** The options that flags stand for. */
export const optionsOf = (flags: Flags) => optionsFrom(slingshotOptions, flags)

/** Starts one with flags. A given `data-dir` is kept. */
export async function startTestSlingshot(flags: Flags): Promise<TestSlingshot> {
  const test = await startTestService(
    {
      name: 'slingshot',
      options: slingshotOptions,
      start: startSlingshot,
      flags: { 'commit-interval': '5ms', 'rate-limit': '0' },
    },
    flags,
  )
  const { service, metrics } = test
  const get: TestSlingshot['fetch'] = (path, params = {}, init = {}) => {
    const url = new URL(path, service.url)
    for (const [name, value] of Object.entries(params)) url.searchParams.set(name, value)
    return fetch(url, init)
  }
  const ask: TestSlingshot['ask'] = async (path, params = {}, init = {}) => {
    const response = await get(path, params, init)
    return { status: response.status, body: await response.json() }
  }
  return {
    ...test,
    fetch: get,
    ask,
    post: (path, body) =>
      ask(
        path,
        {},
        {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify(body),
        },
      ),
    async total(name) {
      const metric = await metrics.registry.getSingleMetric(name)?.get()
      if (!metric) throw new Error(`no metric ${name}`)
      return metric.values.reduce((sum, { value }) => sum + value, 0)
    },
  }
}
