/** Who delivers what a closed tab has left behind, when, and when not. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { Storage } from '../../src/ports.ts'
import { markAbandoned } from '../../web/abandoned.ts'
import { type Adoption, type AdoptionOptions, startAdoption } from '../../web/adoption.ts'
import type { Running } from '../../web/delivery.ts'
import { cart, open } from '../../web/index.ts'
import { openIndexedDb } from '../../web/indexeddb.ts'
import { databaseOf, markOwing, owingSlots, slotChannel, slotHolders } from '../../web/slots.ts'
import type { Word } from '../../web/slots.ts'

/** Ten times as often as in a page. */
const lookMs = 200
let ring = ''
let rings = 0
const started: Adoption[] = []
const ends: (() => void)[] = []

beforeEach(() => {
  ring = `adoption-${performance.timeOrigin}-${++rings}`
})

afterEach(async () => {
  for (const adoption of started.splice(0)) await adoption.close()
  for (const end of ends.splice(0)) end()
  localStorage.clear()
  sessionStorage.clear()
})

/** A peer of somebody else, run beside ours. */
class Other implements Running {
  readonly storage: Storage
  pendingWrites = 2
  isOpen = true
  readonly #listeners = new Set<() => void>()

  constructor(storage: Storage) {
    this.storage = storage
  }

  onTouch(changed: () => void): () => void {
    this.#listeners.add(changed)
    return () => this.#listeners.delete(changed)
  }

  delivered(): void {
    this.pendingWrites--
    for (const changed of this.#listeners) changed()
  }

  async close(): Promise<void> {
    this.isOpen = false
  }
}

/** A tab that would run whatever it adopts: this page, or a frame with a realm, locks and memory of its own. */
function tab(
  options: Partial<AdoptionOptions> = {},
  start = startAdoption,
): {
  adoption: Adoption
  run: Other[]
  failures: unknown[]
  emptied: number[]
} {
  const run: Other[] = []
  const failures: unknown[] = []
  const emptied: number[] = []
  const adoption = start({
    ring,
    lookMs,
    mayDeliver: () => true,
    run: async (storage) => {
      run.push(new Other(storage))
      return run.at(-1)!
    },
    failed: (slot, error) => failures.push({ slot, error }),
    emptied: (slot) => emptied.push(slot),
    ...options,
  })
  started.push(adoption)
  return { adoption, run, failures, emptied }
}

/** A page of its own, with the code of adoption in it. */
async function otherPage(): Promise<{ start: typeof startAdoption; die: () => void }> {
  const frame = document.body.appendChild(document.createElement('iframe'))
  const code = `import('${new URL('../../web/adoption.ts', import.meta.url).pathname}')`
  const page = frame.contentWindow as Window & { eval(code: string): unknown }
  const loaded = (await page.eval(code)) as { startAdoption: typeof startAdoption }
  const die = (): void => frame.remove()
  ends.push(die)
  return { start: loaded.startAdoption, die }
}

/** The lock of another tab, which says that it is alive or does not. */
async function holder(slot: number, isAlive: boolean): Promise<{ lost: Promise<unknown> }> {
  const { promise: granted, resolve: grant } = Promise.withResolvers<void>()
  const { promise: end, resolve: release } = Promise.withResolvers<void>()
  const lost = navigator.locks
    .request(`ringlet:${ring}:${slot}`, () => {
      grant()
      return end
    })
    .catch((error: unknown) => error)
  const channel = slotChannel(ring)
  channel.onmessage = ({ data }: MessageEvent<Word>) => {
    if (isAlive && data.slot === slot && data.say === 'alive?') {
      channel.postMessage({ say: 'alive', slot } satisfies Word)
    }
  }
  ends.push(() => {
    release()
    channel.close()
  })
  await granted
  return { lost }
}

function wait(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms)
  })
}

const isFree = async (slot: number): Promise<boolean> => !(await slotHolders(ring)).has(slot)

