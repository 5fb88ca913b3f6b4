/**
 * What was deleted and forgotten, and whether any of it comes back (P6).
 *
 * When an owner drops a tombstone, no disk may hold what that covers: read off all of them at once, this shows a round that
 * asked too few. What was on its way, in a task, in a message or at a tab, shows later, as a value that stands on some
 * disk again. So each reaped key keeps the names of all that its tombstones had seen, and every record that becomes
 * durable is held against them. Three may come back: what a disk brings that was set back or copied, what was written twice,
 * and what a tab delivers again later than anybody need wait for.
 */
import type { Bytes } from '../data/bytes.ts'
import { toBinaryText } from '../data/bytes.ts'
import { type Key, showKey } from '../data/key.ts'
import type { ObjectState, Sibling } from '../data/siblings.ts'
import { covers, nothingSeen, sameDot, type Seen, union } from '../data/vector.ts'
import type { Limits } from '../protocol/limits.ts'
import { isDead } from '../protocol/reaping.ts'
import {
  decodeObject,
  entriesInRecord,
  keyOfStored,
  shelfRange,
  storageKeys,
} from '../protocol/record.ts'
import { mayAppearAgain } from './checker.ts'
import { hadExpired } from './expiries.ts'
import type { Ground, GroundMember } from './ground.ts'
import type { WallClock } from './life.ts'
import { type Image, statesIn } from './medium.ts'
import type { Violation } from './violation.ts'

const objectLetter = shelfRange('object').from[0]

/** So long after a disk was set back, or a copy of one thrown away, a round may not have noticed. */
const unnoticedMs = 15_000

/** A simulated ring, as far as it matters here. */
interface Scenery extends Ground {
  readonly members: readonly (GroundMember & { readonly wall: WallClock })[]
  readonly edges: readonly { readonly name: string }[]
  readonly clones: ReadonlySet<unknown>
  /** Whether what is on this machine's disk is nobody's any more. */
  isOutside?(machine: GroundMember): boolean
  readonly settings: Ground['settings'] & {
    readonly limits: Pick<Limits, 'evictAfterMs'>
    readonly broken: { readonly limits?: Partial<Limits> }
  }
  ownersOf(key: string): readonly { readonly name: string }[]
}

interface Reaped {
  /** The tombstones, and all that they had seen, and since when each is to stay away. */
  readonly tombstones: Set<number>
  readonly gone: Map<number, number>
}

export class Reapings {
  readonly violations: Violation[] = []
  /** How many keys were forgotten by the first of their owners; one that was deleted anew counts again. */
  count = 0
  /** How many of these had nothing left but values that had expired. */
  expired = 0
  /** How often a member let entries go of what it had seen of a key that lives. */
  shortened = 0
  /** How often a value came back that was allowed to. */
  excused = 0
  /** When a copy of a disk was last about. */
  copiedAtMs = -Infinity
  readonly #cluster: Scenery
  readonly #byKey = new Map<string, Reaped>()
  /** When each write was first durable at a member. */
  readonly #first = new Map<number, number>()
  /** When a tab last brought each write back that it was allowed to. */
  readonly #returnedMs = new Map<number, number>()
  readonly #setBack = new Map<string, number>()
  /** By key, the entries that were let go of. */
  readonly #entries = new Map<string, Seen>()
  /** The writes whose entries were let go of. */
  readonly #letGo = new Set<number>()

  constructor(cluster: Scenery) {
    this.#cluster = cluster
  }

  /** The tombstones of a key that were ever forgotten. */
  tombstonesOf(key: string): ReadonlySet<number> {
    return this.#byKey.get(key)?.tombstones ?? nothing
  }

  /** Whether nobody need say any more what became of this write: its key, or its entry, is let go of. */
  isLetGo(key: string, write: number): boolean {
    return this.#letGo.has(write) || this.seenOf(key).has(write)
  }

  /** What somebody has seen of a key who knows that these tombstones were forgotten. */
  seenOf(key: string): Set<number> {
    return this.#cluster.history.closure(this.tombstonesOf(key))
  }

  /** A machine shows again what this image holds: it may tell the others. */
  setBack({ name }: { readonly name: string }, image: Image): void {
    this.#setBack.set(name, this.#nowMs)
    for (const [key, { siblings }] of statesIn(image)) {
      for (const { value } of siblings) this.#allow(key, this.#cluster.history.writeOf(value))
    }
  }

  /** A member that was sent away comes back, and offers what it still owes: late as that may be, it is not hidden. */
  returns({ disk }: GroundMember): void {
    const { from, to } = shelfRange('object')
    for (const { key, value } of disk.isLost ? [] : disk.entries(from, to)) {
      const owed = disk.read(toBinaryText(storageKeys.marker(keyOfStored(key))))
      const state = owed && stateIn(key, value)
      for (const each of state?.siblings ?? [])
        this.#allow(showKey(keyOfStored(key)), this.#cluster.history.writeOf(each.value))
    }
  }

