/**
 * The ring's panel: who holds the cart, who answers, what happens; and that it never shows what it does not know.
 */
import type { Locator, Page } from '@playwright/test'
import { expect, test } from './tabs.ts'

/** The rows of the preference list, most preferred first. */
function placeIn(page: Page): Locator {
  return page.getByRole('list', { name: /^Who holds/ }).getByRole('listitem')
}

function peersIn(page: Page): Locator {
  return page.getByRole('complementary').getByRole('list', { name: 'Peers' }).getByRole('listitem')
}

function openPanel(page: Page): Promise<void> {
  return page.getByRole('button', { name: 'Ring' }).click()
}

test('it shows who holds the cart, and a peer that is killed is no longer said to', async ({
  ring,
  openTab,
  peersToHold,
}) => {
  const tab = await openTab()
  const { page } = tab
  await openPanel(page)
  await expect(placeIn(page)).toHaveText(Array.from({ length: 3 }, () => /owner.*nothing of it/))
  await tab.add('mug')
  await expect(placeIn(page)).toHaveText(Array.from({ length: 3 }, () => /owner.*holds it all/))
  await expect(page.getByRole('img', { name: /^Ring of 4096 partitions/ })).toBeVisible()

  await ring.kill(2)
  const killed = placeIn(page).filter({ hasText: 'dev-2' })
  await expect(killed).toContainText('does not answer: unknown')
  await expect(placeIn(page).filter({ hasText: 'holds it all' })).toHaveCount(2)
  await expect(peersIn(page).nth(1)).toContainText(/^dev-2.*does not answer.*keysunknown/)
  await tab.add('book')

  await ring.restart(2)
  await expect(killed).toContainText('holds it all', { timeout: 20_000 })
  await expect(peersIn(page).filter({ hasText: 'answers' })).toHaveCount(3, { timeout: 20_000 })
  await peersToHold({ book: 1, mug: 1 })
})

test('of a tab that is cut off it says that it does not know', async ({ openTab }) => {
  const tab = await openTab()
  const { page } = tab
  await tab.add('kite')
  await openPanel(page)
  await expect(placeIn(page)).toHaveCount(3)
  await tab.cutOff()
  await expect(page.getByText('Unknown: this tab is cut off.')).toBeVisible()
  for (const peer of await peersIn(page).all()) {
    // The share follows from the ring, which it still knows; nothing else does.
    await expect(peer).toContainText(/share33\.\d %/)
    await expect(peer.getByText('unknown', { exact: true })).toHaveCount(4)
  }
  await tab.cutSwitch.uncheck()
  await expect(placeIn(page)).toHaveText(Array.from({ length: 3 }, () => /holds it all/))
})

test('it is loaded when it is first wanted, and is open again after a reload', async ({
  openTab,
}) => {
  const tab = await openTab()
  const { page } = tab
  const panels = (): Promise<number> =>
    page.evaluate(
      () =>
        performance.getEntriesByType('resource').filter(({ name }) => /panel/.test(name)).length,
    )
  expect(await panels()).toBe(0)
  await openPanel(page)
  await expect(page.getByRole('complementary', { name: /^Ring/ })).toBeVisible()
  expect(await panels()).toBeGreaterThan(0)
  await tab.reload()
  await expect(page.getByRole('complementary', { name: /^Ring/ })).toBeVisible()
  await page.getByRole('button', { name: 'Close' }).click()
  await tab.reload()
  await expect(page.getByRole('complementary', { name: /^Ring/ })).toBeHidden()
})

test('what happens is told in plain words, and stands still when it is to', async ({ openTab }) => {
  const tab = await openTab()
  const { page } = tab
  await openPanel(page)
  const events = page.getByRole('list', { name: 'What happens' }).getByRole('listitem')
  await expect(events.filter({ hasText: 'Started.' })).toHaveCount(1)
  await expect(events.filter({ hasText: /Linked to dev-\d\./ })).toHaveCount(3)
  await tab.add('mug')
  await expect(events.filter({ hasText: 'Delivered a change' })).toHaveCount(1)
  await page.getByRole('switch', { name: 'Pause' }).check()
  const before = await events.allTextContents()
  await tab.add('mug')
  await expect(tab.status).toHaveText('Last change: everywhere')
  await page.waitForTimeout(500)
  expect(await events.allTextContents()).toEqual(before)
  await page.getByRole('switch', { name: 'Pause' }).uncheck()
  await expect(events.filter({ hasText: 'Delivered a change' })).toHaveCount(2)
  // It keeps the last fifty.
  for (let clicks = 0; clicks < 30; clicks++) await tab.add('mug')
  await expect(events).toHaveCount(50)
})
