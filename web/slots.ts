/**
 * Slots: which of this origin's identities and databases a tab is.
 *
 * All tabs of an origin share one storage. Two peers in one database would mint the same dots, and an identity made
 * for each page load would strand what the last one still had to deliver. So an origin has numbered slots, each an
 * identity with its own database, and a tab holds one of them by a Web Lock: the browser gives it to one holder only,
 * and takes it back however the tab ends. A tab that reloads takes its slot back; a duplicated tab remembers the same
 * number, and the lock decides.
 *
 * A slot that still has to deliver something is marked. A new tab takes such a slot first, and where tabs live already,
 * one of them runs it beside its own (`adoption.ts`). The marks say where to look and nothing else: a browser that is
 * killed may forget them or bring old ones back, so whoever finds one looks into the database, and a tab that opens
 * looks into those without.
 *
 * A lock says nothing of whether its holder lives: a frozen tab keeps it, and so does an endless loop. Holders therefore
 * answer when they are asked (a frozen page hears, and knows to keep silent), and who answers nobody can lose its slot. It would not know, and write on: what
 * stops it is the token in its database (`indexeddb-connection.ts`), not the lock.
 */

export interface Slot {
  readonly number: number
  /** Resolves when another tab has taken the slot from this one, which must leave its database alone. */
  readonly lost: Promise<void>
  /** Resolves when the tab that had the slot before asks for it: whoever has only adopted it should let go. */
  readonly wanted: Promise<void>
  /** Notes whether this slot still has something to deliver: whoever comes next takes such a slot first. */
  owes(something: boolean): void
  release(): void
}

/** What tabs of one origin and ring say to each other of a slot: `alive?` to its holder, who answers `alive`. */
export interface Word {
  readonly say: 'alive?' | 'alive' | 'wanted'
  readonly slot: number
}

/** The old page of a reload lets go of its lock a moment after the new page asks for it; so does whoever adopted it. */
const reloadMs = 1000

/** The slots that this page holds: to wait for one of these would be to wait for itself. */
const heldHere = new Set<string>()

let pageSleeps = false

/** Notes whether this page sleeps: a frozen page still hears who asks whether it lives, and can deliver nothing. */
export function noteSleep(isAsleep: boolean): void {
  pageSleeps = isAsleep
}

/** Undefined where the origin has no Web Locks: it is not secure, or the browser forbids it storage. */
export async function takeSlot(ring: string): Promise<Slot | undefined> {
  if (typeof navigator === 'undefined' || navigator.locks === undefined) return undefined
  try {
    return (await takeBack(ring)) ?? (await takeFirstFree(ring))
  } catch (error) {
    if (error instanceof DOMException && error.name === 'SecurityError') return undefined
    throw error
  }
}

/**
 * A slot beside the tab's own: one that nobody holds, or (`steal`) whose holder answers nobody. Undefined if it is held
 * after all.
 */
export function adoptSlot(ring: string, number: number, steal: boolean): Promise<Slot | undefined> {
  return hold(ring, number, steal ? { steal } : { ifAvailable: true }, () => {})
}

/** The slots in which something is left to deliver, as far as is remembered, but for those that this page holds. */
export function owingSlots(ring: string): number[] {
  const storage = storageOf('localStorage')
  if (storage === undefined) return []
  const prefix = owingKey(ring, '')
  const marks = Array.from({ length: storage.length }, (_, at) => storage.key(at) ?? '')
  return marks
    .filter((key) => key.startsWith(prefix))
    .flatMap((key) => wholeNumber(key.slice(prefix.length)) ?? [])
    .filter((number) => !heldHere.has(lockName(ring, number)))
    .sort((a, b) => a - b)
}

/** Notes that a slot which nobody holds has something left to deliver, or that it has not. */
export function markOwing(ring: string, number: number, owes: boolean): void {
  write(storageOf('localStorage'), owingKey(ring, number), owes ? 'yes' : undefined)
}

/** Whether this change of the origin's storage is a mark of this ring. */
export function isOwingMark(ring: string, key: string | null): boolean {
  return key?.startsWith(owingKey(ring, '')) === true
}

/** Who holds each slot that is held: an id of the page, another after each load. */
export async function slotHolders(ring: string): Promise<ReadonlyMap<number, string>> {
  const prefix = lockName(ring, '')
  const { held = [] } = await navigator.locks.query()
  return new Map(
    held.flatMap(({ name = '', clientId = '' }) => {
      const number = name.startsWith(prefix) ? wholeNumber(name.slice(prefix.length)) : undefined
      return number === undefined ? [] : [[number, clientId] as const]
    }),
  )
}

