/**
 * Sees every record that becomes durable on any disk, and remembers what a replica may forget.
 *
 * P7 speaks of all of time: a dot that once named one value may never name another, not even after everybody who knew
 * it has lost his disk. Reading the final states would miss that; a witness of every durable write does not. It also
 * knows on whose disks a write ever was, which is what an acknowledgement claims.
 */
import { type Bytes, equalBytes, toBinaryText } from '../data/bytes.ts'
import { type Key, showKey } from '../data/key.ts'
import type { ObjectState, Sibling, Value } from '../data/siblings.ts'
import { type Dot, showDot } from '../data/vector.ts'
import { decodeObject, keyOfStored, shelfRange } from '../protocol/record.ts'
import type { History } from './history.ts'
import { Stakes } from './stakes.ts'
import type { Violation } from './violation.ts'

const objectLetter = shelfRange('object').from[0]

/** Whose disk it is. */
export interface Holder {
  readonly name: string
  readonly host: string
}

interface Named {
  readonly key: string
  readonly dot: Dot
  readonly sibling: Sibling
}

export class Witness {
  readonly violations: Violation[] = []
  readonly stakes: Stakes
  /** Writes that share a name with another, by the one exception that is allowed. */
  readonly excused = new Set<number>()
  /** The writes that a tab brought back later than anybody need wait for: nobody remembers what superseded them. */
  readonly returned = new Set<number>()
  readonly #history: History
  /** Records are written on three disks and more; each content is read once. */
  readonly #read = new Map<string, readonly number[]>()
  readonly #values = new Map<string, Named>()
  readonly #dots = new Map<number, Map<string, Dot>>()
  readonly #kept = new Map<number, readonly Dot[]>()
  readonly #hosts = new Map<number, Set<string>>()
  readonly #synced = new Map<number, Set<string>>()
  readonly #writes = new Map<string, Set<number>>()
  /** By generation: the machine whose store it is. */
  readonly #generations = new Map<string, string>()
  readonly #abandoned = new Set<string>()
  /** What receipts say, where no value has shown it: `key dot` → the write. */
  readonly #said = new Map<string, number>()

