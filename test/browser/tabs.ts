/**
 * Tabs of the cart page, by what a person sees of them: buttons, the list, the sentence that says what is saved.
 *
 * The ring is shared by all tests of a worker, so each test has a cart, and a browser profile, of its own.
 */
import { type BrowserContext, expect, type Page, test as base } from '@playwright/test'
import { type Items, Ring } from './ring.ts'

export { expect }

export class Tab {
  readonly page: Page
  /** What its peer did, for a test that fails. */
  readonly events: string[] = []
  readonly #sockets = new Set<string>()
  #opened = 0

  constructor(page: Page) {
    this.page = page
    page.on('console', (message) => this.#note(message.text()))
    page.on('pageerror', (error) => this.#note(String(error.stack)))
    page.on('websocket', (socket) => {
      const name = `${this.#opened++} ${socket.url()}`
      this.#sockets.add(name)
      socket.on('close', () => this.#sockets.delete(name))
    })
  }

  /** Loads the page, and waits until it has a cart to show. */
  async show(url: string): Promise<this> {
    await this.page.goto(url)
    return this.ready()
  }

  async reload(): Promise<this> {
    await this.page.reload()
    return this.ready()
  }

  async ready(): Promise<this> {
    await expect(this.status).not.toHaveText(/Loading|Opening/)
    await expect(this.page.locator('#peer')).toHaveText(/^12D3KooW/)
    return this
  }

  /** The phrase that one sees at once; what a screen reader is told of comes when all has settled. */
  get status() {
    return this.page.locator('#saved')
  }

  /** Who answers, and what waits to be delivered. */
  get reach() {
    return this.page.locator('#reach')
  }

  get trouble() {
    return this.page.getByRole('alert')
  }

  get cutSwitch() {
    return this.page.getByRole('switch', { name: 'Cut this tab off' })
  }

  /** The WebSockets that are open now. */
  get openSockets(): number {
    return this.#sockets.size
  }

  /** How many WebSockets were ever opened by this tab. */
  get openedSockets(): number {
    return this.#opened
  }

  async identity(): Promise<string> {
    return (await this.page.locator('#peer').textContent()) ?? ''
  }

  add(product: string): Promise<void> {
    return this.page.getByRole('button', { name: `Add ${product} to cart` }).click()
  }

  remove(product: string): Promise<void> {
    return this.page.getByRole('button', { name: `Remove ${product} from cart` }).click()
  }

  async cutOff(): Promise<void> {
    await this.cutSwitch.check()
    await expect.poll(() => this.openSockets).toBe(0)
  }

  async items(): Promise<Items> {
    const list = this.page.getByRole('list', { name: 'Cart', exact: true })
    const lines = await list
      .getByRole('listitem')
      .evaluateAll((found) =>
        found.map((line): [string, number] => [
          line.querySelector('.name')?.textContent ?? '',
          Number(line.querySelector('input')?.value),
        ]),
      )
    return Object.fromEntries(lines)
  }

  #note(event: string): void {
    this.events.push(`${new Date().toISOString().slice(17, -1)} ${event}`)
  }

  async toShow(items: Items, timeout = 10_000): Promise<void> {
    await expect.poll(() => this.items(), { timeout, intervals: [50] }).toEqual(items)
  }
}

/**
 * Ends the page's renderer at once: nothing of the page runs any more. To kill all renderers would also end the one that the
 * browser keeps in reserve, and a page that is given a dead one never loads.
 */
export async function crash(page: Page): Promise<void> {
  const crashed = page.waitForEvent('crash')
  const session = await page.context().newCDPSession(page)
  session.send('Page.crash').catch(() => {})
  await crashed
}

interface Fixtures {
  /** A cart of this test alone. */
  readonly key: string
  readonly url: string
  /** A further tab of this test's browser profile, or of another one. */
  readonly openTab: (context?: BrowserContext) => Promise<Tab>
  /** What each peer of the ring holds of this test's cart, in the end. */
  readonly peersToHold: (items: Items) => Promise<void>
}

let carts = 0

export const test = base.extend<Fixtures, { ring: Ring }>({
  ring: [
    // Playwright reads what a fixture needs from the pattern.
    // oxlint-disable-next-line no-empty-pattern
    async ({}, use) => {
      const ring = await Ring.start()
      await use(ring)
      await ring.close()
    },
    { scope: 'worker', timeout: 60_000 },
  ],
  // oxlint-disable-next-line no-empty-pattern
  key: async ({}, use, { workerIndex }) => use(`cart-${workerIndex}-${++carts}`),
  url: async ({ ring, key }, use) => use(`${ring.page}?cart=${key}&trace`),
  openTab: async ({ context, url }, use, testInfo) => {
    const tabs: Tab[] = []
    await use(async (of = context) => {
      const tab = new Tab(await of.newPage())
      tabs.push(tab)
      return tab.show(url)
    })
    if (testInfo.status === testInfo.expectedStatus) return
    for (const [at, { events }] of tabs.entries()) {
      await testInfo.attach(`tab ${at + 1}`, { body: events.join('\n') })
    }
  },
  peersToHold: async ({ ring, key }, use) => {
    await use(async (items) => {
      for (let peer = 1; peer <= ring.peers; peer++) {
        await expect.poll(() => ring.itemsAt(peer, key), { timeout: 15_000 }).toEqual(items)
      }
    })
  },
})