  /** A record became durable at a member, or went. */
  sees(machine: string, storedKey: Bytes, value: Bytes | undefined, before?: Bytes): void {
    if (storedKey[0] !== objectLetter || this.#isOutside(machine)) return
    const key = keyOfStored(storedKey)
    const name = showKey(key)
    if (value !== undefined) {
      if (before !== undefined && entriesInRecord(value) < entriesInRecord(before))
        this.#shortens(machine, name, storedKey, before, value)
      return this.#appears(machine, name, stateIn(storedKey, value))
    }
    const dropped = before && stateIn(storedKey, before)
    if (dropped === undefined || !this.#owns(machine, key)) return
    const text = this.#whatIsWrong(dropped)
    if (text === undefined) return this.#forgets(machine, name, storedKey, dropped)
    this.violations.push({ promise: 'P6', key: name, text: `${machine}, an owner, drops ${text}` })
  }

  /** Of a state that is dropped, in words. */
  #whatIsWrong(dropped: ObjectState): string | undefined {
    if (dropped.siblings.length === 0) return undefined
    if (!isDead(dropped, Infinity)) return 'what is no tombstone'
    // Who has no seat is asked nothing, and its clock is nobody's.
    const { members, ring } = this.#cluster
    const seated = members.filter(({ peer }) => ring.members.some(({ id }) => id === peer))
    const clocks = seated.map(({ wall }) => wall)
    if (hadExpired(dropped, clocks)) return undefined
    // A copy of a member answers in its name, by a clock of its own.
    const mayBeCopied = this.#cluster.clones.size > 0 || this.copiedAtMs > -Infinity
    return mayBeCopied ? undefined : 'what has not expired by the clocks of all'
  }

  #forgets(machine: string, key: string, storedKey: Bytes, dropped: ObjectState): void {
    const { history, witness } = this.#cluster
    const reaped = this.#byKey.get(key) ?? { tombstones: new Set(), gone: new Map() }
    this.#byKey.set(key, reaped)
    const names = dropped.siblings.flatMap(({ value }) => history.writeOf(value) ?? [])
    if (!names.every((write) => reaped.tombstones.has(write))) {
      this.count++
      if (dropped.siblings.some(({ value }) => value.bytes !== undefined)) this.expired++
    }
    for (const write of names) reaped.tombstones.add(write)
    for (const write of witness.writesOf(key)) {
      const dots = [...witness.dotsOf(write).values()]
      if (dots.length > 0 && dots.every((dot) => covers(dropped.seen, dot)))
        reaped.gone.set(write, this.#nowMs)
    }
    this.#lookFor(
      key,
      storedKey,
      dropped.seen,
      (holder, writes) => {
        return `${machine} forgets its tombstone, and ${holder} still holds ${writes}`
      },
      ({ dot }) => dropped.siblings.some((each) => sameDot(each.dot, dot)),
    )
  }

