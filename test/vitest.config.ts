/**
 * The test projects: `vitest --config test/vitest.config.ts --project core`, and so on.
 *
 * core        laws, decisions, stories and the tidy test, in plain Node
 * simulation  the seeded cluster
 * node        real processes, sockets and disks: slow
 * web         what needs a real browser's stores and locks, in Chromium
 * chaos       real peers on machines of their own, in which things break
 */
import { join } from 'node:path'
import { playwright } from '@vitest/browser-playwright'
import { defineConfig } from 'vitest/config'
import { chromiumPath } from './chromium.js'

const elsewhere = ['simulation', 'node', 'web', 'browser', 'bench', 'chaos'].map(
  (dir) => `test/${dir}/**`,
)
const runsWeb = process.argv.every((arg, at, all) => all[at - 1] !== '--project' || arg === 'web')

export default defineConfig({
  root: join(import.meta.dirname, '..'),
  test: {
    projects: [
      {
        extends: true,
        test: {
          name: 'core',
          include: ['test/**/*.test.ts'],
          exclude: elsewhere,
          // A busy machine may take ten times as long as a quiet one.
          testTimeout: 30_000,
        },
      },
      {
        extends: true,
        test: {
          name: 'simulation',
          include: ['test/simulation/**/*.test.ts'],
          testTimeout: 120_000,
        },
      },
      {
        extends: true,
        test: {
          name: 'node',
          include: ['test/node/**/*.test.ts'],
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
      {
        extends: true,
        test: { name: 'chaos', include: ['test/chaos/**/*.test.ts'] },
      },
      {
        extends: true,
        test: {
          name: 'web',
          include: ['test/web/**/*.test.ts'],
          globalSetup: [join(import.meta.dirname, './web/fingerprints.ts')],
          testTimeout: 30_000,
          browser: {
            enabled: true,
            headless: true,
            screenshotFailures: false,
            // Only the run that needs a browser may install one.
            provider: playwright({
              launchOptions: runsWeb ? { executablePath: chromiumPath() } : {},
            }),
            instances: [{ browser: 'chromium' }],
          },
        },
      },
    ],
  },
})
