/**
 * Shopping in tabs against three real peers: live, cut off, healed, closed, reloaded, and with a peer killed; in so many
 * pieces, taken back, and in several carts.
 */
import { expect, Tab, test } from './tabs.ts'

test('a change in one tab shows in another within a second', async ({ openTab, peersToHold }) => {
  const ours = await openTab()
  const theirs = await openTab()
  // A machine that starts two browsers and six peers meanwhile may hold up one of them: the figures say what is usual.
  const took: number[] = []
  for (const product of ['mug', 'lamp', 'kite']) {
    const before = await theirs.items()
    const startedAt = Date.now()
    await ours.add(product)
    await theirs.toShow({ ...before, [product]: 1 })
    took.push(Date.now() - startedAt)
  }
  expect(Math.min(...took)).toBeLessThan(1000)
  await theirs.remove('lamp')
  await ours.toShow({ mug: 1, kite: 1 })
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

test('one fewer, one more, or as many as one types; what is none is gone', async ({
  openTab,
  peersToHold,
}) => {
  const tab = await openTab()
  const { page } = tab
  await tab.add('mug')
  await tab.add('pencil')
  const more = page.getByRole('button', { name: 'One mug more' })
  const fewer = page.getByRole('button', { name: 'One mug fewer' })
  for (let clicks = 0; clicks < 3; clicks++) await more.click()
  await fewer.click()
  await tab.toShow({ mug: 3, pencil: 1 })
  const lines = page.getByRole('list', { name: 'Cart', exact: true }).getByRole('listitem')
  await expect(lines.first()).toContainText('€36.00')
  await expect(page.locator('.sum')).toHaveText('Total 4 things€37.80')

  const quantity = page.getByRole('textbox', { name: 'Quantity of mug' })
  await quantity.fill('12')
  await quantity.press('Enter')
  await tab.toShow({ mug: 12, pencil: 1 })
  // What is no whole number changes nothing, and neither does thinking better of it.
  for (const [typed, key] of [
    ['many', 'Enter'],
    ['7', 'Escape'],
  ] as const) {
    await quantity.fill(typed)
    await quantity.press(key)
    await expect(quantity).toHaveValue('12')
  }
  await page.getByRole('button', { name: 'One pencil fewer' }).click()
  await tab.toShow({ mug: 12 })
  await quantity.fill('0')
  await quantity.press('Enter')
  await tab.toShow({})
  await peersToHold({})
})

test('what is being typed stays while other tabs change the same line', async ({ openTab }) => {
  const ours = await openTab()
  const theirs = await openTab()
  await ours.add('kite')
  await theirs.toShow({ kite: 1 })
  const quantity = ours.page.getByRole('textbox', { name: 'Quantity of kite' })
  await quantity.fill('10')
  await theirs.page.getByRole('button', { name: 'One kite more' }).click()
  await expect(ours.page.getByText('Total 2 things')).toBeVisible()
  await expect(quantity).toHaveValue('10')
  await quantity.press('Enter')
  await Promise.all([ours.toShow({ kite: 10 }), theirs.toShow({ kite: 10 })])
})

test('the last changes can be taken back one by one, and what others did stays', async ({
  openTab,
  peersToHold,
}) => {
  const ours = await openTab()
  const theirs = await openTab()
  const undo = ours.page.getByRole('button', { name: /^Undo/ })
  await expect(undo).toBeDisabled()
  await ours.add('mug')
  await ours.add('mug')
  await ours.add('book')
  await ours.remove('mug')
  await ours.toShow({ book: 1 })
  await expect(undo).toHaveText('Undo: mug removed')
  await theirs.toShow({ book: 1 })
  await theirs.add('mug')
  await ours.toShow({ book: 1, mug: 1 })

  await undo.click()
  await Promise.all([ours.toShow({ book: 1, mug: 3 }), theirs.toShow({ book: 1, mug: 3 })])
  await expect(undo).toHaveText('Undo: book added')
  await undo.click()
  await ours.toShow({ mug: 3 })
  await expect(undo).toHaveText('Undo: mug, 1 more')
  await undo.click()
  await undo.click()
  await ours.toShow({ mug: 1 })
  await expect(undo).toHaveText('Undo')
  await expect(undo).toBeDisabled()
  await peersToHold({ mug: 1 })
})

test('a removal is taken back in a tab that is cut off, too', async ({ openTab, peersToHold }) => {
  const tab = await openTab()
  await tab.add('lamp')
  await expect(tab.status).toHaveText('Last change: everywhere')
  await tab.cutOff()
  await tab.remove('lamp')
  await tab.toShow({})
  await tab.page.getByRole('button', { name: 'Undo: lamp removed' }).click()
  await tab.toShow({ lamp: 1 })
  await tab.cutSwitch.uncheck()
  await expect(tab.status).toHaveText('Last change: everywhere')
  await peersToHold({ lamp: 1 })
})

test('one goes from cart to cart and back with one peer, and the device knows them by name', async ({
  openTab,
  key,
  ring,
}) => {
  const tab = await openTab()
  const { page } = tab
  await tab.add('mug')
  await expect(tab.status).toHaveText('Last change: everywhere')
  const identity = await tab.identity()
  const sockets = tab.openedSockets
  const choose = page.getByRole('button', { name: /^Cart of/ })
  const carts = page.getByRole('dialog', { name: 'Carts of this device' })

  await choose.click()
  await expect(carts.getByRole('link')).toHaveText([key])
  await carts.getByLabel('New cart').fill(`${key}-b`)
  await carts.getByRole('button', { name: 'Open' }).click()
  await expect(choose).toHaveText(`Cart of ${key}-b`)
  await expect(choose).toBeFocused()
  await tab.toShow({})
  await expect(tab.status).toHaveText('No change yet: loaded from a quorum')
  await expect(page).toHaveTitle(`Cart of ${key}-b · Ringlet`)
  await expect(page.getByRole('button', { name: /^Undo/ })).toBeDisabled()
  await tab.add('kite')
  await tab.toShow({ kite: 1 })
  await expect.poll(() => ring.itemsAt(1, `${key}-b`)).toEqual({ kite: 1 })

  await page.goBack()
  await expect(choose).toHaveText(`Cart of ${key}`)
  await tab.toShow({ mug: 1 })
  await page.goForward()
  await tab.toShow({ kite: 1 })
  await choose.click()
  await expect(carts.getByRole('link')).toHaveText([key, `${key}-b`])
  await carts.getByRole('link', { name: key, exact: true }).click()
  await tab.toShow({ mug: 1 })
  await tab.add('mug')
  await tab.toShow({ mug: 2 })

  expect(await tab.identity()).toBe(identity)
  expect(tab.openedSockets).toBe(sockets)
  // Another tab of the device knows them too.
  const other = await openTab()
  await other.page.getByRole('button', { name: /^Cart of/ }).click()
  await expect(other.page.getByRole('dialog').getByRole('link')).toHaveText([key, `${key}-b`])
})

test('a cart that was opened once is there without a network', async ({ openTab, key }) => {
  const tab = await openTab()
  await tab.add('clock')
  await expect(tab.status).toHaveText('Last change: everywhere')
  const choose = tab.page.getByRole('button', { name: /^Cart of/ })
  const carts = tab.page.getByRole('dialog')
  await choose.click()
  await carts.getByLabel('New cart').fill(`${key}-b`)
  await carts.getByLabel('New cart').press('Enter')
  await expect(tab.status).toHaveText('No change yet: loaded from a quorum')
  await tab.cutOff()
  await choose.click()
  await carts.getByRole('link', { name: key, exact: true }).click()
  await tab.toShow({ clock: 1 })
})
