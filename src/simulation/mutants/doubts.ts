/**
 * Doubts: what becomes of a record that was found damaged, once it is said that it was.
 */
import { decodeObject, keyOfStored } from '../../protocol/record.ts'
import type { Bytes } from '../../data/bytes.ts'
import type { Storage } from '../../ports.ts'
import type { Mutant } from './mutant.ts'
import { isOn, wrap } from './wrap.ts'

export const ofDoubts: readonly Mutant[] = [
  {
    name: 'a damaged record does not give way to the doubt about it',
    clause: 'a doubt takes the place of a record that is damaged',
    breaks: ['P3', 'P4', 'P5'],
    storage: keepDamaged,
    faults: ['flipped bit', 'flipped bit', 'flipped bit', 'torn batch', 'torn batch'],
    swarm: { strictness: 0.6 },
  },
  {
    name: 'what has come in the place of a damaged record gives way as well',
    clause: 'a doubt takes the place of a record that is damaged',
    breaks: ['P1', 'P7'],
    memberRules: { givesWay: () => true },
    faults: ['flipped bit', 'flipped bit', 'flipped bit', 'partition', 'isolated peer'],
    swarm: { keys: 2, hotness: 0.8, pauseMs: 300, n: 3, r: 2, w: 2, members: 4 },
  },
]

function keepDamaged(storage: Storage): Storage {
  return wrap(storage, {
    update: (keys, decide, durability) =>
      storage.update(
        keys,
        (current) => {
          const { writes, result } = decide(current)
          const isKept = (key: Bytes): boolean => {
            const at = keys.findIndex((each) => each.join() === key.join())
            return at >= 0 && isDamaged(key, current[at])
          }
          return {
            writes: writes.filter(({ key, value }) => value !== undefined || !isKept(key)),
            result,
          }
        },
        durability,
      ),
  })
}

function isDamaged(storedKey: Bytes, value: Bytes | undefined): boolean {
  if (value === undefined || !isOn('object', storedKey)) return false
  try {
    decodeObject(keyOfStored(storedKey), value)
    return false
  } catch {
    return true
  }
}
