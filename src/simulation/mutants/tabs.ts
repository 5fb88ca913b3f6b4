/**
 * Tabs: what a device keeps of its own writes, and what it tells of them.
 */
import { decode, encode } from '../../protocol/codec.ts'
import { type EdgeCopy, edgeCopy } from '../../protocol/copy.ts'
import { limits } from '../../protocol/limits.ts'
import { noPast } from '../../protocol/past.ts'
import { shelfRange } from '../../protocol/record.ts'
import type { Storage } from '../../ports.ts'
import type { Mutant } from './mutant.ts'
import { rewriting, tampering, wrap } from './wrap.ts'

const tabs = { edges: 3, members: 4, n: 3, r: 2, w: 2 } as const

/** Some write and never look, where few values may stand: what a tab has taken alone may be refused by the ring. */
const crowd = {
  ...tabs,
  tempers: ['blind', 'careful', 'careful'],
  keys: 2,
  limits: { ...limits, siblings: 3 },
} as const

export const ofTabs: readonly Mutant[] = [
  {
    name: 'a tab calls a write everywhere that is not',
    clause: 'everywhere means that all owners say so',
    breaks: ['outcome'],
    rules: { isEverywhere: () => true },
    faults: ['isolated peer', 'crash', 'partition'],
    swarm: tabs,
  },
  {
    name: 'a tab believes a delivery that nobody answered',
    clause: 'it delivers until a quorum is confirmed',
    breaks: ['P1'],
    transport: tampering({
      miss: (request) =>
        request.type === 'deliver'
          ? { type: 'written', dot: request.dot, acks: [], hints: [], highest: 0 }
          : undefined,
    }),
    faults: ['isolated peer', 'isolated peer', 'loss', 'partition'],
    swarm: tabs,
  },
  {
    name: 'a tab does not store its undelivered writes',
    clause: 'a write is durable on the device first',
    breaks: ['P1'],
    storage: onDisk((copy) => ({ ...copy, writes: [] })),
    faults: ['crash', 'crash', 'isolated peer', 'isolated peer'],
    swarm: tabs,
  },
  {
    name: 'a tab does not store how far it has counted',
    clause: 'the highest minted counter never falls',
    breaks: ['P7', 'P1'],
    storage: onDisk((copy) => ({ ...copy, minted: Math.max(0, copy.minted - 1) })),
    faults: ['crash', 'crash', 'crash', 'power cut'],
    swarm: tabs,
  },
  {
    name: 'a key with undelivered writes is dropped when it is followed no more',
    clause: 'a key with undelivered writes cannot be dropped',
    breaks: ['P1', 'P3'],
    storage: (storage) =>
      inMemory(storage, (copy) => (copy.followed ? copy : { ...copy, writes: [] })),
    swarm: tabs,
  },
  {
    name: 'a superseded write loses its receipt',
    clause: 'the receipt of an unsent write follows its superseder',
    breaks: ['P3'],
    storage: (storage) =>
      inMemory(storage, (copy) => ({
        ...copy,
        writes: copy.writes.map((own) => ({ ...own, ids: own.ids.slice(0, 1) })),
      })),
    faults: ['isolated peer', 'isolated peer', 'partition'],
    swarm: tabs,
  },
  {
    name: 'a tab sends only the last of its writes',
    clause: 'what a device has taken reaches the owners',
    breaks: ['P1', 'P3'],
    storage: (storage) => inMemory(storage, (copy) => ({ ...copy, writes: copy.writes.slice(-1) })),
    faults: ['isolated peer', 'isolated peer', 'partition'],
    swarm: tabs,
  },
  {
    name: 'a refusal is the last word though an attempt may have arrived',
    clause: "a refusal is final only if no earlier attempt's fate is unknown",
    breaks: ['outcome'],
    rules: { isFinal: () => true },
    faults: ['one-way cut', 'one-way cut', 'clogged link', 'clogged link', 'loss'],
    swarm: crowd,
  },
  {
    name: 'a refused write gives its name to the next',
    clause: 'after a final refusal the edge takes a fresh epoch for the key',
    breaks: ['P1'],
    storage: (storage) => inMemory(storage, countAgain),
    faults: ['clock skew', 'duplication', 'reordering'],
    swarm: crowd,
  },
  {
    name: 'a tab forgets which of its writes were refused',
    clause: 'a receipt survives a reload',
    breaks: ['P1'],
    storage: onDisk((copy) => ({ ...copy, past: noPast })),
    faults: ['crash', 'isolated peer', 'partition'],
    swarm: crowd,
  },
  {
    name: 'a write is delivered without its context',
    clause: 'a delivery is a dot with its context and value',
    breaks: ['P2'],
    storage: (storage) =>
      inMemory(storage, (copy) => ({
        ...copy,
        writes: copy.writes.map((own) => ({ ...own, context: new Map() })),
      })),
    swarm: tabs,
  },
  {
    name: 'a tab keeps the first copy that it ever had',
    clause: 'an answer of R owners replaces the copy',
    breaks: ['P3'],
    storage: (storage) => {
      const first = new Map<string, EdgeCopy['copy']>()
      return inMemory(storage, (copy, key) => {
        if (copy.copy.seen.size > 0 && !first.has(key)) first.set(key, copy.copy)
        return { ...copy, copy: first.get(key) ?? copy.copy }
      })
    },
    swarm: tabs,
  },
]

/** As if the refused write had never counted. */
function countAgain(copy: EdgeCopy): EdgeCopy {
  const left = copy.past.epochs.at(-1)
  if (copy.minter !== undefined || left === undefined) return copy
  const past = { ...copy.past, epochs: copy.past.epochs.slice(0, -1) }
  return { ...copy, minter: left.actor, minted: left.minted - 1, past }
}

const edgeLetter = shelfRange('edge').from[0]

/** A build that stores something else than it holds in memory. */
function onDisk(change: (copy: EdgeCopy) => EdgeCopy): (storage: Storage) => Storage {
  return (storage) =>
    rewriting(storage, (write) =>
      write.key[0] === edgeLetter && write.value !== undefined
        ? [{ ...write, value: encode(edgeCopy, change(decode(edgeCopy, write.value))) }]
        : [write],
    )
}

/** A build that decides otherwise: what it stores and what it goes on with. */
export function inMemory(
  storage: Storage,
  change: (copy: EdgeCopy, key: string) => EdgeCopy,
): Storage {
  return wrap(storage, {
    update: (keys, decide, durability) =>
      storage.update(
        keys,
        (current) => {
          const decided = decide(current)
          const [first] = decided.writes
          if (first === undefined || first.value === undefined) return decided
          if (first.key[0] !== edgeLetter) return decided
          const changed = change(decode(edgeCopy, first.value), first.key.join())
          const write = { key: first.key, value: encode(edgeCopy, changed) }
          return { writes: [write, ...decided.writes.slice(1)], result: changed as never }
        },
        durability,
      ),
  })
}
