/**
 * Who a tab is: the same peer after a reload, another than its neighbour, and the one it was when it is opened again.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { chromium } from '@playwright/test'
import { chromiumPath } from '../chromium.js'
import { expect, Tab, test } from './tabs.ts'

test('two tabs are two peers, and each is itself again after a reload', async ({ openTab }) => {
  const [first, second, third] = [await openTab(), await openTab(), await openTab()]
  const identities = [await first.identity(), await second.identity(), await third.identity()]
  expect(new Set(identities).size).toBe(3)
  await Promise.all([first.reload(), second.reload(), third.reload()])
  expect([await first.identity(), await second.identity(), await third.identity()]).toEqual(
    identities,
  )
  // Also where a lower slot is free by now.
  await first.page.close()
  await third.reload()
  expect(await third.identity()).toBe(identities[2])
})

test('a tab that is opened takes the lowest slot that is free', async ({ openTab }) => {
  const [first, second, third] = [await openTab(), await openTab(), await openTab()]
  const identities = [await first.identity(), await second.identity(), await third.identity()]
  await second.page.close()
  const another = await openTab()
  expect(await another.identity()).toBe(identities[1])
  await third.page.close()
  await first.page.close()
  expect(await (await openTab()).identity()).toBe(identities[0])
})

test('a tab that is opened takes the slot that still owes a write, before a lower one', async ({
  openTab,
  peersToHold,
}) => {
  const first = await openTab()
  const second = await openTab()
  const identity = await second.identity()
  await second.cutOff()
  await second.add('kite')
  await expect(second.status).toHaveText('Last change: on this device')
  await second.page.close()
  await first.page.close()

  const again = await openTab()
  expect(await again.identity()).toBe(identity)
  await expect(again.status).toHaveText('Last change: everywhere')
  await peersToHold({ kite: 1 })
  await again.page.close()
  // It owes nothing any more: the lowest is the first choice again.
  expect(await (await openTab()).identity()).not.toBe(identity)
})

test('a duplicated tab is another peer, although it remembers the same slot', async ({
  openTab,
  context,
  url,
}) => {
  const tab = await openTab()
  const opened = context.waitForEvent('page')
  // A window opened by a page starts with a copy of its session's storage, as a duplicate does.
  await tab.page.evaluate((address) => void window.open(address), url)
  const duplicate = await new Tab(await opened).ready()
  const remembered = (): string[] =>
    Object.keys(sessionStorage).filter((key) => key.endsWith(':slot'))
  expect(await duplicate.page.evaluate(remembered)).toHaveLength(1)
  expect(await duplicate.identity()).not.toBe(await tab.identity())
  await tab.add('mug')
  await duplicate.toShow({ mug: 1 })
})

test('a browser that is ended and started again delivers what it still owes', async ({
  url,
  peersToHold,
}) => {
  const profile = mkdtempSync(join(tmpdir(), 'ringlet-profile-'))
  const start = () => chromium.launchPersistentContext(profile, { executablePath: chromiumPath() })
  try {
    const before = await start()
    const tab = await new Tab(await before.newPage()).show(url)
    const identity = await tab.identity()
    await tab.add('lamp')
    await expect(tab.status).toHaveText('Last change: everywhere')
    await tab.cutOff()
    await tab.add('clock')
    await tab.remove('lamp')
    await expect(tab.status).toHaveText('Last change: on this device')
    await before.close()
    await peersToHold({ lamp: 1 })

    const after = await start()
    const again = await new Tab(await after.newPage()).show(url)
    expect(await again.identity()).toBe(identity)
    await again.toShow({ clock: 1 })
    await peersToHold({ clock: 1 })
    await after.close()
  } finally {
    rmSync(profile, { recursive: true, force: true })
  }
})

test('on an origin that is not secure a tab is a stranger that keeps nothing, and says so', async ({
  url,
  peersToHold,
}) => {
  const args = ['--host-resolver-rules=MAP shop.test 127.0.0.1']
  const browser = await chromium.launch({ executablePath: chromiumPath(), args })
  try {
    const tab = new Tab(await browser.newPage())
    await tab.show(url.replace('localhost', 'shop.test'))
    expect(await tab.page.evaluate(() => isSecureContext)).toBe(false)
    const identity = await tab.identity()
    await expect(tab.page.getByRole('list', { name: 'Warnings' })).toContainText(
      'lost with the tab',
    )
    await tab.add('book')
    await expect(tab.status).toHaveText('Last change: everywhere')
    await tab.reload()
    expect(await tab.identity()).not.toBe(identity)
    await tab.toShow({ book: 1 })
    await peersToHold({ book: 1 })
  } finally {
    await browser.close()
  }
})
