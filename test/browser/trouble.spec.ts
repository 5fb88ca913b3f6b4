/**
 * What goes wrong is said on the page, with a remedy; nothing is overwritten, and the page is never blank.
 */
import { expect, test } from './tabs.ts'

const ringFile = '**/.well-known/ringlet.json'

test('a stored value that is no cart is shown as it is, and never overwritten', async ({
  ring,
  key,
  openTab,
}) => {
  const foreign = { mug: 3, note: 'not yours' }
  await ring.put(key, foreign)
  const tab = await openTab()
  await expect(tab.trouble).toContainText('is no cart')
  await expect(tab.trouble).toContainText('"note": "not yours"')
  await expect(tab.trouble).toContainText('npx ringlet delete carts')
  await expect(tab.page.getByText('There is no cart to show.')).toBeVisible()
  await tab.add('mug')
  await tab.page.waitForTimeout(500)
  await expect(tab.trouble).toContainText('is no cart')
  for (let peer = 1; peer <= ring.peers; peer++) {
    expect(await ring.siblingsAt(peer, key)).toEqual([foreign])
  }
})

test('a cart that turns into something else is told while one looks, and so is its recovery', async ({
  ring,
  key,
  openTab,
}) => {
  const tab = await openTab()
  await tab.add('mug')
  await expect(tab.status).toHaveText('Last change: everywhere')
  const [mugs] = await ring.siblingsAt(1, key)
  await ring.put(key, 'a text')
  await expect(tab.trouble).toContainText('"a text"')
  await ring.put(key, mugs)
  await expect(tab.trouble).toBeHidden()
  await tab.toShow({ mug: 1 })
  await tab.add('mug')
  await tab.toShow({ mug: 2 })
})

test('another ring under the same address is an error, until the earlier one is forgotten', async ({
  ring,
  openTab,
  context,
}) => {
  const tab = await openTab()
  await tab.add('mug')
  await expect(tab.status).toHaveText('Last change: everywhere')
  const { file } = ring
  const other = { ...file, ring: { ...file.ring, id: 'AAAAAAAAAAAAAAAAAAAAAA' }, bootstrap: [] }
  await context.route(ringFile, (route) => route.fulfill({ json: other }))
  const before = tab.openedSockets
  await tab.page.reload()
  await expect(tab.trouble).toContainText('code: wrong-ring')
  await expect(tab.trouble).toContainText('AAAAAAAAAAAAAAAAAAAAAA')
  await expect(tab.status).toHaveText('The ring could not be opened')
  expect(tab.openedSockets).toBe(before)

  await tab.page.getByRole('button', { name: 'Forget the earlier ring' }).click()
  await expect(tab.status).toHaveText('No change yet: loaded from this device')
  await expect(tab.trouble).toBeHidden()

  // What was stored for the earlier ring is still there.
  await context.unroute(ringFile)
  await tab.page.reload()
  await tab.page.getByRole('button', { name: 'Forget the earlier ring' }).click()
  await tab.toShow({ mug: 1 })
  await expect(tab.status).toHaveText('Last change: everywhere')
})

test('without its server a page opens the ring it has seen before', async ({
  openTab,
  context,
}) => {
  const tab = await openTab()
  await tab.add('lamp')
  await expect(tab.status).toHaveText('Last change: everywhere')
  await context.route(ringFile, (route) => route.abort())
  await tab.reload()
  await tab.toShow({ lamp: 1 })
  await expect(tab.trouble).toBeHidden()
  // Something else answers there, as in a café's network.
  await context.unroute(ringFile)
  await context.route(ringFile, (route) => route.fulfill({ body: '<p>Please log in' }))
  await tab.reload()
  await tab.toShow({ lamp: 1 })
})

test('a ring that was never seen and cannot be fetched is an error with a remedy', async ({
  context,
  page,
  url,
}) => {
  await context.route(ringFile, (route) => route.abort())
  await page.goto(url)
  await expect(page.getByRole('alert')).toContainText('Nobody answers at http://localhost')
  await expect(page.getByRole('alert')).toContainText(
    'Open it once while its server can be reached',
  )
  await expect(page.getByText('The ring could not be opened')).toBeVisible()
  await expect(page.getByText('There is no cart to show.')).toBeVisible()
  // A button that would do nothing says so.
  await expect(page.getByRole('button', { name: 'Add mug to cart' })).toBeDisabled()
  await context.unroute(ringFile)
  await context.route(ringFile, (route) => route.fulfill({ status: 404, body: 'nothing' }))
  await page.reload()
  await expect(page.getByRole('alert')).toContainText('404')
  await context.unroute(ringFile)
  await context.route(ringFile, (route) => route.fulfill({ json: { ringlet: 99 } }))
  await page.reload()
  await expect(page.getByRole('alert')).toContainText('code: ring-file')
})

