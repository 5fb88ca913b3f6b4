/**
 * A living tab delivers what a closed one has left behind.
 *
 * A tab that is closed cut off, or crashes, leaves writes in its slot's database, and its user was told that they are
 * saved. Somebody may never open that many tabs again. So each tab looks now and then for slots that owe something:
 * one that nobody holds it takes, and runs it as the peer that it is, with its own identity and links, until nothing is
 * pending. A slot whose holder answers nobody any more (frozen, or in an endless loop) it takes by force.
 *
 * Why nothing that was acknowledged is lost on the way, and no dot is minted twice:
 *
 * - *The owner's page is still unloading.* Its lock goes when its document goes. Whatever it had sent to its database
 *   by then is ordered before the transaction that takes the database, which is committed before anything is read; a
 *   transaction that comes later finds another's token, and is undone whole.
 * - *Two tabs adopt at once.* The lock lets in one. Two that take by force do so one after the other: the earlier loses
 *   the lock and the database to the later, and stops. Both deliver dots that were minted before, which may be done
 *   any number of times.
 * - *The owner thaws in the middle.* It hears that its lock is gone, and all it writes is undone. What it still sends
 *   from memory are the same dots with the same values.
 * - *The browser is killed in the middle.* A delivery is noted in the database after the ring has confirmed it. What was
 *   not noted is delivered again.
 * - *A mark is late, lost or stale.* It is set in the turn in which a write becomes durable, before its writer hears
 *   so, and is taken away only by who holds the slot, once its database says that nothing is pending. One that the
 *   browser forgot is found again (`abandoned.ts`); one too many costs a look into the database.
 *
 * A tab that is cut off, asleep or alone adopts nothing: it could not deliver, and would stand in the way of one that
 * can. Whoever had the slot before asks for it, and gets it.
 */
import { markAbandoned } from './abandoned.ts'
import { deliver, type Delivery, type DeliveryOptions } from './delivery.ts'
import { adoptSlot, isOwingMark, owingSlots, slotChannel, slotHolders, type Word } from './slots.ts'

export interface AdoptionOptions extends Pick<DeliveryOptions, 'ring' | 'run'> {
  /** Whether this tab could deliver anything now. */
  mayDeliver(): boolean
  /** The time from one look to the next, in milliseconds. For tests. */
  readonly lookMs?: number
  /** Told of a slot whose writes cannot be delivered, and why. */
  failed(slot: number, error: unknown): void
  /** Told of a slot that owes nothing any more. */
  emptied(slot: number): void
}

export interface Adoption {
  /** Whether this tab may deliver may have changed. */
  reconsider(): void
  /**
   * Lets go of what is adopted just now; what it still owes another will find. Waits for that, but not for long: a
   * database may be blocked by the page that it is being taken from.
   */
  close(): Promise<void>
}

/** A page that reloads has its slot back before this has passed. */
const usualLookMs = 2000
/** While nothing is owed: a storage event may be lost. */
const idleLooks = 8
/** A slot that is free at two looks, one after the other, is abandoned. */
const looksAtFree = 1
/**
 * A holder that has been asked at five looks and answered none hangs. Ten seconds: no page that only has much to do is
 * deaf for so long, and in the meantime what it owes is safe on its disk. Counted in looks, not in time, so that a tab
 * which hung itself takes nobody for dead when it wakes.
 */
const looksAtSilent = 5
/** A slot that cannot be emptied within this time is left alone for as long: others may be waiting too. */
const patienceMs = 30_000

const closingMs = 2000

export function startAdoption(options: AdoptionOptions): Adoption {
  return new Adopter(options)
}

class Adopter implements Adoption {
  readonly #options: AdoptionOptions
  readonly #lookMs: number
  readonly #channel: BroadcastChannel
  readonly #closing = new AbortController()
  /** Slots that owe something: who held each at the last looks, and at how many before. */
  readonly #sightings = new Map<number, { readonly holder: string | undefined; looks: number }>()
  readonly #restingUntil = new Map<number, number>()
  #hasLookedInside = false
  #delivery: Delivery | undefined
  #timer: ReturnType<typeof setTimeout> | undefined
  #dueAt = Infinity
  #looking: Promise<void> | undefined

