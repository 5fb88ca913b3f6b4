/**
 * An operator's last word: of a peer that was told all that anybody can still tell it, that it counts as whole.
 *
 * Where most owners of a partition have lost their disks or the same record, those who are left are too few to vouch for
 * it, and strict requests fail until somebody who knows that no better disk will come back says so. It is said only where
 * the rules themselves can come to no end, and the checker is told when: strict reads may miss what was acknowledged before.
 * A peer that has no need of it and is not ready in time breaks a promise.
 */
import type { RingStatus } from '../../node/control-status.ts'
import { makeKey, partitionOf } from '../../src/data/key.ts'
import type { Field } from './field.ts'
import type { Machine } from './machine.ts'
import { bucket } from './words.ts'

const lookEveryMs = 2000

/** What a peer says of itself. */
export interface Said {
  readonly machine: Machine
  readonly hints: number | null
  /** It has lost a disk, and was not told yet what was on it. */
  readonly refilling: boolean
  /** The keys whose records it found damaged, by `bucket/path`. */
  readonly doubted: ReadonlySet<string>
}

/** What each of the peers says; rejects if one says nothing. */
export function askAll(machines: readonly Machine[]): Promise<Said[]> {
  return Promise.all(machines.map(ask))
}

/** Of those that answer. */
export async function askSome(machines: readonly Machine[]): Promise<Said[]> {
  const said = await Promise.all(machines.map((each) => ask(each).catch(() => undefined)))
  return said.filter((each) => each !== undefined)
}

async function ask(machine: Machine): Promise<Said> {
  const { body } = await machine.ask({ path: '/status', options: {} })
  const { members, doubted } = body as RingStatus
  const own = members.find(({ id }) => id === machine.peer)!
  const refilling = own.readiness === 'refilling'
  return { machine, hints: own.hints, refilling, doubted: new Set(doubted) }
}

/** Who of them counts for no strict request yet, of all keys or of some. */
export function notReady(said: readonly Said[]): { key: string; text: string }[] {
  return said.flatMap(({ machine: { name }, refilling, doubted }) => [
    ...(refilling ? [{ key: '', text: `${name} is not ready` }] : []),
    ...[...doubted].map((key) => ({ key, text: `${name} is in doubt of its record` })),
  ])
}

/** Looks at the ring now and then. */
export class Trusting {
  readonly #field: Field
  readonly #words: { readonly machine: Machine; readonly atMs: number }[] = []
  #suspected: Machine | undefined
  #timer: NodeJS.Timeout | undefined

  constructor(field: Field) {
    this.#field = field
  }

  start(): void {
    this.#timer = setTimeout(() => void this.#look().finally(() => this.start()), lookEveryMs)
  }

  stop(): void {
    clearTimeout(this.#timer)
  }

  /** Whether such a word may have hidden what was acknowledged at one time from who asked until another. */
  hasVoided(owners: readonly string[], acknowledgedMs: number, askedMs: number): boolean {
    return this.#words.some(({ machine, atMs }) => {
      return owners.includes(machine.peer) && acknowledgedMs <= atMs && atMs <= askedMs
    })
  }

  /** What is hopeless twice in a row does not mend itself. */
  async #look(): Promise<void> {
    const { members, story } = this.#field
    const said = await askSome(members)
    const hopeless = said.filter((each) => isHopeless(this.#field, said, each))
    const one = hopeless.find(({ machine }) => machine === this.#suspected) ?? hopeless[0]
    const isSure = one !== undefined && one.machine === this.#suspected
    this.#suspected = one?.machine
    if (!isSure) return
    this.#suspected = undefined
    this.#words.push({ machine: one.machine, atMs: story.nowMs })
    story.tell(`the operator trusts ${one.machine.name}`)
    await one.machine.ask({ path: '/trust', options: { method: 'POST' } }).catch(() => {})
  }
}

function isHopeless({ ring, settings }: Field, said: readonly Said[], one: Said): boolean {
  const { n, q } = settings
  const isShort = (partition: number, key?: string): boolean => {
    const owners = ring.ownersOf(partition)
    if (!owners.includes(one.machine.peer)) return false
    // Who says nothing may be whole.
    const lacking = said.filter(({ machine, refilling, doubted }) => {
      const lacks = refilling || (key !== undefined && doubted.has(key))
      return machine !== one.machine && owners.includes(machine.peer) && lacks
    })
    return owners.length - 1 - lacking.length < n - Math.floor(n / 2)
  }
  const ofKey = [...one.doubted].some((text) => {
    const key = makeKey(bucket, text.slice(bucket.length + 1))
    return isShort(partitionOf(key.position, q), text)
  })
  return ofKey || (one.refilling && Array.from({ length: q }).some((_, each) => isShort(each)))
}