test('a slot that owes something and that nobody holds is run until nothing is pending', async () => {
  const { run, emptied } = tab()
  markOwing(ring, 3, true)
  await vi.waitFor(() => expect(run).toHaveLength(1), 15_000)
  expect(await isFree(3)).toBe(false)
  expect((await indexedDB.databases()).map(({ name }) => name)).toContain(databaseOf(ring, 3))
  run[0]!.delivered()
  await wait(50)
  expect(run[0]!.isOpen).toBe(true)
  run[0]!.delivered()
  await vi.waitFor(async () => expect(await isFree(3)).toBe(true), 5000)
  expect(run[0]!.isOpen).toBe(false)
  expect(emptied).toEqual([3])
  expect(localStorage.length).toBe(0)
  // Its database is closed: it can be deleted at once.
  const blocked = await new Promise((resolve, reject) => {
    const request = indexedDB.deleteDatabase(databaseOf(ring, 3))
    request.onblocked = () => resolve('blocked')
    request.onsuccess = () => resolve('deleted')
    request.onerror = reject
  })
  expect(blocked).toBe('deleted')
})

test('a mark that another tab sets wakes a tab that looks rarely', async () => {
  const { run } = tab()
  // It has looked, found nothing, and rests.
  await wait(2 * lookMs)
  const other = document.body.appendChild(document.createElement('iframe'))
  other.contentWindow!.localStorage.setItem(`ringlet:${ring}:owing:1`, 'yes')
  await vi.waitFor(() => expect(run).toHaveLength(1), 15_000)
  other.remove()
})

test('only who answers nobody for long loses its slot, and hears so; who answers keeps it', async () => {
  markOwing(ring, 1, true)
  markOwing(ring, 2, true)
  const silent = await holder(1, false)
  const living = await holder(2, true)
  const startedAt = performance.now()
  const { run } = tab()
  await vi.waitFor(() => expect(run).toHaveLength(1), 15_000)
  expect(performance.now() - startedAt).toBeGreaterThan(5 * lookMs)
  expect(await silent.lost).toMatchObject({ name: 'AbortError' })
  run[0]!.delivered()
  run[0]!.delivered()
  await vi.waitFor(() => expect(owingSlots(ring)).toEqual([2]), 5000)
  expect(await Promise.race([living.lost, wait(10 * lookMs)])).toBeUndefined()
  expect(run).toHaveLength(1)
})

test('a holder that comes anew is not the one that was silent', async () => {
  markOwing(ring, 1, true)
  const page = (): HTMLIFrameElement => {
    const frame = document.body.appendChild(document.createElement('iframe'))
    const { locks } = frame.contentWindow!.navigator
    void locks.request(`ringlet:${ring}:1`, () => new Promise(() => {}))
    return frame
  }
  const { run } = tab()
  // None of these pages is there for five looks.
  for (let i = 0; i < 4; i++) {
    const frame = page()
    await wait(2.5 * lookMs)
    frame.remove()
  }
  expect(run).toHaveLength(0)
})

test('a tab that cannot deliver adopts nothing, and begins when it can', async () => {
  let mayDeliver = false
  const { adoption, run } = tab({ mayDeliver: () => mayDeliver })
  markOwing(ring, 0, true)
  await wait(5 * lookMs)
  expect(run).toHaveLength(0)
  mayDeliver = true
  adoption.reconsider()
  await vi.waitFor(() => expect(run).toHaveLength(1), 15_000)
  mayDeliver = false
  adoption.reconsider()
  await vi.waitFor(async () => expect(await isFree(0)).toBe(true), 5000)
  expect(run[0]!.isOpen).toBe(false)
  expect(owingSlots(ring)).toEqual([0])
})

test('the tab that had the slot before gets it within its patience', async () => {
  const { run } = tab()
  markOwing(ring, 2, true)
  await vi.waitFor(() => expect(run).toHaveLength(1), 15_000)
  const channel = slotChannel(ring)
  channel.postMessage({ say: 'wanted', slot: 2 } satisfies Word)
  await vi.waitFor(async () => expect(await isFree(2)).toBe(true), 5000)
  expect(run[0]!.isOpen).toBe(false)
  expect(owingSlots(ring)).toEqual([2])
  channel.close()
})

test('closing lets go of what is adopted, and adopts nothing more', async () => {
  const { adoption, run } = tab()
  markOwing(ring, 2, true)
  await vi.waitFor(() => expect(run).toHaveLength(1), 15_000)
  await adoption.close()
  expect(await isFree(2)).toBe(true)
  expect(run[0]!.isOpen).toBe(false)
  await wait(5 * lookMs)
  expect(run).toHaveLength(1)
})

