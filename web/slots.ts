/**
 * Slots: which of this origin's identities and databases a tab is.
 *
 * All tabs of an origin share one storage. Two peers in one database would mint the same dots, and an identity made
 * for each page load would strand what the last one still had to deliver. So an origin has numbered slots, each an
 * identity with its own database, and a tab holds one of them by a Web Lock: the browser gives it to one holder only,
 * and takes it back however the tab ends. A tab that reloads takes its slot back; a duplicated tab remembers the same
 * number, and the lock decides.
 */

export interface Slot {
  readonly number: number
  /** Notes whether this slot still has something to deliver: whoever comes next takes such a slot first. */
  owes(something: boolean): void
  release(): void
}

/** The old page of a reload lets go of its lock a moment after the new page asks for it. */
const reloadMs = 1000

/** The slots that this page holds: to wait for one of these would be to wait for itself. */
const heldHere = new Set<string>()

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

/** The slot that this tab had before it was reloaded. */
async function takeBack(ring: string): Promise<Slot | undefined> {
  const number = wholeNumber(read(storageOf('sessionStorage'), slotKey(ring)))
  if (number === undefined || heldHere.has(lockName(ring, number))) return undefined
  const release = await hold(lockName(ring, number), { signal: AbortSignal.timeout(reloadMs) })
  return release && taken(ring, number, release)
}

async function takeFirstFree(ring: string): Promise<Slot> {
  for (const number of inOrder(ring)) {
    const release = await hold(lockName(ring, number), { ifAvailable: true })
    if (release !== undefined) return taken(ring, number, release)
  }
  throw new Error('there is always a next number')
}

/** First the slots in which a closed tab left something to deliver, then all from the lowest. */
function* inOrder(ring: string): Generator<number> {
  yield* owing(ring)
  for (let number = 0; ; number++) yield number
}

function owing(ring: string): number[] {
  const storage = storageOf('localStorage')
  if (storage === undefined) return []
  const prefix = owingKey(ring, '')
  const marks = Array.from({ length: storage.length }, (_, at) => storage.key(at) ?? '')
  return marks
    .filter((key) => key.startsWith(prefix))
    .flatMap((key) => wholeNumber(key.slice(prefix.length)) ?? [])
    .sort((a, b) => a - b)
}

function taken(ring: string, number: number, release: () => void): Slot {
  const name = lockName(ring, number)
  const isFirst = ![...heldHere].some((held) => held.startsWith(lockName(ring, '')))
  heldHere.add(name)
  if (isFirst) write(storageOf('sessionStorage'), slotKey(ring), String(number))
  return {
    number,
    owes: (something) =>
      write(storageOf('localStorage'), owingKey(ring, number), something ? 'yes' : undefined),
    release: () => {
      heldHere.delete(name)
      release()
    },
  }
}

/** Holds a lock until the returned function is called; undefined when it is not to be had (in time). */
function hold(name: string, options: LockOptions): Promise<(() => void) | undefined> {
  return new Promise((resolve, reject) => {
    const keep = (lock: Lock | null): Promise<void> | undefined => {
      if (lock === null) {
        resolve(undefined)
        return undefined
      }
      const { promise, resolve: release } = Promise.withResolvers<void>()
      resolve(release)
      return promise
    }
    navigator.locks.request(name, options, keep).catch((error: unknown) => {
      if (options.signal?.aborted === true) resolve(undefined)
      else reject(error as Error)
    })
  })
}

const lockName = (ring: string, number: number | ''): string => `ringlet:${ring}:${number}`
const slotKey = (ring: string): string => `ringlet:${ring}:slot`
const owingKey = (ring: string, number: number | ''): string => `ringlet:${ring}:owing:${number}`

function wholeNumber(text: string | null): number | undefined {
  return text !== null && /^\d{1,6}$/.test(text) ? Number(text) : undefined
}

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
