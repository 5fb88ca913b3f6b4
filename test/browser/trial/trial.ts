/**
 * A page for trials: a tab of the product with nothing to show, so that what is measured or broken is the product itself.
 *
 * It opens the ring of its own address and leaves the rest to the test that opened it. Acknowledgements go to the console:
 * what is written there has left the page, whatever becomes of it next.
 */
import { open, type Peer, set, type TextSet, type TypedBucket } from '../../../web/index.ts'

export interface Trial {
  readonly peer: Peer
  readonly sets: TypedBucket<TextSet>
  /** How long `open` took, in milliseconds. */
  readonly openMs: number
  /** When the write that the address asks for (`?first=KEY`) was acknowledged, in milliseconds since the page was asked for. */
  readonly firstMs: number | undefined
  /** Writes names of its own into each of these sets, for as long as the page lives; `kept NAME` acknowledges one. */
  writeOnAndOn(keys: readonly string[], prefix: string): void
  /**
   * Adds names and removes some of those that it sees, for as long as the page lives, each a few times a second. The
   * test is told of each change before it is asked for, and when it is safe: `try add NAME`, `did add NAME`.
   */
  changeOnAndOn(key: string, prefix: string): void
  /** Resolves when the name is in the set on this device. */
  add(key: string, name: string): Promise<void>
  /** What this device's copy of a set has. */
  held(key: string): Promise<readonly string[]>
  /** From now on, when each name in a set was first seen here, by the wall clock. */
  noteNames(key: string): Readonly<Record<string, number>>
}

declare global {
  /** Set once the ring is open. */
  var trial: Trial | undefined
  /** A test's own ear. */
  var tell: ((word: string) => Promise<void>) | undefined
  /** What a test noted with `noteNames`. */
  var seenAt: Readonly<Record<string, number>> | undefined
}

const startedMs = performance.now()
const peer = await open(location.origin)
const openMs = performance.now() - startedMs
const sets = peer.bucket('sets', set)
const first = new URLSearchParams(location.search).get('first')
if (first !== null) {
  // What is not followed is asked for before it is changed.
  await sets.follow(first)
  await add(first, peer.id)
}

globalThis.trial = {
  peer,
  sets,
  openMs,
  firstMs: first === null ? undefined : performance.now(),
  writeOnAndOn(keys, prefix) {
    for (const key of keys) void writeOn(key, `${prefix}-${key}`)
  },
  changeOnAndOn(key, prefix) {
    void changeOn(key, prefix)
  },
  add,
  async held(key) {
    const { value } = await sets.get(key, { consistency: 'local' })
    return set.elements(value)
  },
  noteNames(key) {
    const seenAt: Record<string, number> = {}
    void noteNames(key, seenAt)
    return seenAt
  },
}

async function writeOn(key: string, prefix: string): Promise<never> {
  await sets.follow(key)
  for (let count = 1; ; count++) {
    const name = `${prefix}-${count}`
    await add(key, name)
    console.info(`kept ${name}`)
    await pause(5)
  }
}

async function changeOn(key: string, prefix: string): Promise<never> {
  await sets.follow(key)
  for (let count = 1; ; count++) {
    const seen = await globalThis.trial!.held(key)
    const victim = seen[Math.floor(Math.random() * seen.length)]
    const removes = victim !== undefined && Math.random() < 0.3
    const [verb, name] = removes ? ['remove', victim] : ['add', `${prefix}-${count}`]
    // Waited for: a page that ends takes along what it has only sent.
    await globalThis.tell!(`try ${verb} ${name}`)
    await (removes ? remove(key, name) : add(key, name))
    await globalThis.tell!(`did ${verb} ${name}`)
    await pause(Math.random() * 400)
  }
}

async function add(key: string, name: string): Promise<void> {
  await sets.update(key, (value, write) => set.add(value, name, write), { ack: 'device' })
}

async function remove(key: string, name: string): Promise<void> {
  await sets.update(key, (value, write) => set.remove(value, name, write), { ack: 'device' })
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms)
  })
}

async function noteNames(key: string, seenAt: Record<string, number>): Promise<void> {
  for await (const { value } of sets.watch(key)) {
    for (const name of set.elements(value)) seenAt[name] ??= Date.now()
  }
}
