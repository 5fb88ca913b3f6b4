/**
 * Owing and comparing: what stand-ins keep and pay, and what owners find that they do not hold alike.
 */
import type { Mutant } from './mutant.ts'
import { isOn, refusal, rewriting, tampering } from './wrap.ts'

const apart = ['partition', 'isolated peer', 'isolated peer', 'flapping link', 'crash'] as const

export const ofRepair: readonly Mutant[] = [
  {
    name: 'a stand-in owes one owner only',
    clause: 'what is held and not owned is owed to all owners',
    breaks: ['P1'],
    rules: {
      debtOf: (self, owners) => (owners.includes(self) ? [] : [...owners].sort().slice(0, 1)),
    },
    faults: apart,
  },
  {
    name: 'one acknowledgement pays all debts',
    clause: 'the copy goes when every owner has acknowledged',
    breaks: ['P1'],
    rules: { debtAfter: (owed, _target, taken) => (taken ? [] : owed) },
    faults: apart,
  },
  {
    name: 'a debt is paid though the state has moved',
    clause: 'the marker goes if the state has not moved',
    breaks: ['P1'],
    rules: { isUnmoved: () => true },
    faults: ['isolated peer', 'flapping link', 'partial partition', 'slow peer', 'slow peer'],
    swarm: { keys: 2, hotness: 0.8 },
  },
  {
    name: 'nobody pays what he owes',
    clause: 'debts drain when their target is reachable',
    breaks: ['P3'],
    transport: tampering({
      ask: (request) => (request.type === 'handoff' ? refusal() : request),
    }),
    faults: apart,
  },
  {
    name: 'a debt is not noted',
    clause: 'the marker is written in the same step',
    breaks: ['P3'],
    storage: (storage) => rewriting(storage, (write) => (isOn('marker', write.key) ? [] : [write])),
    faults: apart,
  },
  {
    name: 'a stand-in keeps its copy for ever',
    clause: 'the copy goes when every owner has acknowledged',
    breaks: ['P3'],
    storage: (storage) =>
      rewriting(storage, (write) =>
        isOn('object', write.key) && write.value === undefined ? [] : [write],
      ),
    faults: apart,
  },
  {
    name: 'an owner acknowledges what it is owed and does not store it',
    clause: 'the target syncs it durably and answers',
    breaks: ['P1'],
    transport: tampering({
      take: (request) => (request.type === 'handoff' ? { ...request, items: [] } : request),
      tell: (reply, request) =>
        request.type === 'handoff' && reply.type === 'taken'
          ? { ...reply, taken: request.items.map(() => true) }
          : reply,
    }),
    faults: apart,
  },
  {
    name: 'what is owed is derived once',
    clause: 'markers are derived again at every view change',
    breaks: ['P3'],
    rules: { isDerived: (from) => from !== '' },
    faults: ['wiped disk', 'wiped disk', 'wiped disk', 'partition', 'isolated peer'],
    swarm: { members: 6, n: 3, r: 2, w: 2 },
  },
  {
    name: 'anti-entropy skips some partitions',
    clause: 'two owners compare all their common partitions',
    breaks: ['P3'],
    rules: { compares: (partition) => partition % 4 !== 0 },
    faults: ['wiped disk', 'wiped disks in a row', 'torn batch'],
    swarm: { q: 8, keys: 8 },
  },
  {
    name: 'an exchange stores nothing',
    clause: 'states are exchanged both ways',
    breaks: ['P3'],
    transport: tampering({
      serve: (request) =>
        request.type === 'exchange'
          ? {
              reply: { type: 'exchanged', items: [], taken: request.items.map(() => true) },
              after: false,
            }
          : undefined,
    }),
    faults: ['wiped disk', 'wiped disks in a row', 'loss'],
  },
  {
    name: 'owners never compare',
    clause: 'anti-entropy runs on reconnect and on a period',
    breaks: ['P3'],
    transport: tampering({
      ask: (request) => (request.type === 'folds' ? refusal() : request),
    }),
    faults: ['wiped disk', 'wiped disks in a row', 'loss'],
  },
  {
    name: 'nobody believes what a member says of itself',
    clause: 'a record is believed that its subject signed',
    breaks: ['P3'],
    rules: { isGenuine: () => false },
  },
]
