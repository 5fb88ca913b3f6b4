/**
 * Everything at once: tabs in two browsers change one set while hosts are cut off in all ways, peers and browsers are
 * killed, tabs are closed, crashed, reloaded and gated, as a seed has it.
 *
 * Nobody can say who sees what when. But each name is added once, and removed only by who has seen it; so when all is
 * healed, what was acknowledged as added and was never asked to be removed must be there, and what was acknowledged as
 * removed must not, in every tab and at every peer. `RINGLET_SEED` names another seed, `RINGLET_SECONDS` another length.
 */
import { rmSync } from 'node:fs'
import type { Page } from '@playwright/test'
import { seededRandom } from '../../../src/simulation/random.ts'
import { set, type TextSet } from '../../../src/values/set.ts'
import { buildTrial } from '../trial/build.ts'
import { expect, needNetwork, peers, type Spread, test } from './hosts.ts'
import { disturb, House, Told } from './turmoil.ts'

needNetwork()

const seed = process.env['RINGLET_SEED'] ?? '7'
const seconds = Number(process.env['RINGLET_SECONDS'] ?? 25)
/** What closed tabs left has to be found by living ones. */
const calmMs = 60_000

test(`a turmoil of ${seconds} s, seed ${seed}, loses nothing and brings nothing back`, async ({
  spread,
  key,
  startOn,
}) => {
  test.setTimeout(180_000 + seconds * 1000)
  const built = await buildTrial()
  spread.ring.addPage('trial', built)
  rmSync(built, { recursive: true })
  const told = new Told()
  let pages = 0
  let isOver = false
  const settle = async (page: Page): Promise<void> => {
    if (page.url() === 'about:blank') {
      await told.listenTo(page)
      await page.goto(`${spread.page}trial/`)
    }
    await page.waitForFunction(() => globalThis.trial !== undefined)
    const change = [key, `name-${pages++}`] as const
    if (!isOver) await page.evaluate((of) => globalThis.trial!.changeOnAndOn(...of), change)
  }
  const houses = (['left', 'right'] as const).map(
    (host) => new House(host, () => startOn(host), settle),
  )
  await Promise.all(houses.map((house) => house.open()))

  const random = seededRandom(seed)
  const story: string[] = []
  const endsAt = performance.now() + seconds * 1000
  while (performance.now() < endsAt) {
    await houses[0]!.pages[0]!.waitForTimeout(random.exponential(500))
    story.push(await disturb(random, spread, houses))
  }

  // Reloaded, a page changes nothing more, and its gate is open.
  isOver = true
  spread.network.heal()
  await spread.ring.settled()
  for (const house of houses) for (const page of house.pages) await house.reload(page)
  const tabs = houses.flatMap((house) => house.pages)
  const views = (): Promise<(readonly string[])[]> =>
    Promise.all([
      ...tabs.map((page) => page.evaluate((of) => globalThis.trial!.held(of), key)),
      ...peers.map((peer) => heldBy(spread, peer, key)),
    ])
  const faults = async (): Promise<string[]> => {
    const [first = [], ...others] = await views()
    const differ = others.filter((view) => sorted(view) !== sorted(first))
    return [...told.faultsOf(first), ...differ.map(() => 'they differ')]
  }
  await expect.poll(faults, { message: story.join(', '), timeout: calmMs }).toEqual([])
  expect(told.size).toBeGreaterThan(seconds)
  console.info(`${told.size} changes in a turmoil of ${story.length} faults: ${story.join(', ')}`)
})

/** By the command's word. */
async function heldBy({ ring }: Spread, peer: string, key: string): Promise<string[]> {
  const words = ['get', 'sets', key, '--r', '1']
  const { siblings } = await ring.ask<{ siblings: { value: TextSet }[] }>(peer, words)
  return set.elements(siblings.reduce((all, { value }) => set.merge(all, value), set.empty))
}

const sorted = (names: readonly string[]): string => names.toSorted().join(' ')
