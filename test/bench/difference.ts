/**
 * What it costs two owners to find out how they differ: messages, bytes and time of one exchange of anti-entropy.
 *
 * Both hold the same many keys but for a few. The bytes are those of the messages themselves, both ways; the disks are
 * those that the caller opens, so that the time can be that of real ones.
 */
import { memoryNetwork } from '../../src/adapters/memory-transport.ts'
import { utf8 } from '../../src/data/bytes.ts'
import { type Key, makeKey } from '../../src/data/key.ts'
import { apply, makeValue } from '../../src/data/siblings.ts'
import { nothingSeen } from '../../src/data/vector.ts'
import { AntiEntropy } from '../../src/peer/anti-entropy.ts'
import type { Member } from '../../src/peer/member.ts'
import { limits as defaults } from '../../src/protocol/limits.ts'
import type { RingIdentity } from '../../src/protocol/membership.ts'
import type { Storage, Transport } from '../../src/ports.ts'
import { startInProcess, until } from './in-process.ts'

export interface Cost {
  readonly requests: number
  readonly bytes: number
  readonly ms: number
  /** How many keys were found to differ. */
  readonly differed: number
}

export interface DifferenceCost {
  /** Of two that hold the same. */
  readonly equal: Cost
  /** Of two that differ in a few keys. */
  readonly differing: Cost
  /** Of the exchange after that: what differed is alike now. */
  readonly after: Cost
}

export interface DifferenceOptions {
  readonly keys: number
  readonly differences: number
  /** Partitions of the ring. */
  readonly q: number
  /** Opens the disk of the first and of the second owner. */
  open(index: number): Promise<Storage>
}

/** A generation, as an edge's writes have one. */
const actor = 'AAAAAAAAAAAAAAAA.1'
/** Writes handed to a disk at once. */
const atOnce = 500
/** None of the exchanges that a member begins by itself. */
const limits = { ...defaults, antiEntropyMs: 2 ** 40, handoffMs: 2 ** 40 }

export async function measureDifference(options: DifferenceOptions): Promise<DifferenceCost> {
  const { keys, differences, q } = options
  const ring: RingIdentity = { name: 'two', id: 'A'.repeat(22), n: 2, q, durableOwners: 2 }
  const network = memoryNetwork(limits)
  const owners: Member[] = []
  await using open = new AsyncDisposableStack()
  for (const index of [0, 1]) {
    const storage = await options.open(index)
    open.defer(() => storage.close())
    const others = owners
    const { member } = await startInProcess({ ring, network, storage, index, others, limits })
    open.defer(() => member.close())
    owners.push(member)
  }
  await until(() => owners.every(({ view }) => view.members.length === owners.length))
  const [one, other] = owners as [Member, Member]
  const all = Array.from({ length: keys }, (_, i) => makeKey('bench', `key ${i}`))
  for (const owner of owners) await write(owner, all)
  // The first fold reads the whole store, once in a process's life.
  await exchange(one, other)
  const equal = await exchange(one, other)
  // Keys that stand far apart, as keys do.
  await write(one, all.slice(0, differences), 2)
  return { equal, differing: await exchange(one, other), after: await exchange(one, other) }
}

async function write({ records }: Member, keys: readonly Key[], counter = 1): Promise<void> {
  for (let at = 0; at < keys.length; at += atOnce) {
    await Promise.all(
      keys.slice(at, at + atOnce).map((key) =>
        records.change(key, ({ object }) => {
          const value = makeValue(utf8(`a value of ${key.text}, ${counter}`), counter)
          return {
            result: true,
            state: apply(object.state, { actor, counter }, nothingSeen, value),
          }
        }),
      ),
    )
  }
}

async function exchange(one: Member, other: Member): Promise<Cost> {
  const { transport } = one.world
  let [requests, bytes] = [0, 0]
  const counting = new Proxy(transport, {
    get: (target, name) => {
      if (name !== 'request') {
        const part: unknown = Reflect.get(target, name)
        return typeof part === 'function' ? part.bind(target) : part
      }
      return async (...asked: Parameters<Transport['request']>) => {
        const reply = await target.request(...asked)
        requests += 1
        bytes += asked[1].length + reply.length
        return reply
      }
    },
  })
  const world = { ...one.world, transport: counting }
  const startMs = performance.now()
  const differed = await new AntiEntropy(world, one.records).exchangeWith(other.id)
  return { requests, bytes, ms: performance.now() - startMs, differed }
}