test('a device without space says so, changes nothing, and goes on when there is space', async ({
  openTab,
  context,
  ring,
  peersToHold,
}) => {
  // Before the site is looked at: its quota is remembered for half a minute.
  const blank = await context.newPage()
  const browser = await context.newCDPSession(blank)
  const { origin } = new URL(ring.page)
  await browser.send('Storage.overrideQuotaForOrigin', { origin, quotaSize: 3_000_000 })
  const tab = await openTab()
  await tab.add('mug')
  await expect(tab.status).toHaveText('Last change: everywhere')
  await tab.page.evaluate(fillUp)
  await tab.add('book')
  await expect(tab.trouble).toContainText('code: store-full')
  await expect(tab.status).toHaveText('Last change: not saved')
  expect(await tab.items()).toEqual({ mug: 1 })
  await tab.page.evaluate(emptyAgain)
  await tab.add('lamp')
  await tab.toShow({ lamp: 1, mug: 1 })
  await expect(tab.trouble).toBeHidden()
  await peersToHold({ lamp: 1, mug: 1 })
})

/** Runs in the page: takes all the room there is, down to the last hundred bytes. */
async function fillUp(): Promise<void> {
  const opening = indexedDB.open('ballast')
  opening.onupgradeneeded = () =>
    opening.result.createObjectStore('stones', { autoIncrement: true })
  const opened = Promise.withResolvers<unknown>()
  opening.onsuccess = opened.resolve
  await opened.promise
  for (let size = 1_000_000; size > 100;) {
    const transaction = opening.result.transaction('stones', 'readwrite')
    transaction.objectStore('stones').add(crypto.getRandomValues(new Uint8Array(size % 65_536)))
    for (let i = 0; i < size / 65_536 - 1; i++) {
      transaction.objectStore('stones').add(crypto.getRandomValues(new Uint8Array(65_536)))
    }
    const fits = await new Promise((resolve) => {
      transaction.oncomplete = () => resolve(true)
      transaction.onabort = () => resolve(false)
    })
    if (fits !== true) size = Math.floor(size / 2)
  }
  opening.result.close()
}

async function emptyAgain(): Promise<void> {
  const deleting = indexedDB.deleteDatabase('ballast')
  const deleted = Promise.withResolvers<unknown>()
  deleting.onsuccess = deleted.resolve
  await deleted.promise
}

test('a tab whose store is cleared says so, and begins anew by its button', async ({
  openTab,
  peersToHold,
}) => {
  const tab = await openTab()
  await tab.add('plant')
  await expect(tab.status).toHaveText('Last change: everywhere')
  await tab.page.evaluate(async () => {
    const databases = await indexedDB.databases()
    for (const { name = '' } of databases) indexedDB.deleteDatabase(name)
  })
  await tab.add('chair')
  await expect(tab.trouble).toContainText('code: store-lost')
  await expect(tab.status).toHaveText('Last change: not saved')
  await tab.page.getByRole('button', { name: 'Reload' }).click()
  await tab.toShow({ plant: 1 })
  await expect(tab.trouble).toBeHidden()
  await tab.add('chair')
  await peersToHold({ chair: 1, plant: 1 })
})

test('a tab whose slot another takes says so by itself, with the way out', async ({ openTab }) => {
  const tab = await openTab()
  await tab.add('kite')
  await expect(tab.status).toHaveText('Last change: everywhere')
  await tab.page.evaluate(async () => {
    const { held = [] } = await navigator.locks.query()
    for (const { name = '' } of held) {
      if (/^ringlet:.*:\d+$/.test(name))
        void navigator.locks.request(name, { steal: true }, () => {})
    }
  })
  await expect(tab.trouble).toContainText('code: slot-taken')
  await tab.page.getByRole('button', { name: 'Reload' }).click()
  await tab.toShow({ kite: 1 })
  await expect(tab.trouble).toBeHidden()
})

test('a device that is offline says so, and shopping goes on', async ({
  openTab,
  context,
  peersToHold,
}) => {
  const tab = await openTab()
  await context.setOffline(true)
  // Links that stand are not cut by it, and the page does not say that they are.
  await expect(tab.reach).toHaveText(/^Offline/)
  await tab.add('plant')
  await tab.toShow({ plant: 1 })
  await context.setOffline(false)
  await expect(tab.reach).toHaveText('All 3 peers answer.')
  await peersToHold({ plant: 1 })
})

test('a cart whose name no key can have is an error, not a blank page', async ({ page, ring }) => {
  await page.goto(`${ring.page}?cart=${'x'.repeat(600)}`)
  await expect(page.getByRole('alert')).toContainText('code: key-too-large')
  await expect(page.getByRole('button', { name: 'Add mug to cart' })).toBeVisible()
})
