/**
 * Who a tab is: the same peer after a reload, another than its neighbour, and the one it was when it is opened again. And
 * who delivers what a tab has left behind that is closed, or hangs, or was killed.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
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

test('what a closed tab has left is delivered by one that stays, and the tab is itself when it is opened again', async ({
  openTab,
  peersToHold,
}) => {
  const stays = await openTab()
  const goes = await openTab()
  const identity = await goes.identity()
  await goes.cutOff()
  await goes.add('teapot')
  await goes.toShow({ teapot: 1 })
  await expect(goes.status).toHaveText('Last change: on this device')
  await goes.page.close()
  await peersToHold({ teapot: 1 })
  await stays.toShow({ teapot: 1 })
  await expect.poll(() => stays.page.evaluate(owingMarks), { timeout: 15_000 }).toEqual([])
  const again = await openTab()
  expect(await again.identity()).toBe(identity)
  await again.toShow({ teapot: 1 })
})

test('a tab that comes back while another delivers for it gets its slot, and neither loses anything', async ({
  openTab,
  peersToHold,
  url,
}) => {
  const stays = await openTab()
  const goes = await openTab()
  const identity = await goes.identity()
  await goes.cutOff()
  for (const product of ['mug', 'lamp', 'book']) await goes.add(product)
  await expect(goes.status).toHaveText('Last change: on this device')
  const left = { mug: 1, lamp: 1, book: 1 }
  await goes.toShow(left)
  await goes.page.goto('about:blank')
  // Somewhere in the middle: found, adopted, or delivered already.
  await stays.page.waitForTimeout(4000)
  await goes.show(url)
  await goes.toShow(left)
  expect(await goes.identity()).toBe(identity)
  if (await goes.cutSwitch.isChecked()) await goes.cutSwitch.uncheck()
  await goes.add('mug')
  await peersToHold({ ...left, mug: 2 })
  await stays.toShow({ ...left, mug: 2 })
})

test('a tab that is cut off delivers for nobody, until it is back', async ({
  openTab,
  peersToHold,
}) => {
  const stays = await openTab()
  const goes = await openTab()
  await stays.cutOff()
  await goes.cutOff()
  await goes.add('clock')
  await expect(goes.status).toHaveText('Last change: on this device')
  await goes.page.close()
  const sockets = stays.openedSockets
  await stays.page.waitForTimeout(6000)
  expect(stays.openedSockets).toBe(sockets)
  expect(await stays.page.evaluate(owingMarks)).toHaveLength(1)
  await peersToHold({})
  await stays.cutSwitch.uncheck()
  await peersToHold({ clock: 1 })
  await stays.toShow({ clock: 1 })
})

test('a tab that hangs loses its slot, what it owes is delivered, and it says so when it comes to itself', async ({
  openTab,
  peersToHold,
}) => {
  const stays = await openTab()
  const hangs = await openTab()
  const identity = await hangs.identity()
  await hangs.cutOff()
  await hangs.add('chair')
  await hangs.toShow({ chair: 1 })
  await expect(hangs.status).toHaveText('Last change: on this device')
  await hangs.page.evaluate(hang, 25_000)
  await stays.toShow({ chair: 1 }, 25_000)
  await peersToHold({ chair: 1 })

  await expect(hangs.trouble).toContainText('code: slot-taken', { timeout: 40_000 })
  await expect(hangs.trouble).toContainText('Reload the page')
  // Whatever it still does is nowhere, and changes nothing.
  expect(await hangs.page.evaluate(addEverything)).toBeGreaterThan(3)
  await hangs.page.waitForTimeout(1000)
  await peersToHold({ chair: 1 })

  await hangs.reload()
  await expect(hangs.trouble).toBeHidden()
  await hangs.toShow({ chair: 1 })
  if (await hangs.cutSwitch.isChecked()) await hangs.cutSwitch.uncheck()
  await hangs.add('chair')
  await stays.toShow({ chair: 2 })
  await peersToHold({ chair: 2 })
  // Nobody holds its slot by now: it is itself again.
  expect(await hangs.identity()).toBe(identity)
})

/** Run in a page: the slots that are marked as owing something. */
function owingMarks(): string[] {
  return Object.keys(localStorage).filter((key) => key.includes(':owing:'))
}

/** Run in a page: nothing else runs there for so long, a moment from now. */
function hang(forMs: number): void {
  setTimeout(() => {
    const end = performance.now() + forMs
    while (performance.now() < end);
  }, 100)
}

/** Run in a page: what somebody might do who reads no messages. How many products it tried to add. */
function addEverything(): number {
  const adds = [...document.querySelectorAll('button')].filter(({ textContent }) =>
    textContent.trim().startsWith('Add'),
  )
  for (const add of adds) add.click()
  return adds.length
}

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

test('what a killed browser has left in a second tab is delivered, though all marks are lost', async ({
  url,
  peersToHold,
}) => {
  const profile = mkdtempSync(join(tmpdir(), 'ringlet-profile-'))
  const start = () => chromium.launchPersistentContext(profile, { executablePath: chromiumPath() })
  try {
    const before = await start()
    const first = await new Tab(await before.newPage()).show(url)
    const second = await new Tab(await before.newPage()).show(url)
    await second.cutOff()
    await second.add('kite')
    await expect(second.status).toHaveText('Last change: on this device')
    await second.add('kite')
    await second.toShow({ kite: 2 })
    const identities = [await first.identity(), await second.identity()]
    killBrowser(profile)
    await before.close().catch(() => {})

    const after = await start()
    await after.addInitScript(() => {
      for (const key of Object.keys(localStorage)) {
        if (key.includes(':owing:')) localStorage.removeItem(key)
      }
    })
    const again = await new Tab(await after.newPage()).show(url)
    // The lowest slot, since nothing says that the other owes anything.
    expect(await again.identity()).toBe(identities[0])
    await peersToHold({ kite: 2 })
    await again.toShow({ kite: 2 })
    await after.close()
  } finally {
    rmSync(profile, { recursive: true, force: true })
  }
})

/** The browser of a profile dies at once, as in a crash: all its processes. */
function killBrowser(profile: string): void {
  for (const folder of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    try {
      const command = readFileSync(join('/proc', folder, 'cmdline'), 'utf8')
      if (command.includes(`--user-data-dir=${profile}`)) process.kill(Number(folder), 'SIGKILL')
    } catch {
      // It has ended by itself.
    }
  }
}

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
