/**
 * Shopping in tabs against three real peers: live, cut off, healed, closed, reloaded, and with a peer killed.
 */
import { expect, Tab, test } from './tabs.ts'

test('a change in one tab shows in another within a second', async ({ openTab, peersToHold }) => {
  const ours = await openTab()
  const theirs = await openTab()
  for (const product of ['mug', 'lamp', 'kite']) {
    const before = await theirs.items()
    const startedAt = Date.now()
    await ours.add(product)
    await theirs.toShow({ ...before, [product]: 1 }, 1000)
    expect(Date.now() - startedAt).toBeLessThan(1000)
  }
  await theirs.remove('lamp')
  await ours.toShow({ mug: 1, kite: 1 }, 1000)
  await expect(ours.status).toHaveText('Last change: everywhere')
  await expect(theirs.status).toHaveText('Last change: everywhere')
  await peersToHold({ mug: 1, kite: 1 })
})

test('two tabs of one product each make two of it, and a removal takes both', async ({
  openTab,
  peersToHold,
}) => {
  const ours = await openTab()
  const theirs = await openTab()
  await Promise.all([ours.add('book'), theirs.add('book')])
  await Promise.all([ours.toShow({ book: 2 }), theirs.toShow({ book: 2 })])
  await ours.remove('book')
  await Promise.all([ours.toShow({}), theirs.toShow({})])
  await peersToHold({})
})

test('a tab that is cut off goes on shopping, and both carts merge when it is back', async ({
  openTab,
  peersToHold,
}) => {
  const cut = await openTab()
  const other = await openTab()
  for (const product of ['mug', 'book', 'pencil', 'clock']) await cut.add(product)
  await other.toShow({ mug: 1, book: 1, pencil: 1, clock: 1 })
  await expect(cut.status).toHaveText('Last change: everywhere')

  await cut.cutOff()
  await cut.add('lamp')
  await cut.remove('mug')
  await cut.remove('clock')
  await other.add('kite')
  await other.remove('book')
  await other.remove('clock')
  await other.add('mug')

  await cut.toShow({ book: 1, pencil: 1, lamp: 1 })
  await other.toShow({ mug: 2, pencil: 1, kite: 1 })
  await expect(cut.status).toHaveText('Last change: on this device')
  await expect(other.status).toHaveText('Last change: everywhere')
  // Longer than any change took before: the cut really cuts.
  await cut.page.waitForTimeout(1500)
  expect(cut.openSockets).toBe(0)
  expect(await cut.items()).toEqual({ book: 1, pencil: 1, lamp: 1 })
  expect(await other.items()).toEqual({ mug: 2, pencil: 1, kite: 1 })
  await peersToHold({ mug: 2, pencil: 1, kite: 1 })

  await cut.cutSwitch.uncheck()
  // The mug that was added after the cut stays, the one that was removed does not come back.
  const merged = { kite: 1, lamp: 1, mug: 1, pencil: 1 }
  await Promise.all([cut.toShow(merged), other.toShow(merged)])
  await expect(cut.status).toHaveText('Last change: everywhere')
  await peersToHold(merged)
})

test('the switch keeps its position over a reload, and the tab dials nobody meanwhile', async ({
  openTab,
}) => {
  const tab = await openTab()
  const other = await openTab()
  await tab.add('mug')
  await other.toShow({ mug: 1 })
  await tab.cutOff()
  await tab.add('book')
  await expect(tab.status).toHaveText('Last change: on this device')

  const before = tab.openedSockets
  await tab.reload()
  await expect(tab.cutSwitch).toBeChecked()
  await tab.toShow({ mug: 1, book: 1 })
  await tab.add('lamp')
  await tab.page.waitForTimeout(1500)
  expect(tab.openedSockets).toBe(before)
  expect(await other.items()).toEqual({ mug: 1 })
  await expect(other.cutSwitch).not.toBeChecked()

  await tab.cutSwitch.uncheck()
  await other.toShow({ mug: 1, book: 1, lamp: 1 })
  await tab.reload()
  await expect(tab.cutSwitch).not.toBeChecked()
  await expect.poll(() => tab.openSockets).toBeGreaterThan(0)
})

test('a tab closed right after its write is on the device delivers it when it is opened again', async ({
  openTab,
  peersToHold,
  context,
  url,
}) => {
  const tab = await openTab()
  const identity = await tab.identity()
  await tab.cutOff()
  await tab.add('teapot')
  await expect(tab.status).toHaveText('Last change: on this device')
  await tab.page.close()
  await peersToHold({})

  // On another cart: what it owes is delivered whatever it shows.
  const again = await new Tab(await context.newPage()).show(url.replace('cart=', 'cart=other-'))
  expect(await again.identity()).toBe(identity)
  await peersToHold({ teapot: 1 })
  await again.show(url)
  await again.toShow({ teapot: 1 })
  await expect(again.status).toHaveText('Last change: everywhere')
})

test('a tab that is closed on the click itself loses nothing that it showed as saved', async ({
  openTab,
  peersToHold,
}) => {
  for (let round = 1; round <= 3; round++) {
    const tab = await openTab()
    await tab.toShow(round === 1 ? {} : { plant: round - 1 })
    await tab.add('plant')
    await tab.toShow({ plant: round })
    await tab.page.close()
  }
  const last = await openTab()
  await last.toShow({ plant: 3 })
  await peersToHold({ plant: 3 })
})

test('a peer is killed while people shop, and nothing is lost', async ({
  ring,
  openTab,
  peersToHold,
}) => {
  const ours = await openTab()
  const theirs = await openTab()
  await ours.add('mug')
  await theirs.toShow({ mug: 1 })

  await ring.kill(2)
  await ours.add('chair')
  await theirs.toShow({ mug: 1, chair: 1 })
  await theirs.add('clock')
  await ours.toShow({ mug: 1, chair: 1, clock: 1 })
  await ours.remove('mug')
  await theirs.toShow({ chair: 1, clock: 1 })
  await expect(ours.status).toHaveText('Last change: on a quorum')
  await expect(ours.reach).toHaveText('2 of 3 peers answer.')
  const reloaded = await theirs.reload()
  await reloaded.toShow({ chair: 1, clock: 1 })

  await ring.restart(2)
  await peersToHold({ chair: 1, clock: 1 })
  await expect(ours.status).toHaveText('Last change: everywhere', { timeout: 15_000 })
  await expect(ours.reach).toHaveText('All 3 peers answer.')
})

test('the address names the cart, and without a name it is that of alice', async ({
  ring,
  url,
  openTab,
}) => {
  const tab = await openTab()
  await tab.add('umbrella')
  await tab.toShow({ umbrella: 1 })
  await tab.show(url.replace('cart=', 'cart=other-'))
  await tab.toShow({})
  await tab.show(ring.page)
  await expect(tab.page.getByRole('button', { name: 'Cart of alice' })).toBeVisible()
  expect(Object.keys(await tab.items())).not.toContain('umbrella')
  await tab.show(url)
  await tab.toShow({ umbrella: 1 })
})
