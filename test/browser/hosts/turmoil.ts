/**
 * The faults of a turmoil, and the record of what tabs said of their changes: what must be there in the end, and what not.
 */
import type { Page } from '@playwright/test'
import type { SeededRandom } from '../../../src/simulation/random.ts'
import { crash } from '../tabs.ts'
import { type BrowserHost, type OwnBrowser, peers, type Spread } from './hosts.ts'

/** What every tab told of its changes, before and after each. */
export class Told {
  readonly #tried = new Set<string>()
  readonly #done = new Set<string>()

  get size(): number {
    return this.#done.size
  }

  /** Before anything is loaded there. */
  async listenTo(page: Page): Promise<void> {
    await page.exposeFunction('tell', (word: string) => {
      const [told, ...change] = word.split(' ')
      if (told === 'try') this.#tried.add(change.join(' '))
      if (told === 'did') this.#done.add(change.join(' '))
    })
  }

  /** What is wrong with a set of these names, in words. */
  faultsOf(names: readonly string[]): string[] {
    const held = new Set(names)
    const lost = this.#acknowledged('add').filter(
      (name) => !held.has(name) && !this.#tried.has(`remove ${name}`),
    )
    const back = this.#acknowledged('remove').filter((name) => held.has(name))
    const foreign = names.filter((name) => !this.#tried.has(`add ${name}`))
    return [
      ...lost.map((name) => `${name} is lost`),
      ...back.map((name) => `${name} is back`),
      ...foreign.map((name) => `nobody added ${name}`),
    ]
  }

  #acknowledged(verb: 'add' | 'remove'): string[] {
    const changes = [...this.#done].map((change) => change.split(' '))
    return changes.filter(([did]) => did === verb).map(([, name]) => name!)
  }
}

/** Two tabs in a browser that may be killed. */
export class House {
  readonly host: BrowserHost
  readonly pages: Page[] = []
  readonly #start: () => Promise<OwnBrowser>
  readonly #settle: (page: Page) => Promise<void>
  #browser: OwnBrowser | undefined

  /** `settle` is done with each page that is opened. */
  constructor(
    host: BrowserHost,
    start: () => Promise<OwnBrowser>,
    settle: (page: Page) => Promise<void>,
  ) {
    this.host = host
    this.#start = start
    this.#settle = settle
  }

  async open(): Promise<void> {
    this.#browser = await this.#start()
    await this.openPage()
    await this.openPage()
  }

  async openPage(): Promise<void> {
    const page = await this.#browser!.context.newPage()
    this.pages.push(page)
    await this.#settle(page)
  }

  async reload(page: Page): Promise<void> {
    await page.reload()
    await this.#settle(page)
  }

  async closePage(page: Page): Promise<void> {
    this.pages.splice(this.pages.indexOf(page), 1)
    await page.close()
  }

  async restart(): Promise<void> {
    this.pages.length = 0
    await this.#browser!.kill()
    await this.open()
  }
}

interface Scene {
  readonly random: SeededRandom
  readonly spread: Spread
  readonly house: House
  readonly page: Page
}

const faults = {
  async 'silence some'({ random, spread, house }: Scene) {
    const from = [random.chance(0.5) ? house.host : random.pick(peers)]
    const to = random.shuffled(['left', 'right', ...peers]).slice(0, 1 + random.whole(5))
    if (random.chance(0.7)) spread.network.silence(from, to)
    if (random.chance(0.7)) spread.network.silence(to, from)
  },
  async 'pull a cable'({ random, spread, house }: Scene) {
    spread.network.pull(random.chance(0.5) ? house.host : random.pick(peers))
  },
  async 'heal all'({ spread }: Scene) {
    spread.network.heal()
  },
  async 'kill a peer'({ random, spread }: Scene) {
    const peer = random.pick(peers)
    await spread.ring.kill(peer)
    spread.ring.run(peer)
  },
  'kill a browser': ({ house }: Scene) => house.restart(),
  'reload a tab': ({ house, page }: Scene) => house.reload(page),
  async 'close a tab'({ house, page }: Scene) {
    await house.closePage(page)
    await house.openPage()
  },
  async 'crash a tab'({ house, page }: Scene) {
    await crash(page)
    await house.closePage(page)
    await house.openPage()
  },
  async 'close a gate'({ random, page }: Scene) {
    const isOpen = random.chance(0.5)
    await page.evaluate((open) => globalThis.trial!.peer.setGate(open), isOpen)
  },
}

type Fault = keyof typeof faults

/** Heals are drawn as often as cuts, or nothing would ever be delivered. */
const drawn: readonly Fault[] = [
  ...(Object.keys(faults) as Fault[]),
  'silence some',
  'heal all',
  'heal all',
]

/** Does one thing, and says what. */
export async function disturb(
  random: SeededRandom,
  spread: Spread,
  houses: readonly House[],
): Promise<string> {
  const house = random.pick(houses)
  const fault = random.pick(drawn)
  await faults[fault]({ random, spread, house, page: random.pick(house.pages) })
  return `${fault} (${house.host})`
}