  constructor(options: AdoptionOptions) {
    this.#options = options
    this.#lookMs = options.lookMs ?? usualLookMs
    this.#channel = slotChannel(options.ring)
    this.#channel.onmessage = ({ data }: MessageEvent<Word>) => {
      if (data.say === 'alive') this.#sightings.delete(data.slot)
    }
    const marked = ({ key }: StorageEvent): void => {
      if (isOwingMark(options.ring, key)) this.#lookIn(this.#lookMs)
    }
    addEventListener('storage', marked, { signal: this.#closing.signal })
    this.#lookIn(this.#lookMs)
  }

  reconsider(): void {
    this.#delivery?.reconsider()
    this.#lookIn(this.#lookMs)
  }

  async close(): Promise<void> {
    this.#closing.abort()
    clearTimeout(this.#timer)
    this.#channel.close()
    this.#delivery?.reconsider()
    await Promise.race([this.#looking, after(closingMs)])
  }

  /** Unless a look is due sooner, or is being taken. */
  #lookIn(delayMs: number): void {
    const at = performance.now() + delayMs
    if (this.#closing.signal.aborted || this.#looking !== undefined || at >= this.#dueAt) return
    clearTimeout(this.#timer)
    this.#dueAt = at
    this.#timer = setTimeout(() => this.#start(), delayMs)
  }

  #start(): void {
    this.#looking = this.#look()
      // Whatever went wrong, the next look tries anew.
      .catch(() => true)
      .then((isOwing) => {
        this.#looking = undefined
        this.#dueAt = Infinity
        this.#lookIn(isOwing ? this.#lookMs : idleLooks * this.#lookMs)
      })
  }

  /** Whether anybody owes anything. */
  async #look(): Promise<boolean> {
    const { ring, mayDeliver } = this.#options
    if (!mayDeliver()) {
      this.#sightings.clear()
      return false
    }
    if (!this.#hasLookedInside) {
      this.#hasLookedInside = true
      await markAbandoned(ring)
    }
    const owing = owingSlots(ring)
    this.#forgetAllBut(owing)
    if (owing.length === 0) return false
    for (const number of owing) await this.#consider(number)
    return true
  }

  /** The others owe nothing any more, whoever has delivered it. */
  #forgetAllBut(owing: readonly number[]): void {
    for (const number of [...this.#sightings.keys(), ...this.#restingUntil.keys()]) {
      if (owing.includes(number)) continue
      this.#sightings.delete(number)
      if (this.#restingUntil.delete(number)) this.#options.emptied(number)
    }
  }

  async #consider(number: number): Promise<void> {
    if ((this.#restingUntil.get(number) ?? 0) > performance.now()) return
    // Asked for each slot apart: it may have taken long to deliver for the one before.
    const holder = (await slotHolders(this.#options.ring)).get(number)
    const before = this.#sightings.get(number)
    const looks = before !== undefined && before.holder === holder ? before.looks + 1 : 0
    this.#sightings.set(number, { holder, looks })
    if (looks >= (holder === undefined ? looksAtFree : looksAtSilent)) {
      this.#sightings.delete(number)
      return this.#adopt(number, holder !== undefined)
    }
    if (holder === undefined || this.#closing.signal.aborted) return
    this.#channel.postMessage({ say: 'alive?', slot: number } satisfies Word)
  }

  async #adopt(number: number, steal: boolean): Promise<void> {
    const mayGoOn = (): boolean => !this.#closing.signal.aborted && this.#options.mayDeliver()
    if (!mayGoOn()) return
    const slot = await adoptSlot(this.#options.ring, number, steal)
    if (slot === undefined) return
    const rest = (): unknown => this.#restingUntil.set(number, performance.now() + patienceMs)
    try {
      this.#delivery = deliver(slot, { ...this.#options, patienceMs, mayGoOn })
      const outcome = await this.#delivery.outcome
      if (outcome === 'done') {
        this.#restingUntil.delete(number)
        this.#options.emptied(number)
      }
      if (outcome === 'too slow') rest()
    } catch (error) {
      rest()
      this.#options.failed(number, error)
    } finally {
      this.#delivery = undefined
    }
  }
}

function after(delayMs: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, delayMs)
  })
}
