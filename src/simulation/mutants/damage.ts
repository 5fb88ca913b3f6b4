/**
 * Damage: a disk that gives back something else than it was given.
 */
import type { Bytes } from '../../data/bytes.ts'
import { type ObjectState, type Sibling, stateDigest } from '../../data/siblings.ts'
import { type Codec, decode, fixed, list, mapped, optional, struct } from '../../protocol/codec.ts'
import { decodeObject, encodeObject, keyOfStored } from '../../protocol/record.ts'
import { actor, dot, seen, value } from '../../protocol/state.ts'
import type { Storage } from '../../ports.ts'
import type { Mutant } from './mutant.ts'
import { isOn, rereading } from './wrap.ts'

export const ofDamage: readonly Mutant[] = [
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
]

/** What stands in a record, whatever its checks say. */
const unchecked = struct({
  seen,
  siblings: siblingsAsTheyStand(),
  minter: optional(actor),
})

function siblingsAsTheyStand(): Codec<readonly Sibling[]> {
  const asItStands = mapped(
    struct({ value, checksum: fixed(16) }),
    (each: Sibling['value']) => ({ value: each, checksum: each.checksum }),
    (each) => each.value,
  )
  return list(struct({ dot, value: asItStands }))
}

function believeAnything(storage: Storage): Storage {
  return rereading(storage, (storedKey, value) => {
    if (!isOn('object', storedKey)) return value
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
