import { defineConfig } from 'vitest/config'

// `short` is everything a change needs, in minutes; of it `timed`, in *.timed.test.ts, holds bounds of a second and less and runs
// after the rest, a file at a time, so that no other test takes its time. `long` (soak, crash series, fuzz by the minute) is in
// *.long.test.ts.
const common = {
  environment: 'node',
  testTimeout: 30_000,
  hookTimeout: 60_000,
  // A second by default, for which a busy machine may stand still.
  expect: { poll: { timeout: 10_000 } },
  pool: 'forks',
} as const

export default defineConfig({
  test: {
    projects: [
      {
        extends: true,
        test: {
          ...common,
          name: 'short',
          include: ['{packages,services,scripts}/**/*.test.ts'],
          exclude: ['**/node_modules/**', '**/*.long.test.ts', '**/*.timed.test.ts'],
          // Most tests wait for timers and disks: two at a time take little more than half of the time, also on two cores.
          maxWorkers: 2,
        },
      },
      {
        extends: true,
        test: {
          ...common,
          name: 'timed',
          include: ['{packages,services}/**/*.timed.test.ts'],
          exclude: ['**/node_modules/**'],
          maxWorkers: 1,
          sequence: { groupOrder: 1 },
        },
      },
      {
        extends: true,
        test: {
          ...common,
          name: 'long',
          include: ['{packages,services}/**/*.long.test.ts'],
          exclude: ['**/node_modules/**'],
          maxWorkers: 1,
          sequence: { groupOrder: 2 },
          testTimeout: 20 * 60_000,
        },
      },
    ],
  },
})