  /** A member lets go of entries of what it has seen of a key that lives. */
  #shortens(machine: string, key: string, storedKey: Bytes, was: Bytes, is: Bytes): void {
    const [before, after] = [stateIn(storedKey, was), stateIn(storedKey, is)]
    if (before === undefined || after === undefined) return
    const { witness } = this.#cluster
    const gone = new Map([...before.seen].filter(([actor]) => !after.seen.has(actor)))
    this.shortened++
    this.#entries.set(key, union(this.#entries.get(key) ?? nothingSeen, gone))
    const reaped = this.#byKey.get(key) ?? { tombstones: new Set(), gone: new Map() }
    this.#byKey.set(key, reaped)
    for (const write of witness.writesOf(key)) {
      const dots = [...witness.dotsOf(write).values()]
      if (dots.some((dot) => covers(gone, dot))) {
        this.#letGo.add(write)
        // A copy of a disk answers reads, and nobody asks it what it holds.
        if (this.#isCopied) witness.returned.add(write)
      }
      if (dots.length > 0 && dots.every((dot) => covers(gone, dot)))
        reaped.gone.set(write, this.#nowMs)
    }
    this.#lookFor(key, storedKey, gone, (holder, writes) => {
      return `${machine} lets an entry go, under which ${holder} still holds ${writes}`
    })
  }

  /** What any disk still holds of the values that all of this covers, when it is let go. */
  #lookFor(
    key: string,
    storedKey: Bytes,
    gone: Seen,
    tell: (holder: string, writes: string) => string,
    isSame: (sibling: Sibling) => boolean = () => false,
  ): void {
    const { history, members } = this.#cluster
    for (const member of members) {
      if (this.#isOutside(member.name)) continue
      const stored = member.disk.isLost ? undefined : member.disk.read(toBinaryText(storedKey))
      const held = stored && stateIn(storedKey, stored)
      const covered = (held?.siblings ?? []).filter((sibling) => {
        if (sibling.value.bytes === undefined || !covers(gone, sibling.dot)) return false
        return !isSame(sibling) && !this.#hasJustReturned(sibling)
      })
      if (covered.length === 0) continue
      const writes = covered.flatMap(({ value }) => history.writeOf(value) ?? [])
      if (this.#mayHaveBeenSetBack(member.name)) {
        for (const write of writes) this.#allow(key, write)
        continue
      }
      const text = tell(member.name, `w${writes.join(' w')}`)
      this.violations.push({ promise: 'P6', key, text })
    }
  }

  #appears(machine: string, key: string, state: ObjectState | undefined): void {
    const { history, witness } = this.#cluster
    const reaped = this.#byKey.get(key)
    for (const { dot, value } of state?.siblings ?? []) {
      const write = history.writeOf(value)
      if (write === undefined) continue
      if (!this.#first.has(write)) {
        this.#first.set(write, this.#nowMs)
        // A tab delivers at last what it had superseded itself, and what showed that is let go of.
        const ageMs = this.#nowMs - history.get(write).startMs
        const isLetGo = covers(this.#entries.get(key) ?? nothingSeen, dot)
        if (isLetGo && ageMs >= this.#evictAfterMs) witness.returned.add(write)
      }
      const sinceMs = reaped?.gone.get(write)
      if (sinceMs === undefined) continue
      const mayReturn = this.#mayReturn(write, sinceMs)
      if (mayReturn) {
        witness.returned.add(write)
        this.#returnedMs.set(write, this.#nowMs)
      }
      // A tombstone brings nothing back, and stands beside others as any write does.
      if (value.bytes === undefined) continue
      // Whoever missed its going brings back what is over, and shows it to nobody.
      if (value.expiresAt !== undefined && reaped!.tombstones.has(write)) continue
      this.#allow(key, write)
      if (mayReturn) {
        this.excused++
        continue
      }
      const text = `w${write} stands at ${machine} again, and was deleted and forgotten`
      this.violations.push({ promise: 'P6', key, text })
    }
  }

  /** What a tab brings late may come between two members' drops of one round. */
  #hasJustReturned({ value }: Sibling): boolean {
    const write = this.#cluster.history.writeOf(value)
    const returnedMs = (write !== undefined && this.#returnedMs.get(write)) || -Infinity
    return this.#nowMs - returnedMs < unnoticedMs
  }

  #mayReturn(write: number, forgottenMs: number): boolean {
    const { history, witness, edges } = this.#cluster
    if (mayAppearAgain(history, witness, write)) return true
    if (this.#isCopied) return true
    // An edge may deliver for so long; what comes later is late.
    const minters = [...witness.dotsOf(write).values()].map((dot) => witness.minterOf(dot))
    const isFromTab = minters.some((minter) => edges.some(({ name }) => name === minter))
    return isFromTab && forgottenMs - this.#first.get(write)! >= this.#evictAfterMs
  }

  get #evictAfterMs(): number {
    const { limits, broken } = this.#cluster.settings
    return { ...limits, ...broken.limits }.evictAfterMs
  }

  /** Some disk that nobody asks may show it again, beside what superseded it. */
  #allow(key: string, write: number | undefined): void {
    if (write === undefined) return
    this.#byKey.get(key)?.gone.delete(write)
    if (this.isLetGo(key, write)) this.#cluster.witness.returned.add(write)
  }

  #isOutside(machine: string): boolean {
    const { members } = this.#cluster
    return members.some((each) => each.name === machine && this.#cluster.isOutside?.(each) === true)
  }

  get #isCopied(): boolean {
    return this.#cluster.clones.size > 0 || this.#nowMs - this.copiedAtMs < unnoticedMs
  }

  #mayHaveBeenSetBack(machine: string): boolean {
    const sinceMs = this.#nowMs - (this.#setBack.get(machine) ?? -Infinity)
    return sinceMs < unnoticedMs || this.#isCopied
  }

  /** Whether it drops this as an owner. Where owners change it may not know yet that it is one: who pays has a marker. */
  #owns(machine: string, key: Key): boolean {
    const { rings, members } = this.#cluster
    if (rings?.hasChanged !== true)
      return this.#cluster.ownersOf(showKey(key)).some(({ name }) => name === machine)
    const place = toBinaryText(storageKeys.marker(key))
    return members.find(({ name }) => name === machine)?.disk.read(place) === undefined
  }

  get #nowMs(): number {
    return this.#cluster.scheduler.nowMs
  }
}

const nothing: ReadonlySet<number> = new Set()

/** Of a record that is damaged, nothing. */
function stateIn(storedKey: Bytes, stored: Bytes): ObjectState | undefined {
  try {
    return decodeObject(keyOfStored(storedKey), stored).state
  } catch {
    return undefined
  }
}
