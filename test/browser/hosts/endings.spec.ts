/**
 * Tabs that end, reload or are doubled while nobody can be reached: what they had still to deliver is on the device, and
 * comes back with whoever is next.
 */
import { expect, healMs, needNetwork, peers, test } from './hosts.ts'
import { crash, Tab } from '../tabs.ts'

needNetwork()

test('a browser killed twice with undelivered writes, and opened again while still cut off', async ({
  spread,
  startOn,
  openOn,
  peersToHold,
}) => {
  const other = await openOn('right')
  const browser = await startOn('left')
  const tab = await openOn(browser.context)
  const identity = await tab.identity()
  await tab.add('mug')
  await tab.add('book')
  await other.toShow({ mug: 1, book: 1 })

  spread.network.silence(['left'], peers)
  spread.network.silence(peers, ['left'])
  await tab.add('lamp')
  await tab.remove('mug')
  await other.add('kite')
  await other.add('mug')
  await tab.toShow({ book: 1, lamp: 1 })
  await browser.kill()

  const second = await startOn('left')
  const again = await openOn(second.context)
  expect(await again.identity()).toBe(identity)
  await again.toShow({ book: 1, lamp: 1 })
  await expect(again.status).toHaveText('Last change: on this device')
  await again.add('clock')
  await again.toShow({ book: 1, clock: 1, lamp: 1 })
  await second.kill()

  const third = await startOn('left')
  const last = await openOn(third.context)
  await last.toShow({ book: 1, clock: 1, lamp: 1 })
  expect(await spread.network.reaches('left', 'peer-1')).toBe(false)
  expect(await other.items()).toEqual({ book: 1, kite: 1, mug: 2 })
  await peersToHold({ book: 1, kite: 1, mug: 2 })

  spread.network.heal()
  const merged = { book: 1, clock: 1, kite: 1, lamp: 1, mug: 1 }
  await Promise.all([last.toShow(merged, healMs), other.toShow(merged, healMs)])
  await peersToHold(merged)
  expect(await last.items()).toEqual(merged)
})

test('tabs that are reloaded while their cable is pulled go on from their device', async ({
  spread,
  openOn,
  peersToHold,
}) => {
  const other = await openOn('right')
  const tab = await openOn('left')
  const beside = await openOn(tab.page.context())
  await tab.add('mug')
  await other.toShow({ mug: 1 })
  await beside.toShow({ mug: 1 })

  spread.network.pull('left')
  await tab.add('lamp')
  await beside.remove('mug')
  await other.add('mug')
  // What is shown is on the device; a tab that ends before has only been asked.
  await tab.toShow({ lamp: 1, mug: 1 })
  await beside.toShow({})
  const identities = [await tab.identity(), await beside.identity()]
  await Promise.all([tab.reload(), beside.reload()])
  expect([await tab.identity(), await beside.identity()]).toEqual(identities)
  await tab.toShow({ lamp: 1, mug: 1 })
  await beside.toShow({})
  await tab.add('clock')
  await beside.add('plant')
  await tab.toShow({ clock: 1, lamp: 1, mug: 1 })
  await beside.toShow({ plant: 1 })
  await Promise.all([tab.reload(), beside.reload()])
  await tab.toShow({ clock: 1, lamp: 1, mug: 1 })
  await beside.toShow({ plant: 1 })
  for (const one of [tab, beside]) {
    await expect(one.status).toHaveText('Last change: on this device')
  }
  expect(await spread.network.reaches('left', 'peer-1')).toBe(false)
  await peersToHold({ mug: 2 })
  expect(await other.items()).toEqual({ mug: 2 })

  spread.network.heal()
  const merged = { clock: 1, lamp: 1, mug: 1, plant: 1 }
  for (const one of [tab, beside, other]) await one.toShow(merged, healMs)
  await peersToHold(merged)
})

test('a tab and its duplicate, cut off together, are two, and both deliver', async ({
  spread,
  openOn,
  peersToHold,
  url,
}) => {
  const other = await openOn('right')
  const tab = await openOn('left')
  await tab.add('mug')
  await other.toShow({ mug: 1 })
  const opened = tab.page.context().waitForEvent('page')
  // A window opened by a page starts with a copy of its session's storage, as a duplicate does.
  await tab.page.evaluate((address) => void window.open(address), url)
  const duplicate = await new Tab(await opened).ready()
  await duplicate.toShow({ mug: 1 })

  spread.network.silence(['left'], peers)
  spread.network.silence(peers, ['left'])
  await tab.add('kite')
  await duplicate.add('kite')
  await tab.remove('mug')
  await duplicate.add('mug')
  await tab.toShow({ kite: 1 })
  await duplicate.toShow({ kite: 1, mug: 2 })
  await Promise.all([tab.reload(), duplicate.reload()])
  await tab.toShow({ kite: 1 })
  await duplicate.toShow({ kite: 1, mug: 2 })
  expect(await duplicate.identity()).not.toBe(await tab.identity())
  expect(await spread.network.reaches('left', 'peer-1')).toBe(false)
  await peersToHold({ mug: 1 })

  spread.network.heal()
  const merged = { kite: 2, mug: 1 }
  for (const one of [tab, duplicate, other]) await one.toShow(merged, healMs)
  await peersToHold(merged)
})

for (const ending of ['closed', 'crashed'] as const) {
  test(`a tab that is ${ending} with undelivered writes is delivered by its neighbour`, async ({
    spread,
    openOn,
    peersToHold,
  }) => {
    const other = await openOn('right')
    const neighbour = await openOn('left')
    const tab = await openOn(neighbour.page.context())
    await tab.add('mug')
    await Promise.all([other.toShow({ mug: 1 }), neighbour.toShow({ mug: 1 })])
    spread.network.pull('left')
    await tab.add('lamp')
    await tab.remove('mug')
    await tab.toShow({ lamp: 1 })
    if (ending === 'closed') await tab.page.close()
    else await crash(tab.page)
    await other.add('kite')
    expect(await spread.network.reaches('left', 'peer-1')).toBe(false)
    await peersToHold({ kite: 1, mug: 1 })

    spread.network.heal()
    const merged = { kite: 1, lamp: 1 }
    await Promise.all([neighbour.toShow(merged, healMs), other.toShow(merged, healMs)])
    await peersToHold(merged)
  })
}

test('every peer is killed while tabs shop, and started again', async ({
  spread,
  openOn,
  peersToHold,
}) => {
  const { ring } = spread
  const [tab, other] = [await openOn('left'), await openOn('right')]
  await tab.add('mug')
  await other.add('book')
  for (const one of [tab, other]) await one.toShow({ book: 1, mug: 1 })
  await peersToHold({ book: 1, mug: 1 })

  await Promise.all(peers.map((peer) => ring.kill(peer)))
  await tab.add('lamp')
  await tab.remove('book')
  await other.add('kite')
  await other.add('book')
  await tab.toShow({ lamp: 1, mug: 1 })
  await other.toShow({ book: 2, kite: 1, mug: 1 })
  for (const one of [tab, other]) {
    await expect(one.status).toHaveText('Last change: on this device')
    await expect.poll(() => one.openSockets).toBe(0)
  }

  for (const peer of peers) ring.run(peer)
  await ring.settled()
  const merged = { book: 1, kite: 1, lamp: 1, mug: 1 }
  for (const one of [tab, other]) await one.toShow(merged, healMs)
  await peersToHold(merged)
  for (const one of [tab, other]) {
    await expect(one.status).toHaveText('Last change: everywhere', { timeout: healMs })
  }
})
