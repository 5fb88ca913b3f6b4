/**
 * How fast a member pays what it owes: from its start on a store full of markers until none is left.
 *
 * It stood in for owners while these were away, for so many keys, and was stopped then. So it must first derive anew whom
 * it owes what, in the view of now, and then hand every key to all of its owners, who have none of them.
 */
import { memoryNetwork } from '../../src/adapters/memory-transport.ts'
import { utf8 } from '../../src/data/bytes.ts'
import { type Key, makeKey } from '../../src/data/key.ts'
import { apply, makeValue } from '../../src/data/siblings.ts'
import { nothingSeen } from '../../src/data/vector.ts'
import type { Member } from '../../src/peer/member.ts'
import { limits as defaults, type Limits } from '../../src/protocol/limits.ts'
import type { RingIdentity } from '../../src/protocol/membership.ts'
import { placementOf } from '../../src/protocol/placement.ts'
import type { Storage, Trace } from '../../src/ports.ts'
import { startInProcess, until } from './in-process.ts'

export interface OwingOptions {
  /** Keys that are owed, each to three owners. */
  readonly markers: number
  readonly valueBytes: number
  /** Opens the disk of this member, again after it was closed. */
  open(index: number): Promise<Storage>
}

export interface OwingCost {
  readonly markers: number
  /** From the start of the member to its last marker. */
  readonly seconds: number
  readonly markersPerSecond: number
  /** What the process held at most meanwhile beyond what it held before. */
  readonly heapBytes: number
}

const ring: RingIdentity = { name: 'four', id: 'A'.repeat(22), n: 3, q: 64, durableOwners: 3 }
const count = 4
const holder = count - 1
const actor = 'AAAAAAAAAAAAAAAA.1'
const atOnce = 500

export async function measureOwing(options: OwingOptions): Promise<OwingCost> {
  // Nothing but the debt is paid: owners have nothing to tell each other.
  const quiet = { ...defaults, antiEntropyMs: 2 ** 40 }
  const patient = { ...quiet, handoffMs: 2 ** 40 }
  const network = memoryNetwork(quiet)
  await using open = new AsyncDisposableStack()
  const start = async (index: number, limits: Limits) => {
    const storage = await options.open(index)
    const trace: Trace = ({ type }) => {
      if (type === 'hint-dropped') dropped++
    }
    const others = members
    const { member, transport } = await startInProcess({
      ring,
      network,
      storage,
      index,
      others,
      limits,
      trace,
    })
    const close = async (): Promise<void> => {
      await member.close()
      await transport.close()
      await storage.close()
    }
    open.defer(close)
    return { member, close }
  }
  const members: Member[] = []
  let dropped = 0
  for (let i = 0; i < holder; i++) members.push((await start(i, patient)).member)
  const before = await start(holder, patient)
  await until(() => [...members, before.member].every(({ view }) => view.members.length === count))
  const keys = foreignKeys(before.member, options.markers)
  // Its first round, of a store that is empty, must be over: it would pay what comes while it goes on.
  await until(() => before.member.records.foreign.isCounted)
  await fill(before.member, keys, options.valueBytes)
  const owed = await before.member.hints()
  if (owed < keys.length) throw new Error(`${keys.length - owed} keys were paid before it stopped`)
  await before.close()
  const heapBefore = process.memoryUsage().heapUsed
  const startedMs = performance.now()
  const { member } = await start(holder, quiet)
  let most = heapBefore
  await until(async () => {
    most = Math.max(most, process.memoryUsage().heapUsed)
    return dropped >= keys.length && (await member.hints()) === 0
  })
  const seconds = (performance.now() - startedMs) / 1000
  await allThere(members, keys)
  return {
    markers: keys.length,
    seconds,
    markersPerSecond: keys.length / seconds,
    heapBytes: most - heapBefore,
  }
}

export function showOwing({ markers, seconds, markersPerSecond, heapBytes }: OwingCost): string {
  return (
    `A member that was stopped with ${markers} keys to hand to three owners each has paid ${seconds.toFixed(0)} s after ` +
    `its start: ${markersPerSecond.toFixed(0)} keys a second, with ${(heapBytes / 2 ** 20).toFixed(0)} MiB of heap more.`
  )
}

function foreignKeys({ id, view }: Member, many: number): Key[] {
  const keys: Key[] = []
  for (let i = 0; keys.length < many; i++) {
    const key = makeKey('bench', `key ${i}`)
    if (!placementOf(view.ring, key.position).owners.includes(id)) keys.push(key)
  }
  return keys
}

async function fill({ records, view }: Member, keys: readonly Key[], length: number) {
  for (let at = 0; at < keys.length; at += atOnce) {
    await Promise.all(
      keys.slice(at, at + atOnce).map((key) => {
        const value = makeValue(utf8(key.text.padEnd(length)), 1)
        const owed = placementOf(view.ring, key.position).owners
        return records.change(key, ({ object }) => {
          const state = apply(object.state, { actor, counter: 1 }, nothingSeen, value)
          return { result: undefined, state, owed }
        })
      }),
    )
  }
}

async function allThere(members: readonly Member[], keys: readonly Key[]): Promise<void> {
  for (const { id, records, view } of members) {
    const owned = keys.filter((key) => placementOf(view.ring, key.position).owners.includes(id))
    for (let at = 0; at < owned.length; at += atOnce) {
      const read = await Promise.all(owned.slice(at, at + atOnce).map((key) => records.read(key)))
      const lacking = read.filter(({ state }) => state.siblings.length !== 1).length
      if (lacking > 0) throw new Error(`${lacking} keys were dropped and are not at ${id}`)
    }
  }
}
