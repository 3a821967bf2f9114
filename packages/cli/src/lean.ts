import { join } from 'node:path'

/**
 * V8's flags for a service's process. What a service allocates is dead soon; by default 16 MB of it gather in each of two
 * halves before V8 looks, and with it the buffers that it holds on to. What outlives that may grow by a fifth before V8
 * looks again, where it would let it double, and the buffers with it: a Jetstream of 1,000 commits a second took 204 MB
 * instead of 289.
 */
export const leanFlags: readonly string[] = ['--max-semi-space-size=4', '--heap-growing-percent=20']

/** The same where memory is short, for some more time on the CPU. */
export const smallFlags: readonly string[] = [
  '--max-semi-space-size=2',
  '--heap-growing-percent=10',
  '--single-threaded-gc',
  '--optimize-for-size',
]

/**
 * The environment of a service's process. Its threads hand buffers to each other, and with an arena of memory for each of
 * them glibc would keep what they free; what is large it gives back at once only where it is told what is. What Node compiled
 * is kept on disk, also with the types taken out: each thread is 6 to 13 MB smaller for not having to do it, and starts in a
 * third of the time.
 *
 * With these and the flags a Jetstream of 250 commits a second had 229 MB after half a minute, without them 383 MB.
 */
export function leanEnvironment(small = false): NodeJS.ProcessEnv {
  return {
    MALLOC_ARENA_MAX: small ? '1' : '2',
    MALLOC_MMAP_THRESHOLD_: String(256 * 1024),
    ...(small && { ORRERY_PAGE_CACHE: '0.25', MALLOC_TRIM_THRESHOLD_: '131072', UV_THREADPOOL_SIZE: '2' }),
    NODE_COMPILE_CACHE: join(import.meta.dirname, '../../../node_modules/.cache/node'),
    ...process.env,
  }
}
