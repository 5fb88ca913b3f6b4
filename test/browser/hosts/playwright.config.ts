/**
 * Tabs and peers on hosts of their own: `playwright test --config test/browser/hosts/playwright.config.ts`.
 *
 * Most of these tests wait for time to pass while something is cut off, so that two share the machine; each worker has a
 * network, a ring and browsers of its own.
 */
import { join } from 'node:path'
import { defineConfig } from '@playwright/test'

const reports = join(import.meta.dirname, '..', '..', '..', '.reports')

export default defineConfig({
  testDir: '.',
  testMatch: '**/*.spec.ts',
  globalSetup: './page.ts',
  workers: 2,
  fullyParallel: true,
  timeout: 180_000,
  expect: { timeout: 30_000 },
  forbidOnly: process.env['CI'] !== undefined,
  // Playwright empties this folder when it starts, so the report stands beside it.
  outputDir: join(reports, 'hosts'),
  reporter: [['list'], ['json', { outputFile: join(reports, 'hosts.json') }]],
})
