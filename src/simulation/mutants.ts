/**
 * Deliberately broken builds, one broken rule each: the proof that the checker would notice.
 *
 * A checker that never cries may be blind. Each mutant replaces one decision of the core, or one thing that a port
 * promises, and names the promise that breaks; the tests show a seed for each in which the checker sees it.
 */
import { type Bytes, toBinaryText } from '../data/bytes.ts'
import { union, withDot } from '../data/vector.ts'
import type { Change, Random, Storage } from '../ports.ts'
import type { BrokenBuild } from './cluster.ts'
import type { Disk } from './disk.ts'
import type { FaultKind } from './faults.ts'
import { seededRandom } from './random.ts'
import type { Promised } from './violation.ts'

export interface Mutant extends BrokenBuild {
  readonly name: string
  /** A seed in which it was caught. */
  readonly seed: number
  /** The promises that it breaks: the checker must report one of these. */
  readonly breaks: readonly Promised[]
  /** The faults that bring it out; by default each seed's own choice. */
  readonly faults?: readonly FaultKind[]
  readonly sharedHost?: boolean
  readonly members?: number
}

export const mutants: readonly Mutant[] = [
  {
    name: 'the epoch is taken from the wire',
    seed: 8,
    breaks: ['P7', 'P1'],
    rules: {
      minterOf: ({ state, minter }, generation) =>
        minter ?? [...state.seen.keys()].findLast((actor) => actor.startsWith(`${generation}.`)),
      minterAfter: ({ minter }) => minter,
      mintedBehind: () => false,
    },
    faults: ['flipped bit', 'flipped bit', 'isolated peer', 'loss'],
  },
  {
    name: 'a write is acknowledged before it is synced',
    seed: 45,
    breaks: ['P1', 'P7'],
    storage: acknowledgeEarly,
    faults: ['slow disk', 'crash', 'power cut', 'crash before a commit'],
  },
  {
    name: 'a marker is dropped when its target is slow',
    seed: 36,
    breaks: ['P1', 'P3'],
    rules: { debtAfter: () => [] },
    faults: ['partition', 'isolated peer', 'flapping link', 'wiped disk', 'wiped disk'],
  },
  {
    name: 'a repair overwrites what it finds',
    seed: 1,
    breaks: ['P1', 'P3'],
    rules: { merge: (_held, arrived) => arrived },
  },
  {
    name: 'one host is counted twice',
    seed: 5,
    breaks: ['P1'],
    rules: { voteOf: (peer) => ({ peer, host: peer }) },
    sharedHost: true,
    members: 4,
    faults: ['partition', 'partition', 'wiped disk'],
  },
  {
    name: 'the context of a put covers all that the object has seen',
    seed: 1,
    breaks: ['P1'],
    rules: { contextAfterPut: (given, dot, object) => union(withDot(given, dot), object.seen) },
  },
  {
    name: 'a queued write is served before it is durable',
    seed: 1,
    breaks: ['P7', 'P1'],
    storage: readQueued,
    faults: ['slow disk'],
  },
  {
    name: 'a wiped disk takes its old generation again',
    seed: 8,
    breaks: ['P7', 'P1'],
    random: repeatFirstBytes,
    faults: ['wiped disk', 'failed sync', 'partition'],
  },
  {
    name: 'a stand-in owes nothing',
    seed: 1,
    breaks: ['P3', 'P1'],
    rules: { debtOf: () => [] },
  },
  {
    name: 'of two concurrent states the longer one wins',
    seed: 1,
    breaks: ['P1'],
    rules: { merge: (held, arrived) => (arrived.seen.size > held.seen.size ? arrived : held) },
  },
  {
    name: 'a put forgets to tell its writer of itself',
    seed: 1,
    breaks: ['P2'],
    rules: { contextAfterPut: (given) => given },
  },
  {
    name: 'all members count as one host',
    seed: 1,
    breaks: ['P5'],
    rules: { voteOf: (peer) => ({ peer, host: 'the only one' }) },
  },
]

/** Resolves as soon as the change is decided; the disk takes its time, or loses it. */
function acknowledgeEarly(storage: Storage): Storage {
  return wrap(storage, {
    async update<T>(keys: readonly Bytes[], change: Change<T>): Promise<T> {
      let decided: { result: T } | undefined
      const durable = storage.update(keys, (current) => {
        const changed = change(current)
        decided = changed
        return changed
      })
      if (decided === undefined) return durable
      durable.catch(() => {})
      return decided.result
    },
  })
}

function readQueued(storage: Storage, disk: Disk): Storage {
  return wrap(storage, {
    get: (key) => Promise.resolve(disk.newest(toBinaryText(key))),
    getMany: (keys) => Promise.resolve(keys.map((key) => disk.newest(toBinaryText(key)))),
  })
}

function wrap(storage: Storage, changed: Partial<Storage>): Storage {
  return {
    get: (key) => storage.get(key),
    getMany: (keys) => storage.getMany(keys),
    range: (from, to, limit) => storage.range(from, to, limit),
    update: (keys, change, durability) => storage.update(keys, change, durability),
    usage: () => storage.usage(),
    close: () => storage.close(),
    ...changed,
  }
}

/** A store draws its generation first of all. */
function repeatFirstBytes(random: Random, machine: string): Random {
  let drawn = false
  return {
    fraction: () => random.fraction(),
    bytes(length) {
      if (drawn) return random.bytes(length)
      drawn = true
      return seededRandom(`the first bytes of ${machine}`).bytes(length)
    },
  }
}
