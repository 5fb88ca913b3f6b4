/**
 * What is kept for others: its bound, what follows from the bound, and that it is kept and paid until the end.
 */
import { toBinaryText } from '../../data/bytes.ts'
import { limits } from '../../protocol/limits.ts'
import { decodeReply, decodeRequest, encodeReply } from '../../protocol/message.ts'
import { storageKeys } from '../../protocol/record.ts'
import { keyAtRest } from '../at-rest.ts'
import type { Storage, Transport, Write } from '../../ports.ts'
import type { Mutant } from './mutant.ts'
import { isOn, refusal, rewriting, wrap } from './wrap.ts'

const apart = ['partition', 'isolated peer', 'isolated peer', 'flapping link', 'crash'] as const

/** Room for a few records. */
const narrow = { members: 6, n: 3, r: 2, w: 2, edges: 0, limits: { ...limits, foreignBytes: 800 } }

export const ofForeign: readonly Mutant[] = [
  {
    name: 'what was handed over takes room for ever',
    clause: 'the room is taken by what is there',
    breaks: ['P5'],
    rules: { bytesAfter: (used, before, after) => used + Math.max(0, after - before) },
    faults: apart,
    swarm: narrow,
  },
  {
    name: 'nothing bounds what is kept for others',
    clause: 'foreign writes are refused when their space is full',
    breaks: ['P9'],
    rules: { hasRoom: () => true },
    faults: apart,
    swarm: narrow,
  },
  {
    name: 'what is kept already may grow beyond the room',
    clause: 'foreign writes are refused when their space is full',
    breaks: ['P9'],
    rules: {
      hasRoom: (used, before, after, limit) => before > 0 || used + after <= limit,
    },
    faults: ['isolated peer', 'isolated peer', 'partition'],
    swarm: { ...narrow, keys: 3, tempers: ['blind'] },
  },
  {
    name: 'who starts anew believes that he keeps nothing',
    clause: 'what is kept is counted at every start',
    breaks: ['P9'],
    rules: { bytesCounted: (known) => known },
    faults: ['crash', 'power cut', 'isolated peer', 'isolated peer', 'partition'],
    swarm: narrow,
  },
  {
    name: 'a full stand-in drops what it has kept the longest',
    clause: 'hints are never dropped for age or space',
    breaks: ['P1'],
    rules: { hasRoom: () => true },
    storage: dropOldest,
    faults: apart,
    swarm: narrow,
  },
  {
    name: 'want of room is the last word',
    clause: 'the coordinator turns to the next fallback',
    breaks: ['P5'],
    transport: giveUpWhenFull,
    faults: ['crash', 'crash', 'isolated peer', 'isolated peer'],
    swarm: { ...narrow, members: 7, n: 2, r: 1, w: 2, limits: { ...limits, foreignBytes: 300 } },
  },
  {
    name: 'who has no room passes nothing on',
    clause: 'if no owner can be reached, another member coordinates',
    breaks: ['P5'],
    rules: { passesOn: () => false },
    faults: ['crash'],
    swarm: {
      ...narrow,
      members: 5,
      n: 2,
      r: 1,
      w: 1,
      keys: 4,
      pauseMs: 800,
      faultPauseMs: 10_000,
      strictness: 0,
      limits: { ...limits, foreignBytes: 0 },
    },
  },
  {
    name: 'what comes after the handover is owed to nobody',
    clause: 'a stale sender is answered, and what it sent is owed',
    breaks: ['P3'],
    storage: owesOnce,
    faults: [...apart, 'duplication', 'delay tails'],
  },
  {
    name: 'who starts again in the middle of paying has paid',
    clause: 'the object is dropped when every present owner has acknowledged',
    breaks: ['P1'],
    storage: forgivesTheRest,
    faults: ['crash while paying', 'crash while paying', 'isolated peer', ...apart],
    swarm: { members: 6, n: 3, r: 2, w: 2, edges: 0 },
  },
]

/** A member that has kept records of more than two keys for others makes room by itself. */
function dropOldest(storage: Storage): Storage {
  const kept = new Map<string, Write>()
  return rewriting(storage, (write) => {
    if (!isOn('marker', write.key)) return [write]
    const name = toBinaryText(write.key)
    if (write.value === undefined) kept.delete(name)
    else if (!kept.has(name)) kept.set(name, write)
    if (kept.size <= 2) return [write]
    const [oldest, { key }] = [...kept][0]!
    kept.delete(oldest)
    const dropped = [key, storageKeys.object(keyAtRest(key))]
    return [write, ...dropped.map((each) => ({ key: each, value: undefined }))]
  })
}

/** Once one had no room for a key, no other is asked to stand in. */
function giveUpWhenFull(transport: Transport): Transport {
  const full = new Set<string>()
  return wrap(transport, {
    async request(to, body, options) {
      const asked = decodeRequest(body)
      if (asked.type !== 'replicate') return transport.request(to, body, options)
      if (asked.insteadOf !== undefined && full.has(asked.key.text)) return encodeReply(refusal())
      const answer = await transport.request(to, body, options)
      const reply = decodeReply(answer)
      if (reply.type === 'refused' && reply.code === 'too-many-hints') full.add(asked.key.text)
      return answer
    },
  })
}

/** What was once handed over, and dropped, is noted as a debt no more. */
function owesOnce(storage: Storage): Storage {
  const paid = new Set<string>()
  return rewriting(storage, (write) => {
    if (!isOn('marker', write.key)) return [write]
    const name = toBinaryText(write.key)
    if (write.value === undefined) paid.add(name)
    return paid.has(name) && write.value !== undefined ? [] : [write]
  })
}

/** What was paid in part when it is derived again counts as paid, and is dropped. */
function forgivesTheRest(storage: Storage): Storage {
  return wrap(storage, {
    update: (keys, decide, durability) =>
      storage.update(
        keys,
        (current) => {
          const { writes, result } = decide(current)
          const isDerived = !writes.some(({ key }) => isOn('object', key))
          const forgiven = writes.flatMap((write): Write[] => {
            const before = current[keys.indexOf(write.key)]
            const grows = (write.value?.length ?? 0) > (before?.length ?? Infinity)
            if (!isDerived || !isOn('marker', write.key) || !grows) return [write]
            const dropped = [write.key, storageKeys.object(keyAtRest(write.key))]
            return dropped.map((key) => ({ key, value: undefined }))
          })
          return { writes: forgiven, result }
        },
        durability,
      ),
  })
}