  constructor(history: History) {
    this.#history = history
    this.stakes = new Stakes(
      () => this.#values.values(),
      ({ name }) => [...this.#generations].filter(([, of]) => of === name).map(([g]) => g),
    )
  }

  /** The excused writes, and all that they superseded: what goes with one of them is not missed. */
  forgiven(): ReadonlySet<number> {
    return this.#history.closure([...this.excused])
  }

  /** The dots that a write was ever minted under. */
  dotsOf(write: number): ReadonlyMap<string, Dot> {
    return this.#dots.get(write) ?? new Map()
  }

  /** The hosts on whose disks this write ever stood as a value of its own. */
  hostsOf(write: number): ReadonlySet<string> {
    return this.#hosts.get(write) ?? new Set()
  }

  /** The hosts on whose disks it ever stood so that no power cut took it, in a run in which that is not all of them. */
  syncedHostsOf(write: number): ReadonlySet<string> {
    return this.#synced.get(write) ?? new Set()
  }

  /** The writes of a key that were ever durable anywhere. */
  writesOf(key: string): ReadonlySet<number> {
    return this.#writes.get(key) ?? new Set()
  }

  /** Whether a write was ever durable at any member. */
  exists(write: number): boolean {
    return this.#dots.has(write)
  }

  /** A store of this machine has this generation; one that is a copy has it for a moment, and another from then on. */
  meets(generation: string, machine: string): void {
    if (!this.#generations.has(generation)) this.#generations.set(generation, machine)
  }

  /** A peer has given an epoch up, and mints under another what it had minted under this. */
  abandons(dot: string): void {
    this.#abandoned.add(dot.slice(0, dot.indexOf(' ')))
  }

  wasAbandoned(actor: string): boolean {
    return this.#abandoned.has(actor)
  }

  /** The machine that minted this dot. */
  minterOf({ actor }: Dot): string | undefined {
    return this.#generations.get(actor.slice(0, actor.indexOf('.')))
  }

  /** Somebody was shown this: where disks cannot be watched, what reads return is watched instead. */
  isShown(key: string, state: ObjectState): void {
    this.#examine(key, state)
  }

  /** A receipt says that this write has this name. */
  isNamed(key: string, dot: Dot, write: number): void {
    const name = `${key} ${showDot(dot)}`
    const shown = this.#values.get(name)?.sibling.value
    // Each pair is reported once.
    const other = this.#said.get(name) ?? (shown && this.#history.writeOf(shown))
    this.#said.set(name, write)
    this.#note(key, dot, write)
    if (other !== undefined && other !== write) this.#reportTwo(key, dot, other, write)
  }

  /** A tab has given this write a name that no member may ever hear of: a later one of the tab's has seen that name alone. */
  isKept(dot: Dot, value: Value): void {
    const write = this.#history.writeOf(value)
    if (write !== undefined) this.#kept.set(write, [...(this.#kept.get(write) ?? []), dot])
  }

  /** The dots that a write was minted under by members, or by a tab that may have kept them to itself. */
  namesOf(write: number): readonly Dot[] {
    return [...this.dotsOf(write).values(), ...(this.#kept.get(write) ?? [])]
  }

  sees({ name, host }: Holder, storedKey: Bytes, value: Bytes | undefined): void {
    if (storedKey[0] !== objectLetter || value === undefined) return
    const content = contentOf(toBinaryText(storedKey), value)
    let writes = this.#read.get(content)
    if (writes === undefined || this.stakes.areOpen) {
      writes = this.#open(name, keyOfStored(storedKey), value)
      this.#read.set(content, writes)
    }
    for (const write of writes) {
      this.#hosts.set(write, (this.#hosts.get(write) ?? new Set()).add(host))
    }
  }

  /** What was seen before has become durable. */
  syncs({ host }: Holder, storedKey: string, value: Bytes | undefined): void {
    if (value === undefined) return
    for (const write of this.#read.get(contentOf(storedKey, value)) ?? []) {
      this.#synced.set(write, (this.#synced.get(write) ?? new Set()).add(host))
    }
  }

  #open(machine: string, key: Key, value: Bytes): number[] {
    const name = showKey(key)
    try {
      const { state } = decodeObject(key, value)
      this.stakes.sees(machine, name, state, (dot) => {
        const sibling = state.siblings.find((each) => showDot(each.dot) === showDot(dot))
        return sibling !== undefined && this.#isAnother(name, sibling)
      })
      return this.#examine(name, state)
    } catch (error) {
      const text = `a record was written that cannot be read: ${String(error)}`
      this.violations.push({ promise: 'P10', key: name, text })
      return []
    }
  }

  #examine(key: string, { siblings }: ObjectState): number[] {
    return siblings.flatMap((sibling) => {
      const dot = showDot(sibling.dot)
      const write = this.#history.writeOf(sibling.value)
      if (write === undefined) {
        this.violations.push({ promise: 'P10', key, text: `(${dot}) names what nobody wrote` })
        return []
      }
      this.#note(key, sibling.dot, write)
      this.#compare(key, sibling)
      const said = this.#said.get(`${key} ${dot}`)
      if (said !== undefined && said !== write) this.isNamed(key, sibling.dot, write)
      return [write]
    })
  }

  #note(key: string, dot: Dot, write: number): void {
    const dots = this.#dots.get(write) ?? new Map<string, Dot>()
    this.#dots.set(write, dots.set(showDot(dot), dot))
    this.#writes.set(key, (this.#writes.get(key) ?? new Set()).add(write))
  }

  #isAnother(key: string, { dot, value }: Sibling): boolean {
    const earlier = this.#values.get(`${key} ${showDot(dot)}`)
    return earlier !== undefined && !equalBytes(earlier.sibling.value.checksum, value.checksum)
  }

  /** Each pair is reported once, however many records show it. */
  #compare(key: string, sibling: Sibling): void {
    const { dot } = sibling
    const name = `${key} ${showDot(dot)}`
    const earlier = this.#values.get(name)?.sibling
    const isAnother = this.#isAnother(key, sibling)
    this.#values.set(name, { key, dot, sibling })
    if (!isAnother || earlier === undefined) return
    const [one, two] = [earlier, sibling].map(({ value }) => this.#history.writeOf(value))
    if (this.stakes.excuses(key, dot)) {
      for (const write of [one, two]) if (write !== undefined) this.excused.add(write)
      return
    }
    this.#reportTwo(key, dot, one, two)
  }

  #reportTwo(key: string, dot: Dot, one: number | undefined, two: number | undefined): void {
    const text = `(${showDot(dot)}) names two writes, w${one} and w${two}`
    this.violations.push({ promise: 'P7', key, text })
  }
}

function contentOf(storedKey: string, value: Bytes): string {
  return storedKey + toBinaryText(value.subarray(-24))
}
