import { defineConfig } from 'vitest/config'

// Two tiers: `short` is everything a change needs, in minutes; `long` (soak, crash series, fuzz by the minute) is in *.long.test.ts.
const common = {
  environment: 'node',
  testTimeout: 30_000,
  hookTimeout: 60_000,
  pool: 'forks',
} as const

export default defineConfig({
  test: {
    // Most tests wait for timers and disks: two at a time take little more than half of the time, also on two cores.
    maxWorkers: 2,
    projects: [
      {
        extends: true,
        test: {
          ...common,
          name: 'short',
          include: ['{packages,services,scripts}/**/*.test.ts'],
          exclude: ['**/node_modules/**', '**/*.long.test.ts'],
        },
      },
      {
        extends: true,
        test: {
          ...common,
          name: 'long',
          include: ['{packages,services}/**/*.long.test.ts'],
          exclude: ['**/node_modules/**'],
          testTimeout: 20 * 60_000,
        },
      },
    ],
  },
})
