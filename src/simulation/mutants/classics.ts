/**
 * The first dozen: each clause that was fought for by a lost write.
 */
import { type Bytes, toBinaryText } from '../../data/bytes.ts'
import { union, withDot } from '../../data/vector.ts'
import type { Change, Random, Storage } from '../../ports.ts'
import type { Disk } from '../disk.ts'
import { seededRandom } from '../random.ts'
import type { Mutant } from './mutant.ts'
import { wrap } from './wrap.ts'

export const classics: readonly Mutant[] = [
  {
    name: 'the epoch is taken from the wire',
    clause: 'a peer mints under the epoch in its own record',
    breaks: ['P7', 'P1'],
    rules: {
      minterOf: ({ state, minter }, generation) =>
        minter ?? [...state.seen.keys()].findLast((actor) => actor.startsWith(`${generation}.`)),
      minterAfter: ({ minter }) => minter,
      mintedBehind: () => false,
    },
    faults: [
      'flipped bit',
      'flipped bit',
      'flipped bit',
      'torn batch',
      'isolated peer',
      'one-way cut',
    ],
    swarm: { members: 4, n: 3, r: 2, w: 2, keys: 2, edges: 0 },
  },
  {
    name: 'a write is acknowledged before it is synced',
    clause: 'durable first, shown after',
    breaks: ['P1', 'P7'],
    storage: acknowledgeEarly,
    faults: ['slow disk', 'crash', 'power cut', 'crash before a commit'],
  },
  {
    name: 'a marker is dropped when its target is slow',
    clause: 'a debt goes by an answer only',
    breaks: ['P1', 'P3'],
    rules: { debtAfter: () => [] },
    faults: ['partition', 'isolated peer', 'flapping link', 'wiped disk', 'wiped disk'],
  },
  {
    name: 'a repair overwrites what it finds',
    clause: 'states are synced, never replaced',
    breaks: ['P1', 'P3'],
    rules: { merge: (_held, arrived) => arrived },
  },
  {
    name: 'one host is counted twice',
    clause: 'one vote a host',
    breaks: ['P1'],
    rules: { voteOf: (peer) => ({ peer, host: peer }) },
    swarm: { sharedHost: true, members: 4, n: 3, w: 2, r: 2 },
    faults: ['partition', 'partition', 'wiped disk'],
  },
  {
    name: 'the context of a put covers all that the object has seen',
    clause: 'a put returns what its caller gave and its own dot',
    breaks: ['P1'],
    rules: { contextAfterPut: (given, dot, object) => union(withDot(given, dot), object.seen) },
  },
  {
    name: 'a queued write is served before it is durable',
    clause: 'reads see what is durable',
    breaks: ['P7', 'P1'],
    storage: readQueued,
    faults: ['slow disk'],
  },
  {
    name: 'a wiped disk takes its old generation again',
    clause: 'a new store draws a new generation',
    breaks: ['P7', 'P1'],
    random: repeatFirstBytes,
    faults: ['wiped disk', 'failed sync', 'partition'],
  },
  {
    name: 'a stand-in owes nothing',
    clause: 'what is held and not owned is owed',
    breaks: ['P3', 'P1'],
    rules: { debtOf: () => [] },
  },
  {
    name: 'of two concurrent states the longer one wins',
    clause: 'concurrent writes both survive',
    breaks: ['P1'],
    rules: { merge: (held, arrived) => (arrived.seen.size > held.seen.size ? arrived : held) },
  },
  {
    name: 'a put forgets to tell its writer of itself',
    clause: 'a put returns what its caller gave and its own dot',
    breaks: ['P2'],
    rules: { contextAfterPut: (given) => given },
  },
  {
    name: 'all members count as one host',
    clause: 'one vote a host',
    breaks: ['P5'],
    rules: { voteOf: (peer) => ({ peer, host: 'the only one' }) },
    // Nothing is ever done, and all is tried for as long as it may be: of large values that takes minutes.
    swarm: { members: 4, n: 3, r: 2, w: 2, edges: 0, largeBytes: 0 },
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
