/**
 * Whole pages in a real Chromium: `playwright test --config test/browser/playwright.config.ts`.
 *
 * Most of these tests wait, so that two files share the machine, each with a ring and a browser of its own; what is
 * measured is measured alone, after all the others.
 */
import { join } from 'node:path'
import { defineConfig } from '@playwright/test'
import { chromiumPath } from '../chromium.js'

const reports = join(import.meta.dirname, '..', '..', '.reports')

export default defineConfig({
  testDir: '.',
  testMatch: '**/*.spec.ts',
  // They have settings of their own.
  testIgnore: '**/hosts/**',
  globalSetup: './hosts/page.ts',
  workers: 2,
  timeout: 60_000,
  // Their own time is measured where it matters; everywhere else a busy machine may take its time.
  expect: { timeout: 15_000 },
  // Once in hundreds of times Chromium itself hangs. What passes only at its second try is told by name.
  retries: process.env['CI'] === undefined ? 0 : 1,
  forbidOnly: process.env['CI'] !== undefined,
  // Playwright empties this folder when it starts, so the report stands beside it.
  outputDir: join(reports, 'browser'),
  reporter: [['list'], ['json', { outputFile: join(reports, 'browser.json') }]],
  projects: [
    { name: 'pages', testIgnore: ['**/hosts/**', '**/figures.spec.ts'] },
    { name: 'figures', testMatch: '**/figures.spec.ts', dependencies: ['pages'] },
  ],
  use: {
    browserName: 'chromium',
    launchOptions: { executablePath: chromiumPath() },
    trace: 'retain-on-failure',
  },
})
