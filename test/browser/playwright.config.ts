/**
 * Whole pages in a real Chromium: `playwright test --config test/browser/playwright.config.ts`.
 *
 * One worker: the tests open several tabs each, and two such rings would disturb each other's clocks.
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
  workers: 1,
  timeout: 60_000,
  // Their own time is measured where it matters; everywhere else a busy machine may take its time.
  expect: { timeout: 15_000 },
  // Once in hundreds of times Chromium itself hangs. What passes only at its second try is told by name.
  retries: process.env['CI'] === undefined ? 0 : 1,
  forbidOnly: process.env['CI'] !== undefined,
  // Playwright empties this folder when it starts, so the report stands beside it.
  outputDir: join(reports, 'browser'),
  reporter: [['list'], ['json', { outputFile: join(reports, 'browser.json') }]],
  use: {
    browserName: 'chromium',
    launchOptions: { executablePath: chromiumPath() },
    trace: 'retain-on-failure',
  },
})
