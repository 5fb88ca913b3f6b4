/**
 * Names: under whom a write is minted, and how a peer finds out that its disk is not what it was.
 */
import { type Bytes, equalBytes, toBinaryText } from '../../data/bytes.ts'
import { emptyState, stateDigest } from '../../data/siblings.ts'
import type { ActorId } from '../../data/vector.ts'
import { decode, encode } from '../../protocol/codec.ts'
import { encodeObject, keyOfStored, storageKeys, storeIdentity } from '../../protocol/record.ts'
import type { Change, Storage } from '../../ports.ts'
import type { Disk } from '../disk.ts'
import type { Mutant } from './mutant.ts'
import { isOn, minterIn, rereading, rewriting, wrap } from './wrap.ts'

const setBack = [
  'set-back disk',
  'set-back disk',
  'set-back disk',
  'set-back disk',
  'set-back disk',
  'set-back disk',
  'partition',
  'isolated peer',
] as const

const hotRing = { members: 5, n: 3, r: 2, w: 2, keys: 2, edges: 0 } as const

export const ofNames: readonly Mutant[] = [
  {
    name: 'an epoch that others have seen is handed out again',
    clause: 'an epoch that is handed out is new to the key',
    breaks: ['P10', 'P7'],
    rules: { isFresh: () => true },
    faults: ['set-back disk', 'set-back disk', 'set-back disk', 'set-back disk', 'isolated peer'],
  },
  {
    name: 'a disk that was set back counts on',
    clause: 'an epoch that another disk knows better is abandoned',
    breaks: ['P7'],
    rules: {
      minterOf: ({ minter }) => minter,
      minterAfter: ({ minter }) => minter,
      mintedBehind: () => false,
    },
    faults: setBack,
    swarm: hotRing,
  },
  {
    name: 'a state that shows more of an epoch than its minter knows is merged, and the epoch kept',
    clause: 'an epoch that an inbound state knows better is abandoned',
    breaks: ['P7'],
    rules: { minterAfter: ({ minter }) => minter },
    faults: setBack,
    swarm: hotRing,
  },
  {
    name: 'a copy of a store goes on under its generation',
    clause: 'a store on another medium than it was made on takes a new generation',
    breaks: ['P7', 'P1'],
    storage: (storage) => wrap(storage, { medium: 'the only one' }),
    faults: ['cloned folder', 'cloned folder', 'isolated peer'],
    swarm: hotRing,
  },
  {
    name: 'two of one name live on',
    clause: 'of two that live under one name the younger makes way',
    breaks: ['P9'],
    memberRules: { makesWay: () => false },
    faults: ['cloned folder', 'cloned folder', 'clock skew'],
    swarm: hotRing,
  },
  {
    name: 'the counter of epochs is not stored',
    clause: 'an epoch is taken in the same durable step',
    breaks: ['P7', 'P10'],
    storage: forgetEpochs,
    faults: [
      'flipped bit',
      'flipped bit',
      'flipped bit',
      'flipped bit',
      'torn batch',
      'torn batch',
      'torn batch',
      'isolated peer',
    ],
    swarm: { members: 4, keys: 2 },
  },
  {
    name: 'a record that is dropped leaves its epoch behind',
    clause: 'whoever drops a record abandons its epoch',
    breaks: ['P7'],
    storage: keepEpochs,
    faults: ['partition', 'partition', 'isolated peer', 'crash', 'crash', 'flapping link'],
    swarm: { members: 5, n: 2, r: 1, w: 2, keys: 2, edges: 0 },
  },
  {
    name: 'a change does not see what is queued before it',
    clause: 'minting reads the local state, queued writes included',
    breaks: ['P7'],
    storage: ignoreQueue,
    faults: ['slow disk'],
  },
  {
    name: 'a retried request mints again',
    clause: 'request ids stand beside the record',
    breaks: ['P2'],
    storage: (storage) =>
      rereading(storage, (key, value) => (isOn('request', key) ? undefined : value)),
    faults: ['duplication', 'duplication', 'delay tails', 'slow peer'],
  },
]

function forgetEpochs(storage: Storage): Storage {
  return rewriting(storage, (write) => {
    if (write.value === undefined || !equalBytes(write.key, storageKeys.identity)) return [write]
    const identity = decode(storeIdentity, write.value)
    return [{ ...write, value: encode(storeIdentity, { ...identity, epoch: 0 }) }]
  })
}

/** Where a record was dropped, an empty one is found, under the epoch of the one before. */
function keepEpochs(storage: Storage): Storage {
  const left = new Map<string, ActorId>()
  const found = (key: Bytes, value: Bytes | undefined): Bytes | undefined => {
    const minter = left.get(toBinaryText(key))
    if (value !== undefined || minter === undefined) return value
    const digest = stateDigest(keyOfStored(key).bytes, emptyState)
    return encodeObject({ state: emptyState, minter, digest })
  }
  const note = (key: Bytes, value: Bytes | undefined): void => {
    const minter = minterIn(key, value)
    if (minter !== undefined) left.set(toBinaryText(key), minter)
  }
  return wrap(storage, {
    update: (keys, change, durability) =>
      storage.update(
        keys,
        (current) => {
          for (const [i, value] of current.entries()) note(keys[i]!, value)
          return change(current.map((value, i) => found(keys[i]!, value)))
        },
        durability,
      ),
  })
}

/** A disk that is asked at the moment of the change, not what is on its way to it. */
function ignoreQueue(storage: Storage, disk: Disk): Storage {
  return wrap(storage, {
    update: <T>(keys: readonly Bytes[], change: Change<T>, durability?: 'synced' | 'buffered') =>
      storage.update(
        keys,
        () => change(keys.map((key) => disk.read(toBinaryText(key)))),
        durability,
      ),
  })
}
