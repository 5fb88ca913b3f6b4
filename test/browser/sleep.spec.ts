/**
 * Tabs that the browser freezes and slows down: they thaw to the newest cart at once, nobody takes their silence for more
 * than it is, and one that slept while another delivered for it says that its place is taken.
 */
import { PlainBrowser } from './plain-browser.ts'
import { expect, test as base } from './tabs.ts'

const test = base.extend<{ plain: PlainBrowser }>({
  // Playwright reads what a fixture needs from the pattern.
  // oxlint-disable-next-line no-empty-pattern
  plain: async ({}, use) => {
    const plain = await PlainBrowser.start()
    await use(plain)
    await plain.close()
  },
})

/** Longer than two heartbeats: who is silent for so long is taken for gone. */
const longSleepMs = 12_000

test('a frozen tab thaws to the newest cart within seconds, and what it adds goes everywhere', async ({
  plain,
  url,
  openTab,
  peersToHold,
}) => {
  const sleeper = await plain.open(url)
  const other = await openTab()
  await sleeper.add('mug')
  await other.toShow({ mug: 1 })
  await sleeper.toShow({ mug: 1 })
  await sleeper.freeze()
  await other.add('lamp')
  await other.page.waitForTimeout(longSleepMs)
  await other.add('kite')
  // Nobody misses it: it is no member, and what others do needs no answer of it.
  await expect(other.status).toHaveText('Last change: everywhere')
  await expect(other.page.getByText('All 3 peers answer.')).toBeVisible()

  await sleeper.thaw()
  const thawedAt = Date.now()
  await sleeper.toShow({ mug: 1, lamp: 1, kite: 1 })
  expect(Date.now() - thawedAt).toBeLessThan(5000)
  await sleeper.add('mug')
  await other.toShow({ mug: 2, lamp: 1, kite: 1 })
  await expect.poll(() => sleeper.text('#saved')).toBe('Last change: everywhere')
  await expect.poll(() => sleeper.text('#reach')).toContain('All 3 peers answer.')
  await peersToHold({ mug: 2, lamp: 1, kite: 1 })
})
