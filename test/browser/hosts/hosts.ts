/**
 * Tabs and peers on hosts of their own: four peers, each on a host, and two hosts with a browser each, joined by a network
 * whose cables can be cut. Laid once for all tests of a worker; each test has a cart and browser profiles of its own.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { type Browser, type BrowserContext, chromium, expect, test as base } from '@playwright/test'
import { chromiumPath } from '../../chromium.js'
import { Network, whyNoNetwork } from '../../hosts/network.ts'
import type { Items } from '../ring.ts'
import { SpreadRing } from './spread-ring.ts'
import { Tab } from '../tabs.ts'

export { expect }

export const peers = ['peer-1', 'peer-2', 'peer-3', 'peer-4'] as const
export type BrowserHost = 'left' | 'right'
const browserHosts: readonly BrowserHost[] = ['left', 'right']

export interface Spread {
  readonly network: Network
  readonly ring: SpreadRing
  /** The cart page's address, the same on every host with a browser: there it is loopback's. */
  readonly page: string
  readonly browsers: Readonly<Record<BrowserHost, Browser>>
}

/** A browser with a profile that outlives it. */
export interface OwnBrowser {
  readonly context: BrowserContext
  /** Ends all its processes at once, as a crash or a power cut does; resolves when it is gone. */
  kill(): Promise<void>
}

interface Fixtures {
  readonly key: string
  readonly url: string
  /** A further tab: of that context, or of a new one on that host. */
  readonly openOn: (where: BrowserHost | BrowserContext) => Promise<Tab>
  /** Starts a browser on that host, with the profile that this test has there; one at a time. */
  readonly startOn: (host: BrowserHost) => Promise<OwnBrowser>
  /** What each peer of the ring holds of this test's cart in the end, as the command says. */
  readonly peersToHold: (items: Items, of?: readonly string[]) => Promise<void>
}

/** Long after any heal: dials that failed are tried again after seconds, the browser's own pauses between them included. */
export const healMs = 30_000

let carts = 0

export const test = base.extend<Fixtures, { spread: Spread }>({
  spread: [
    // Playwright reads what a fixture needs from the pattern.
    // oxlint-disable-next-line no-empty-pattern
    async ({}, use) => {
      const network = Network.lay([...browserHosts, ...peers])
      try {
        const ring = await SpreadRing.start(network, peers)
        const page = await ring.servePageOn(browserHosts)
        const start = (host: BrowserHost): Promise<Browser> =>
          chromium.launch({ executablePath: network.programOn(host, chromiumPath()) })
        const [left, right] = [await start('left'), await start('right')]
        await use({ network, ring, page, browsers: { left, right } })
        await Promise.all([left.close(), right.close(), ring.close()])
      } finally {
        await network.close()
      }
    },
    { scope: 'worker', timeout: 180_000 },
  ],
  // oxlint-disable-next-line no-empty-pattern
  key: async ({}, use, { workerIndex }) => use(`cart-${workerIndex}-${++carts}`),
  url: async ({ spread, key }, use) => use(`${spread.page}?cart=${key}&trace`),
  openOn: async ({ spread, url }, use, testInfo) => {
    const tabs: Tab[] = []
    const contexts: BrowserContext[] = []
    await use(async (where) => {
      const context = typeof where === 'string' ? await spread.browsers[where].newContext() : where
      contexts.push(context)
      const tab = new Tab(await context.newPage())
      tabs.push(tab)
      return tab.show(url)
    })
    const isCut = spread.network.heal()
    if (testInfo.status !== testInfo.expectedStatus) {
      for (const [at, { events }] of tabs.entries()) {
        await testInfo.attach(`tab ${at + 1}`, { body: events.join('\n') })
      }
      await testInfo.attach('peers', { body: spread.ring.logs() })
    }
    await Promise.all(contexts.map((context) => context.close()))
    if (isCut) await spread.ring.settled()
  },
  startOn: async ({ spread }, use) => {
    const profiles = mkdtempSync(join(tmpdir(), 'ringlet-profiles-'))
    const running = new Map<BrowserHost, OwnBrowser>()
    await use(async (host) => {
      const browser = await startBrowser(spread.network, host, join(profiles, host))
      running.set(host, browser)
      return browser
    })
    spread.network.heal()
    await Promise.all([...running.values()].map((browser) => browser.kill()))
    rmSync(profiles, { recursive: true, force: true })
  },
  peersToHold: async ({ spread, key }, use) => {
    await use(async (items, of = peers) => {
      const ask = (peer: string): Promise<Items> => spread.ring.items(peer, key)
      const held = of.map((peer) =>
        expect.poll(() => ask(peer), { message: peer, timeout: healMs }).toEqual(items),
      )
      await Promise.all(held)
    })
  },
})

/** Said once, by the process that runs the workers. */
let isSaid = process.env['TEST_WORKER_INDEX'] !== undefined

/** For the head of a file of tests: where there can be no network they are skipped, and say why. */
export function needNetwork(): void {
  const why = whyNoNetwork()
  if (why !== undefined && !isSaid) console.warn(why)
  isSaid = true
  test.skip(why !== undefined, why)
}

async function startBrowser(
  network: Network,
  host: BrowserHost,
  profile: string,
): Promise<OwnBrowser> {
  const pidFile = `${profile}.pid`
  const executablePath = network.programOn(host, chromiumPath(), pidFile)
  const context = await chromium.launchPersistentContext(profile, { executablePath })
  const gone = context.waitForEvent('close', { timeout: 0 })
  const kill = async (): Promise<void> => {
    try {
      // All that it started is in its group.
      const group = -Number(readFileSync(pidFile, 'utf8'))
      // First each system call comes to its end. A kill within one leaves half a record, behind which Chromium's next run
      // writes on; the run after that finds the file damaged and throws the whole database away, whoever's it is.
      process.kill(group, 'SIGSTOP')
      await wait(20)
      process.kill(group, 'SIGKILL')
    } catch {
      // It has ended by itself.
    }
    await gone
  }
  return { context, kill }
}
