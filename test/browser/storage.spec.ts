/**
 * Stores that go away under a tab, and browsers that give it none: it is said, and nothing is written into the dark.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { chromium } from '@playwright/test'
import { chromiumPath } from '../chromium.js'
import { expect, Tab, test } from './tabs.ts'

test('a site whose data is cleared under an open tab says so, and begins anew with the next page', async ({
  openTab,
  context,
  ring,
  peersToHold,
}) => {
  const tab = await openTab()
  const identity = await tab.identity()
  await tab.add('mug')
  await expect(tab.status).toHaveText('Last change: everywhere')
  const browser = await context.newCDPSession(tab.page)
  const { origin } = new URL(ring.page)
  await browser.send('Storage.clearDataForOrigin', { origin, storageTypes: 'all' })
  await tab.add('lamp')
  await expect(tab.trouble).toContainText('code: store-lost')
  await tab.page.waitForTimeout(1000)
  await peersToHold({ mug: 1 })

  await tab.reload()
  await expect(tab.trouble).toBeHidden()
  await tab.toShow({ mug: 1 })
  expect(await tab.identity()).not.toBe(identity)
  await tab.add('lamp')
  await peersToHold({ lamp: 1, mug: 1 })
})

test('a browser that lets no site store anything gives a tab that forgets, says so, and shops all the same', async ({
  url,
  peersToHold,
}) => {
  const profile = mkdtempSync(join(tmpdir(), 'ringlet-profile-'))
  mkdirSync(join(profile, 'Default'))
  const blocked = { profile: { default_content_setting_values: { cookies: 2 } } }
  writeFileSync(join(profile, 'Default', 'Preferences'), JSON.stringify(blocked))
  const browser = await chromium.launchPersistentContext(profile, {
    executablePath: chromiumPath(),
  })
  try {
    const tab = await new Tab(await browser.newPage()).show(url)
    const storage = await tab.page.evaluate(async () => {
      try {
        return typeof localStorage
      } catch (error) {
        return (error as Error).name
      }
    })
    expect(storage).toBe('SecurityError')
    await expect(tab.page.getByRole('list', { name: 'Warnings' })).toContainText(
      'lost with the tab',
    )
    await tab.add('book')
    await expect(tab.status).toHaveText('Last change: everywhere')
    await peersToHold({ book: 1 })
  } finally {
    await browser.close()
    rmSync(profile, { recursive: true, force: true })
  }
})
