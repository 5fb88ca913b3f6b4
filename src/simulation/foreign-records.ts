/**
 * What members keep for others, held against the room that they have for it.
 *
 * Two things can be wrong with a bound. It is none, if more stands on a disk (P9); and it is an excuse, if a member calls
 * its room full while there is some left (P5): so each refusal is checked on the disk in the moment in which it is made,
 * queued writes included. Who refused what is kept, for a put is promised only to those who could find W members with room.
 */
import { type Bytes, toBinaryText } from '../data/bytes.ts'
import type { PeerEvent } from '../protocol/event.ts'
import { shelfRange, storageKeys } from '../protocol/record.ts'
import { keyAtRest } from './at-rest.ts'
import type { Disk } from './disk.ts'
import type { Violation } from './violation.ts'

const objectLetter = shelfRange('object').from[0]
const markers = shelfRange('marker')

/** What was decided before a store was counted may be written so long after it: on the slowest of disks. */
const lateMs = 15_000

/** A machine, as far as it matters here. */
interface Keeper {
  readonly name: string
  readonly disk: Disk
}

interface Refused {
  readonly machine: string
  readonly key: string
  readonly atMs: number
}

export class ForeignRecords {
  readonly violations: Violation[] = []
  readonly #limitOf: (machine: string) => number
  readonly #nowMs: () => number
  readonly #refused: Refused[] = []
  /** Since when a machine's present process knows how much it keeps for others. */
  readonly #countedMs = new Map<string, number>()

  /** `limitOf`: how much room each machine has. */
  constructor(limitOf: (machine: string) => number, nowMs: () => number) {
    this.#limitOf = limitOf
    this.#nowMs = nowMs
  }

  /** How often a member had no room. */
  get count(): number {
    return this.#refused.length
  }

  starts(machine: string): void {
    this.#countedMs.delete(machine)
  }

  hear({ name, disk }: Keeper, { type, key = '', result, detail = '' }: PeerEvent): void {
    if (type === 'hint-space' && result === 'counted' && !this.#countedMs.has(name))
      this.#countedMs.set(name, this.#nowMs())
    if (type !== 'hint-refused') return
    this.#refused.push({ machine: name, key, atMs: this.#nowMs() })
    const more = Number.parseInt(detail)
    const kept = this.#weigh(disk.newestKeys(markers.from, markers.to), (place) => {
      return disk.newest(place)
    })
    const limitBytes = this.#limitOf(name)
    if (kept + more > limitBytes) return
    const text = `${name} has no room for ${more} bytes more, and keeps ${kept} of ${limitBytes} for others`
    this.violations.push({ promise: 'P5', key, text })
  }

  /** A record became durable. */
  sees({ name, disk }: Keeper, storedKey: Bytes, value: Bytes | undefined, before?: Bytes): void {
    const limitBytes = this.#limitOf(name)
    if (limitBytes === Number.MAX_SAFE_INTEGER || storedKey[0] !== objectLetter) return
    const hasGrown = (value?.length ?? 0) > (before?.length ?? 0)
    const countedMs = this.#countedMs.get(name) ?? Infinity
    if (!hasGrown || this.#nowMs() < countedMs + lateMs) return
    const key = keyAtRest(storedKey)
    if (disk.read(toBinaryText(storageKeys.marker(key))) === undefined) return
    const kept = this.#weigh(
      disk.entries(markers.from, markers.to).map((entry) => toBinaryText(entry.key)),
      (place) => disk.read(place),
    )
    if (kept <= limitBytes) return
    const text = `${name} keeps ${kept} bytes for others, and has room for ${limitBytes}`
    this.violations.push({ promise: 'P9', key: '', text })
  }

  /** Whether a member said in this span of time that it had no room for what it was to keep of this key. */
  hadNoRoom(machine: string, key: string, fromMs: number, toMs: number): boolean {
    return this.#refused.some((each) => {
      const { atMs } = each
      return each.machine === machine && each.key === key && atMs >= fromMs && atMs <= toMs
    })
  }

  /** What the records of these markers weigh. */
  #weigh(places: readonly string[], read: (place: string) => Bytes | undefined): number {
    return places.reduce((sum, marker) => {
      const object = String.fromCharCode(objectLetter!) + marker.slice(1)
      const value = read(object)
      return value === undefined ? sum : sum + object.length + value.length
    }, 0)
  }
}
