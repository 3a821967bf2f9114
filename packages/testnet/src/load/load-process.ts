import { serveProcess } from '../process.ts'
import { connectCrowd, type Crowd } from './crowd.ts'
import type { LoadOptions, LoadResult } from './types.ts'

export type LoadApi = typeof api

let crowd: Crowd | undefined

const api = {
  async connect(options: LoadOptions): Promise<void> {
    crowd = await connectCrowd(options)
  },
  result: (): LoadResult => crowd!.result(),
  reset(): LoadResult {
    const result = crowd!.result()
    crowd!.reset()
    return result
  },
  async received({
    frames,
    timeoutMs,
  }: {
    frames: readonly number[]
    timeoutMs: number
  }): Promise<LoadResult> {
    await crowd!.received(frames, timeoutMs)
    return crowd!.result()
  },
}

serveProcess(api)
