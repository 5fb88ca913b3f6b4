/**
 * Flapping: what is cut heals, and is cut again, before anybody has caught up, while people shop in every tab.
 *
 * Nobody can say who sees what when, so that each tab adds a product of its own and removes another of the start's: what
 * all must have in the end hangs on no order.
 */
import * as cuts from './cuts.ts'
import { expect, healMs, needNetwork, test } from './hosts.ts'
import * as shopping from './shopping.ts'
import { allToShow } from './shopping.ts'
import type { Tab } from '../tabs.ts'

needNetwork()

const flaps = 5
const adds = 5
/** So that what is added falls before, into and after cuts. */
const addEveryMs = 900

for (const cut of [cuts.cable, cuts.halves, cuts.gate]) {
  test(`flapping: ${cut.name}`, async ({ spread, openOn, peersToHold }) => {
    const tabs = await shopping.openTabs(openOn)
    await shopping.fill(tabs)
    const work = Promise.all([
      shopAlone(tabs.ours, 'lamp', 'mug'),
      shopAlone(tabs.beside, 'plant', 'pencil'),
      shopAlone(tabs.theirs, 'kite', 'book'),
    ])
    for (let flap = 0; flap < flaps; flap++) {
      await cuts.make(cut, spread.network, tabs)
      await cuts.proveCut(cut, spread.network, tabs)
      await cuts.heal(cut, spread.network, tabs)
      await cuts.proveWhole(cut, spread.network, tabs)
      await tabs.theirs.page.waitForTimeout(300)
    }
    await work

    const merged = { clock: 1, lamp: adds, plant: adds, kite: adds }
    await allToShow(Object.values(tabs), merged, healMs)
    await peersToHold(merged)
    for (const tab of Object.values(tabs)) {
      await expect(tab.status).toHaveText('Last change: everywhere', { timeout: healMs })
      expect(await tab.items()).toEqual(merged)
    }
  })
}

/**
 * What a person does in one tab is shown there at once, whatever is cut. The mouse stays out of it: there is one for the
 * page, and the gate is switched with it at the same time.
 */
async function shopAlone(tab: Tab, adding: string, removing: string): Promise<void> {
  const click = (name: string): Promise<void> =>
    tab.page.getByRole('button', { name }).dispatchEvent('click')
  for (let count = 1; count <= adds; count++) {
    await click(`Add ${adding} to cart`)
    if (count === 3) await click(`Remove ${removing} from cart`)
    await expect.poll(async () => (await tab.items())[adding]).toBe(count)
    await tab.page.waitForTimeout(addEveryMs)
  }
  expect(await tab.items()).not.toHaveProperty(removing)
}
