/**
 * Fifty ends: a tab writes on and on, and in the middle of it, at once upon an acknowledgement that came in, it ends. What
 * was acknowledged as on the device must be there for whoever opens the page next.
 *
 * The tab ends in each of the ways in which tabs end: closed, reloaded, its renderer crashed, its whole browser killed, all
 * of them without a word of warning to the page. In the last rounds there is no network, and nobody else has the writes.
 */
import { rmSync } from 'node:fs'
import type { Page } from '@playwright/test'
import { crash } from '../tabs.ts'
import { expect, healMs, needNetwork, type OwnBrowser, peers, type Spread, test } from './hosts.ts'
import { set, type TextSet } from '../../../src/values/set.ts'
import { buildTrial } from '../trial/build.ts'
import type { Trial } from '../trial/trial.ts'

needNetwork()

const rounds = 50
const cutFrom = 43
/** Of a dozen kills: it is seen once in some hundred. */
const mostThrows = 2
const keys = ['red', 'green', 'blue']
const endings = ['close', 'reload', 'crash', 'kill'] as const
type Ending = (typeof endings)[number]

interface Device {
  browser: OwnBrowser
  page: Page
}

test(`${rounds} tabs end upon an acknowledgement, and nothing acknowledged is lost`, async ({
  spread,
  startOn,
}) => {
  const built = await buildTrial()
  spread.ring.addPage('trial', built)
  rmSync(built, { recursive: true })
  const start = async (): Promise<Device> => {
    const browser = await startOn('left')
    return { browser, page: await openPage(browser, spread) }
  }
  const kept = new Set<string>()
  const thrownAway = new Set<string>()
  let throws = 0
  let before: readonly string[] = []
  let device = await start()
  await device.page.evaluate(putBystander)
  for (let round = 0; round < rounds; round++) {
    if (round === cutFrom) {
      before = [...kept]
      spread.network.silence(['left'], peers)
      spread.network.silence(peers, ['left'])
    }
    await device.page.evaluate(writeOnAndOn, [keys, `${round}`] as const)
    await keepUntil(device.page, kept, kept.size + 1 + ((round * 5) % 7))
    device = await endAndReopen(endings[round % endings.length]!, device, spread, start)
    if (!(await device.page.evaluate(isBystanderThere))) {
      for (const name of kept) thrownAway.add(name)
      await device.page.evaluate(putBystander)
      console.info(`Round ${round}: Chromium threw away every database of the origin.`)
      expect(++throws).toBeLessThanOrEqual(mostThrows)
    }
    const owed = [...kept].filter((name) => !thrownAway.has(name))
    await toHold(device.page, owed, `round ${round}, ${endings[round % endings.length]}`)
  }

  expect(await spread.network.reaches('left', 'peer-1')).toBe(false)
  const late = [...kept].filter((name) => !before.includes(name))
  expect(late.length).toBeGreaterThan(rounds - cutFrom)
  const held = await heldBy(spread, 'peer-1')
  expect(late.filter((name) => held.includes(name))).toEqual([])
  spread.network.heal()
  for (const peer of peers) {
    const lost = async (): Promise<string[]> => {
      const names = await heldBy(spread, peer)
      return [...kept].filter((name) => !names.includes(name) && !thrownAway.has(name))
    }
    await expect.poll(lost, { message: peer, timeout: healMs }).toEqual([])
  }
  console.info(`${kept.size} writes were acknowledged, ${late.length} of them without a network.`)
})

async function openPage({ context }: OwnBrowser, { page: origin }: Spread): Promise<Page> {
  const page = await context.newPage()
  await page.goto(`${origin}trial/`)
  await page.waitForFunction(() => globalThis.trial !== undefined)
  return page
}

function writeOnAndOn([names, prefix]: readonly [string[], string]): void {
  globalThis.trial!.writeOnAndOn(names, prefix)
}

/** Notes what is acknowledged, also while the page ends; resolves at once when so many are. */
async function keepUntil(page: Page, kept: Set<string>, count: number): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  page.on('console', (message) => {
    const [, name] = /^kept (.+)$/.exec(message.text()) ?? []
    if (name !== undefined) kept.add(name)
    if (kept.size >= count) resolve()
  })
  await promise
}

async function endAndReopen(
  ending: Ending,
  { browser, page }: Device,
  spread: Spread,
  start: () => Promise<Device>,
): Promise<Device> {
  switch (ending) {
    case 'close':
      await page.close()
      break
    case 'reload':
      page.removeAllListeners('console')
      await page.reload()
      await page.waitForFunction(() => globalThis.trial !== undefined)
      return { browser, page }
    case 'crash':
      await crash(page)
      await page.close()
      break
    case 'kill':
      await browser.kill()
      return start()
  }
  return { browser, page: await openPage(browser, spread) }
}

/** Makes a database that only a loss of the whole origin takes away. */
async function putBystander(): Promise<void> {
  const request = indexedDB.open('bystander')
  await new Promise((resolve, reject) => {
    request.onsuccess = resolve
    request.onerror = () => reject(request.error!)
  })
  request.result.close()
}

async function isBystanderThere(): Promise<boolean> {
  const databases = await indexedDB.databases()
  return databases.some(({ name }) => name === 'bystander')
}

async function toHold(page: Page, kept: readonly string[], message: string): Promise<void> {
  const lost = async (): Promise<string[]> => {
    const names = await page.evaluate(async (of) => {
      const held = await Promise.all(of.map((key) => (globalThis.trial as Trial).held(key)))
      return held.flat()
    }, keys)
    return kept.filter((name) => !names.includes(name))
  }
  await expect.poll(lost, { message, intervals: [50], timeout: healMs }).toEqual([])
}

/** What a peer has of all sets, by the command's word. */
async function heldBy({ ring }: Spread, peer: string): Promise<string[]> {
  const reads = keys.map(async (key) => {
    const words = ['get', 'sets', key, '--r', '1']
    const { siblings } = await ring.ask<{ siblings: { value: TextSet }[] }>(peer, words)
    return set.elements(siblings.reduce((all, { value }) => set.merge(all, value), set.empty))
  })
  return (await Promise.all(reads)).flat()
}
