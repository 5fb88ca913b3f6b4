/**
 * Owing and comparing: what stand-ins keep and pay, and what owners find that they do not hold alike.
 */
import { marker, shelfRange } from '../../protocol/record.ts'
import { encode } from '../../protocol/codec.ts'
import type { Transport } from '../../ports.ts'
import type { Mutant } from './mutant.ts'
import { refusal, rewriting, tamper, type Tampering } from './wrap.ts'

const apart = ['partition', 'isolated peer', 'isolated peer', 'flapping link', 'crash'] as const

function tampering(how: Tampering): (transport: Transport) => Transport {
  return (transport) => tamper(transport, how)
}

export const ofRepair: readonly Mutant[] = [
  {
    name: 'a stand-in owes one owner only',
    clause: 'what is held and not owned is owed to all owners',
    breaks: ['P1', 'P3'],
    rules: {
      debtOf: (self, owners) => (owners.includes(self) ? [] : [...owners].sort().slice(0, 1)),
    },
    faults: [...apart, 'wiped disk', 'wiped disk'],
  },
  {
    name: 'one acknowledgement pays all debts',
    clause: 'the copy goes when every owner has acknowledged',
    breaks: ['P1', 'P3'],
    rules: { debtAfter: (owed, _target, taken) => (taken ? [] : owed) },
    faults: [...apart, 'wiped disk', 'wiped disk'],
  },
  {
    name: 'a debt is paid though the state has moved',
    clause: 'the marker goes if the state has not moved',
    breaks: ['P1', 'P3'],
    rules: { isUnmoved: () => true },
    faults: [...apart, ...apart, 'slow peer', 'slow peer', 'wiped disk'],
    swarm: { hotness: 0.9, keys: 2 },
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
    storage: (storage) =>
      rewriting(storage, (write) => (write.key[0] === markerLetter ? [] : [write])),
    faults: apart,
  },
  {
    name: 'a debt names owners who are none',
    clause: 'what is held and not owned is owed to all owners',
    breaks: ['P3'],
    storage: (storage) =>
      rewriting(storage, (write) =>
        write.key[0] === markerLetter && write.value !== undefined
          ? [{ ...write, value: encode(marker, []) }]
          : [write],
      ),
    faults: apart,
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

const markerLetter = shelfRange('marker').from[0]
