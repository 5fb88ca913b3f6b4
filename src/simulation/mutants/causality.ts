/**
 * Causality and names: what a write covers, what survives a merge, and under which name it is minted.
 */
import { type Bytes, equalBytes } from '../../data/bytes.ts'
import {
  apply,
  compareSiblings,
  makeValue,
  type ObjectState,
  type Sibling,
  stateDigest,
  sync,
} from '../../data/siblings.ts'
import { type Entry, nothingSeen, type Seen, union, withDot } from '../../data/vector.ts'
import {
  bytes,
  type Codec,
  decode,
  encode,
  fixed,
  list,
  mapped,
  optional,
  struct,
  varint,
} from '../../protocol/codec.ts'
import {
  decodeObject,
  encodeObject,
  keyOfStored,
  shelfRange,
  storageKeys,
  storeIdentity,
} from '../../protocol/record.ts'
import { actor, dot, seen } from '../../protocol/state.ts'
import type { Storage } from '../../ports.ts'
import type { Mutant } from './mutant.ts'
import { rereading, rewriting } from './wrap.ts'

export const ofCausality: readonly Mutant[] = [
  {
    name: 'a merge keeps a sibling that the other side has superseded',
    clause: 'a sibling survives if the side without it has not seen its dot',
    seed: 1,
    breaks: ['P2'],
    rules: { merge: keepAll },
  },
  {
    name: 'of two concurrent values the later clock wins',
    clause: 'concurrent writes both survive',
    seed: 1,
    breaks: ['P1'],
    rules: { merge: (held, arrived) => latest(sync(held, arrived)) },
  },
  {
    name: 'a merge keeps only the siblings that it held',
    clause: 'a sibling survives if the side without it has not seen its dot',
    breaks: ['P1'],
    rules: { merge: (held, arrived) => ({ ...held, seen: union(held.seen, arrived.seen) }) },
  },
  {
    name: 'a context is clipped of its loose dots',
    clause: 'a context is a vector and loose dots',
    breaks: ['P2'],
    rules: { contextAfterPut: (given, own) => clipped(withDot(given, own)) },
  },
  {
    name: 'a gap in a context is closed by raising the vector',
    clause: 'no gap is closed by raising the vector',
    breaks: ['P1'],
    rules: { contextAfterPut: (given, own) => raised(withDot(given, own)) },
  },
  {
    name: 'a delete leaves no tombstone',
    clause: 'a delete is a write like any other',
    breaks: ['P1'],
    rules: { apply: withoutTombstone },
  },
  {
    name: 'a write supersedes all that it meets',
    clause: 'a write supersedes what its context covers',
    breaks: ['P1'],
    rules: {
      apply: (held, own, context, value) => apply(held, own, union(context, held.seen), value),
    },
  },
  {
    name: 'a write supersedes nothing',
    clause: 'a write supersedes what its context covers',
    breaks: ['P2'],
    rules: { apply: (held, own, _context, value) => apply(held, own, nothingSeen, value) },
  },
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
    faults: [
      'set-back disk',
      'set-back disk',
      'set-back disk',
      'set-back disk',
      'set-back disk',
      'set-back disk',
      'partition',
      'isolated peer',
    ],
    swarm: { members: 5, n: 3, r: 2, w: 2, keys: 2, edges: 0 },
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
    name: 'a damaged record is believed',
    clause: 'a record that fails its check is quarantined',
    breaks: ['P10', 'P1', 'P7', 'P2'],
    storage: believeAnything,
    faults: ['flipped bit', 'flipped bit', 'flipped bit', 'torn batch', 'torn batch', 'torn batch'],
  },
  {
    name: 'a damaged record is never looked for',
    clause: 'every so often a comparison is salted',
    breaks: ['P3'],
    rules: { isSalted: () => false },
    faults: ['flipped bit', 'flipped bit', 'flipped bit', 'flipped bit'],
    swarm: { keys: 24, hotness: 0.8 },
  },
  {
    name: 'a retried request mints again',
    clause: 'request ids stand beside the record',
    breaks: ['P2'],
    storage: (storage) =>
      rereading(storage, (key, value) => (isOf('request', key) ? undefined : value)),
    faults: ['duplication', 'duplication', 'delay tails', 'slow peer'],
  },
]

function isOf(shelf: 'object' | 'request', storedKey: Bytes): boolean {
  return storedKey[0] === shelfRange(shelf).from[0]
}

function keepAll(held: ObjectState, arrived: ObjectState): ObjectState {
  const siblings = [...held.siblings]
  for (const one of arrived.siblings) {
    if (!siblings.some((other) => compareSiblings(one, other) === 0)) siblings.push(one)
  }
  return { seen: union(held.seen, arrived.seen), siblings: siblings.sort(compareSiblings) }
}

function latest(state: ObjectState): ObjectState {
  const time = Math.max(...state.siblings.map(({ value }) => value.writtenAt))
  return { ...state, siblings: state.siblings.filter(({ value }) => value.writtenAt === time) }
}

function clipped(context: Seen): Seen {
  const kept = [...context].filter(([, { upTo }]) => upTo > 0)
  return new Map(kept.map(([id, { upTo }]): [string, Entry] => [id, { upTo, loose: [] }]))
}

function raised(context: Seen): Seen {
  return new Map(
    [...context].map(([id, { upTo, loose }]): [string, Entry] => [
      id,
      { upTo: loose.at(-1) ?? upTo, loose: [] },
    ]),
  )
}

function withoutTombstone(...[held, own, context, value]: Parameters<typeof apply>): ObjectState {
  const after = apply(held, own, context, value)
  return { ...after, siblings: after.siblings.filter((each) => each.value.bytes !== undefined) }
}

function forgetEpochs(storage: Storage): Storage {
  return rewriting(storage, (write) => {
    if (write.value === undefined || !equalBytes(write.key, storageKeys.identity)) return [write]
    const identity = decode(storeIdentity, write.value)
    return [{ ...write, value: encode(storeIdentity, { ...identity, epoch: 0 }) }]
  })
}

/** What stands in a record, whatever its checks say. */
const unchecked = struct({
  seen,
  siblings: siblingsAsTheyStand(),
  minter: optional(actor),
})

function siblingsAsTheyStand(): Codec<readonly Sibling[]> {
  const value = mapped(
    struct({ bytes: optional(bytes), writtenAt: varint, checksum: fixed(16) }),
    (each: Sibling['value']) => each,
    (each) => makeValue(each.bytes, each.writtenAt),
  )
  return list(struct({ dot, value }))
}

function believeAnything(storage: Storage): Storage {
  return rereading(storage, (storedKey, value) => {
    if (!isOf('object', storedKey)) return value
    const key = keyOfStored(storedKey)
    try {
      decodeObject(key, value)
      return value
    } catch {
      return believed(value, (state) => stateDigest(key.bytes, state))
    }
  })
}

function believed(value: Bytes, digestOf: (state: ObjectState) => Bytes): Bytes {
  try {
    const { minter, ...state } = decode(unchecked, value)
    return encodeObject({ state, minter, digest: digestOf(state) })
  } catch {
    return value
  }
}
