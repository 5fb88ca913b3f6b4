/**
 * What people do in the tabs of a test, and what they must see: one act after the other, each seen by all tabs that can
 * see it before the next, so that what comes out does not hang on who was faster.
 */
import type { Act, Side, Tabs } from './cuts.ts'
import { type Change, shownAfter } from './expected.ts'
import { type BrowserHost, expect } from './hosts.ts'
import type { BrowserContext } from '@playwright/test'
import type { Items } from '../ring.ts'
import type { Tab } from '../tabs.ts'

const startActs: readonly Act[] = [
  ['ours', 'add', 'mug'],
  ['theirs', 'add', 'book'],
  ['ours', 'add', 'pencil'],
  ['theirs', 'add', 'clock'],
]

/** What all tabs show once they are filled. */
export const startItems: Items = shownAfter({}, startActs.map(changeOf))

/** Two tabs in one browser, the third in another. */
export async function openTabs(
  openOn: (where: BrowserHost | BrowserContext) => Promise<Tab>,
): Promise<Tabs> {
  const [ours, theirs] = await Promise.all([openOn('left'), openOn('right')])
  return { ours, theirs, beside: await openOn(ours.page.context()) }
}

/** Resolves with the longest that any change took until every tab showed it, in milliseconds. */
export async function fill(tabs: Tabs): Promise<number> {
  let slowestMs = 0
  let items: Items = {}
  for (const each of startActs) {
    const startedAt = performance.now()
    items = shownAfter(items, [changeOf(each)])
    await perform(each, tabs)
    await allToShow(Object.values(tabs), items)
    slowestMs = Math.max(slowestMs, performance.now() - startedAt)
  }
  return slowestMs
}

/** Does all that a side does. */
export async function act(side: Side, tabs: Tabs): Promise<void> {
  for (const [at, each] of side.acts.entries()) {
    await perform(each, tabs)
    const view = shownAfter(startItems, side.acts.slice(0, at + 1).map(changeOf))
    await allToShow(tabsOf(side, tabs), view)
  }
}

export function perform([name, verb, product]: Act, tabs: Tabs): Promise<void> {
  return verb === 'add' ? tabs[name].add(product) : tabs[name].remove(product)
}

/** That nothing else has come to this side's tabs; and how far they say that their changes got. */
export async function expectView(side: Side, tabs: Tabs): Promise<void> {
  for (const tab of tabsOf(side, tabs)) expect(await tab.items()).toEqual(viewOf(side))
}

export async function expectStage(side: Side, tabs: Tabs): Promise<void> {
  const said = side.stage === 'device' ? /: on this device$/ : /: (on a quorum|everywhere)$/
  for (const tab of tabsOf(side, tabs)) await expect(tab.status).toHaveText(said)
}

export function viewOf({ acts }: Side): Items {
  return shownAfter(startItems, acts.map(changeOf))
}

export async function allToShow(
  tabs: readonly Tab[],
  items: Items,
  timeoutMs?: number,
): Promise<void> {
  await Promise.all(tabs.map((tab) => tab.toShow(items, timeoutMs)))
}

export function changeOf([, verb, product]: Act): Change {
  return [verb, product]
}

function tabsOf({ acts }: Side, tabs: Tabs): Tab[] {
  return [...new Set(acts.map(([name]) => tabs[name]))]
}
