/**
 * Cuts: tabs and peers that cannot talk, people who shop on both sides meanwhile, and what everybody has in the end.
 *
 * In each case three tabs share a cart, and each side adds and removes while it is cut off. The cut is shown to cut:
 * packets do not arrive, and for longer than any change took before nobody sees what was done on the other side. Then it
 * heals, and every tab, and every peer by the command's word, must have what was added on either side, and nothing that
 * was removed.
 */
import * as cuts from './cuts.ts'
import { type Cut, hearingFirst, type Host, proveCut, type Tabs } from './cuts.ts'
import { mergedAfter } from './expected.ts'
import { expect, healMs, needNetwork, type Spread, test } from './hosts.ts'
import * as shopping from './shopping.ts'
import { allToShow, startItems } from './shopping.ts'
import type { Items } from '../ring.ts'

needNetwork()

const short = 3
const long = 12

/** The long ones first: they leave no worker waiting for another at the end. */
const cases: readonly (readonly [seconds: number, cut: Cut])[] = [
  [long, cuts.gate],
  [long, cuts.cable],
  [long, cuts.silence],
  [long, cuts.unheard],
  [long, cuts.deaf],
  [long, cuts.halves],
  [short, cuts.gate],
  [short, cuts.cable],
  [short, cuts.silence],
  [short, cuts.withOnePeer],
  [short, cuts.halves],
]

for (const [seconds, cut] of cases) {
  test(`cut for ${seconds} s: ${cut.name}`, async ({ spread, openOn, peersToHold }) => {
    const tabs = await shopping.openTabs(openOn)
    await shopThrough(cut, seconds, { spread, tabs, peersToHold })
  })
}

for (const [seconds, cutOf] of [
  [long, cuts.ownerAlone],
  [short, cuts.ownerUnheard],
  [short, cuts.ownerDeaf],
] as const) {
  const { name } = cutOf('peer-1')
  test(`cut for ${seconds} s: ${name}`, async ({ spread, key, openOn, peersToHold }) => {
    const { ring } = spread
    const tabs = await shopping.openTabs(openOn)
    const [owner, another] = (await ring.ownersOf(key)) as Host[]
    const note = `${key}-note`
    await shopThrough(cutOf(owner!), seconds, {
      spread,
      tabs,
      peersToHold,
      // There is no tab on the owner's side: who writes there is its operator.
      async meanwhile() {
        await ring.ask(owner!, ['put', 'carts', note, '{"here": true}', '--w', '1', '--blind'])
      },
    })
    const read = (): Promise<unknown> => ring.ask(another!, ['get', 'carts', note])
    const held = { siblings: [{ value: { here: true } }] }
    await expect.poll(read, { timeout: healMs }).toMatchObject(held)
    await ring.settled()
  })
}

interface Shop {
  readonly spread: Spread
  readonly tabs: Tabs
  readonly peersToHold: (items: Items, of?: readonly string[]) => Promise<void>
  meanwhile?(): Promise<void>
}

async function shopThrough(cut: Cut, seconds: number, shop: Shop): Promise<void> {
  const { spread, tabs, peersToHold } = shop
  const { sides } = cut
  const slowestMs = await shopping.fill(tabs)
  await peersToHold(startItems)

  const healsAt = performance.now() + seconds * 1000
  await cuts.make(cut, spread.network, tabs)
  await proveCut(cut, spread.network, tabs)
  for (const side of [...sides].sort(hearingFirst)) await shopping.act(side, tabs)
  await shop.meanwhile?.()

  const looksUntil = Math.max(healsAt, performance.now() + 2 * slowestMs)
  const deaf = sides.filter(({ hears }) => hears !== true)
  await Promise.all(deaf.map((side) => peersToHold(shopping.viewOf(side), side.peers)))
  for (const side of sides) await shopping.expectStage(side, tabs)
  while (performance.now() < looksUntil) {
    for (const side of deaf) await shopping.expectView(side, tabs)
    await tabs.ours.page.waitForTimeout(100)
  }
  await proveCut(cut, spread.network, tabs)

  await cuts.heal(cut, spread.network, tabs)
  const changes = sides.map(({ acts }) => acts.map(shopping.changeOf))
  const merged = mergedAfter(startItems, changes)
  await allToShow(Object.values(tabs), merged, healMs)
  await peersToHold(merged)
  for (const tab of Object.values(tabs)) {
    await expect(tab.status).not.toHaveText(/on (this device|a quorum)$/, { timeout: healMs })
    expect(await tab.items()).toEqual(merged)
  }
}