/** Where the tabs of this origin speak of the ring's slots. */
export function slotChannel(ring: string): BroadcastChannel {
  return new BroadcastChannel(`ringlet:${ring}:slots`)
}

/** The database of a slot. */
export function databaseOf(ring: string, number: number | ''): string {
  return `ringlet-${ring}-${number}`
}

export function wholeNumber(text: string | null): number | undefined {
  return text !== null && /^\d{1,6}$/.test(text) ? Number(text) : undefined
}

/** The slot that this tab had before it was reloaded. */
async function takeBack(ring: string): Promise<Slot | undefined> {
  const number = wholeNumber(read(storageOf('sessionStorage'), slotKey(ring)))
  if (number === undefined || heldHere.has(lockName(ring, number))) return undefined
  const channel = slotChannel(ring)
  channel.postMessage({ say: 'wanted', slot: number } satisfies Word)
  const slot = await hold(ring, number, { signal: AbortSignal.timeout(reloadMs) }, remember)
  channel.close()
  return slot
}

async function takeFirstFree(ring: string): Promise<Slot> {
  for (const number of inOrder(ring)) {
    const slot = await hold(ring, number, { ifAvailable: true }, remember)
    if (slot !== undefined) return slot
  }
  throw new Error('there is always a next number')
}

/** First the slots in which a closed tab left something to deliver, then all from the lowest. */
function* inOrder(ring: string): Generator<number> {
  yield* owingSlots(ring)
  for (let number = 0; ; number++) yield number
}

/** The first slot that a page takes is the one to come back to; one beside it is not. */
function remember(ring: string, number: number): void {
  const others = [...heldHere].filter((held) => held.startsWith(lockName(ring, '')))
  if (others.length === 0) write(storageOf('sessionStorage'), slotKey(ring), String(number))
}

/** Holds a slot's lock until it is released or stolen; undefined when it is not to be had (in time). */
function hold(
  ring: string,
  number: number,
  options: LockOptions,
  granted: (ring: string, number: number) => void,
): Promise<Slot | undefined> {
  const { promise, resolve, reject } = Promise.withResolvers<Slot | undefined>()
  const { promise: lost, resolve: lose } = Promise.withResolvers<void>()
  const keep = (lock: Lock | null): Promise<void> | undefined => {
    if (lock === null) {
      resolve(undefined)
      return undefined
    }
    const { promise: end, resolve: release } = Promise.withResolvers<void>()
    granted(ring, number)
    resolve(taken(ring, number, lost, release))
    return end
  }
  navigator.locks.request(lockName(ring, number), options, keep).catch((error: unknown) => {
    // A lock that was held is told of its theft in this way.
    lose()
    if (options.signal?.aborted === true) resolve(undefined)
    else reject(error as Error)
  })
  return promise
}

function taken(ring: string, number: number, lost: Promise<void>, unlock: () => void): Slot {
  const name = lockName(ring, number)
  const channel = slotChannel(ring)
  const { promise: wanted, resolve: want } = Promise.withResolvers<void>()
  heldHere.add(name)
  let isHeld = true
  const letGo = (): void => {
    isHeld = false
    heldHere.delete(name)
    channel.close()
    unlock()
  }
  channel.onmessage = ({ data: { say, slot } }: MessageEvent<Word>) => {
    if (slot !== number) return
    if (say === 'alive?' && !pageSleeps) channel.postMessage({ say: 'alive', slot } satisfies Word)
    if (say === 'wanted') want()
  }
  return {
    number,
    lost: lost.then(letGo),
    wanted,
    // The mark of a slot that is another's by now is another's, too.
    owes: (something) => isHeld && markOwing(ring, number, something),
    release: letGo,
  }
}

const lockName = (ring: string, number: number | ''): string => `ringlet:${ring}:${number}`
const slotKey = (ring: string): string => `ringlet:${ring}:slot`
const owingKey = (ring: string, number: number | ''): string => `ringlet:${ring}:owing:${number}`

/** Undefined where the user forbids sites to store anything: even to look at it throws then. */
function storageOf(kind: 'localStorage' | 'sessionStorage'): Storage | undefined {
  try {
    return globalThis[kind]
  } catch {
    return undefined
  }
}

function read(storage: Storage | undefined, key: string): string | null {
  return storage?.getItem(key) ?? null
}

/** What does not fit is not remembered: the lock alone keeps the promise. */
function write(storage: Storage | undefined, key: string, value: string | undefined): void {
  try {
    if (value === undefined) storage?.removeItem(key)
    else storage?.setItem(key, value)
  } catch {
    // Full: nothing depends on it.
  }
}
