/**
 * Sees every record that becomes durable on any disk, and remembers what a replica may forget.
 *
 * P7 speaks of all of time: a dot that once named one value may never name another, not even after everybody who knew
 * it has lost his disk. Reading the final states would miss that; a witness of every durable write does not.
 */
import { type Bytes, equalBytes, toBinaryText } from '../data/bytes.ts'
import { showKey } from '../data/key.ts'
import type { ObjectState, Sibling } from '../data/siblings.ts'
import type { Dot } from '../data/vector.ts'
import { decodeObject, keyOfStored, shelfRange } from '../protocol/record.ts'
import type { History } from './history.ts'
import type { Violation } from './violation.ts'

const objectLetter = shelfRange('object').from[0]

export class Witness {
  readonly violations: Violation[] = []
  readonly #history: History
  /** Records are written on three disks and more; each content is read once. */
  readonly #read = new Set<string>()
  readonly #values = new Map<string, Sibling>()
  readonly #dots = new Map<number, Map<string, Dot>>()
  readonly #writes = new Map<string, Set<number>>()

  constructor(history: History) {
    this.#history = history
  }

  /** The dots that a write was ever minted under. */
  dotsOf(write: number): ReadonlyMap<string, Dot> {
    return this.#dots.get(write) ?? new Map()
  }

  /** The writes of a key that were ever durable anywhere. */
  writesOf(key: string): ReadonlySet<number> {
    return this.#writes.get(key) ?? new Set()
  }

  /** Whether a write was ever durable anywhere. */
  exists(write: number): boolean {
    return this.#dots.has(write)
  }

  sees(storedKey: Bytes, value: Bytes | undefined): void {
    if (storedKey[0] !== objectLetter || value === undefined) return
    const content = toBinaryText(storedKey) + toBinaryText(value.subarray(-24))
    if (this.#read.has(content)) return
    this.#read.add(content)
    const key = keyOfStored(storedKey)
    try {
      this.#examine(showKey(key), decodeObject(key, value).state)
    } catch (error) {
      const text = `a record was written that cannot be read: ${String(error)}`
      this.violations.push({ promise: 'P10', key: showKey(key), text })
    }
  }

  #examine(key: string, { siblings }: ObjectState): void {
    for (const sibling of siblings) {
      const dot = `${sibling.dot.actor} ${sibling.dot.counter}`
      const write = this.#history.writeOf(sibling.value)
      if (write === undefined) {
        this.violations.push({ promise: 'P10', key, text: `(${dot}) names what nobody wrote` })
        continue
      }
      const dots = this.#dots.get(write) ?? new Map<string, Dot>()
      this.#dots.set(write, dots.set(dot, sibling.dot))
      this.#writes.set(key, (this.#writes.get(key) ?? new Set()).add(write))
      this.#compare(key, dot, sibling)
    }
  }

  /** Each pair is reported once, however many records show it. */
  #compare(key: string, dot: string, sibling: Sibling): void {
    const earlier = this.#values.get(`${key} ${dot}`)
    this.#values.set(`${key} ${dot}`, sibling)
    if (earlier === undefined) return
    if (equalBytes(earlier.value.checksum, sibling.value.checksum)) return
    const [one, two] = [earlier, sibling].map(({ value }) => this.#history.writeOf(value))
    const text = `(${dot}) names two writes, w${one} and w${two}`
    this.violations.push({ promise: 'P7', key, text })
  }
}