test('a tab that dies while it delivers leaves the slot to the next', async () => {
  const { start, die } = await otherPage()
  const dying = tab({}, start)
  markOwing(ring, 0, true)
  await vi.waitFor(() => expect(dying.run).toHaveLength(1), 15_000)
  dying.run[0]!.delivered()
  const { run } = tab()
  await wait(5 * lookMs)
  expect(run).toHaveLength(0)
  started.splice(started.indexOf(dying.adoption), 1)
  die()
  await vi.waitFor(() => expect(run).toHaveLength(1), 15_000)
  expect(await isFree(0)).toBe(false)
})

test('of several tabs one at a time runs a slot', async () => {
  const pages = [await otherPage(), await otherPage()]
  const tabs = [tab(), ...pages.map(({ start }) => tab({}, start))]
  markOwing(ring, 0, true)
  const all = (): Other[] => tabs.flatMap(({ run }) => run)
  await vi.waitFor(() => expect(all()).toHaveLength(1), 15_000)
  await wait(5 * lookMs)
  expect(all().filter(({ isOpen }) => isOpen)).toHaveLength(1)
  all()[0]!.delivered()
  all()[0]!.delivered()
  await vi.waitFor(() => expect(owingSlots(ring)).toEqual([]), 5000)
  expect(all()).toHaveLength(1)
})

test('who loses an adopted slot to another stops', async () => {
  const { run } = tab()
  markOwing(ring, 0, true)
  await vi.waitFor(() => expect(run).toHaveLength(1), 15_000)
  const { promise: end, resolve: release } = Promise.withResolvers<void>()
  ends.push(release)
  void navigator.locks.request(`ringlet:${ring}:0`, { steal: true }, () => end)
  await vi.waitFor(() => expect(run[0]!.isOpen).toBe(false), 5000)
  expect(owingSlots(ring)).toEqual([0])
})

test('a slot whose store cannot be had is told of, and the others are delivered all the same', async () => {
  const name = databaseOf(ring, 0)
  const broken = await new Promise<IDBDatabase>((resolve) => {
    const request = indexedDB.open(name, 5)
    request.onsuccess = () => resolve(request.result)
  })
  broken.close()
  markOwing(ring, 0, true)
  markOwing(ring, 1, true)
  const { run, failures } = tab()
  await vi.waitFor(() => expect(run).toHaveLength(1), 15_000)
  await vi.waitFor(
    () => expect(failures).toMatchObject([{ slot: 0, error: { code: 'store-format' } }]),
    15_000,
  )
  expect(await isFree(0)).toBe(true)
  expect(owingSlots(ring)).toEqual([0])
})

/** A ring that nobody serves. */
const nowhere = {
  ringlet: 1,
  ring: { name: 'nowhere', id: 'AAAAAAAAAAAAAAAAAAAAAA', n: 3, q: 64, durableOwners: 3 },
  bootstrap: ['/ip4/127.0.0.1/tcp/9/ws'],
}

/** A closed tab, and the hash that names its ring. */
async function closedTab(writes: number): Promise<string> {
  const before = new Set((await indexedDB.databases()).map(({ name }) => name))
  const peer = await open(nowhere, { gate: 'closed' })
  const carts = peer.bucket('carts', cart)
  await carts.follow('alice')
  for (let i = 0; i < writes; i++) {
    await carts.update('alice', (value, write) => cart.add(value, 'mug', 1, write))
  }
  await peer.close()
  const after = (await indexedDB.databases()).map(({ name = '' }) => name)
  const [name] = after.filter((one) => !before.has(one))
  return name!.slice('ringlet-'.length, name!.lastIndexOf('-'))
}

test('what a killed browser forgot to mark is found in the databases; nothing else is', async () => {
  const hash = await closedTab(2)
  await (await openIndexedDb(databaseOf(hash, 1))).close()
  await (await openIndexedDb(databaseOf('another', 0))).close()
  const databases = (await indexedDB.databases()).length
  localStorage.clear()
  await markAbandoned(hash)
  expect(Object.keys(localStorage)).toEqual([`ringlet:${hash}:owing:0`])
  expect((await indexedDB.databases()).length).toBe(databases)

  // Not where somebody holds it, who marks it himself.
  localStorage.clear()
  sessionStorage.clear()
  const peer = await open(nowhere, { gate: 'closed' })
  localStorage.clear()
  await markAbandoned(hash)
  expect(localStorage.length).toBe(0)
  await peer.close()
})
