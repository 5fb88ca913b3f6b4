/**
 * Quorums: what is sent, what counts as an answer, and what the writer is told.
 */
import { nothingSeen } from '../../data/vector.ts'
import { StorageError, TransportError } from '../../protocol/errors.ts'
import { limits } from '../../protocol/limits.ts'
import type { Request } from '../../protocol/message.ts'
import type { Storage, Transport } from '../../ports.ts'
import type { Mutant } from './mutant.ts'
import { isOn, minterIn, refusal, rewriting, tampering, wrap } from './wrap.ts'

/** An answer to *replicate* that nobody gave. */
const stored = { type: 'stored', highest: 0, generation: '' } as const

export const ofQuorums: readonly Mutant[] = [
  {
    name: 'a put is content with one answer less',
    clause: 'W hosts, its own among them, resolve the put',
    breaks: ['P1'],
    rules: { votesNeeded: (w) => w - 1 },
  },
  {
    name: 'silence counts as an acknowledgement',
    clause: 'a member answers when it is durable there',
    breaks: ['P1'],
    transport: tampering({ miss: ({ type }) => (type === 'replicate' ? stored : undefined) }),
  },
  {
    name: 'a refusal counts as an acknowledgement',
    clause: 'a member answers when it is durable there',
    breaks: ['P1'],
    transport: tampering({
      hear: (reply, { type }) =>
        type === 'replicate' && reply.type === 'refused' ? stored : reply,
    }),
    faults: ['full disk', 'full disk', 'full disk', 'full disk', 'slow disk'],
  },
  {
    name: 'a replica answers before it has stored',
    clause: 'a member answers when it is durable there',
    breaks: ['P1'],
    transport: tampering({
      serve: ({ type }) => (type === 'replicate' ? { reply: stored, after: true } : undefined),
    }),
  },
  {
    name: 'a replica answers and stores nothing',
    clause: 'a member answers when it is durable there',
    breaks: ['P1'],
    transport: tampering({
      serve: ({ type }) => (type === 'replicate' ? { reply: stored, after: false } : undefined),
    }),
  },
  {
    name: 'nobody stands in for an owner',
    clause: 'an owner that fails is replaced by the next fallback',
    breaks: ['P5'],
    transport: tampering({
      ask: (request) => (standsIn(request) ? refusal() : request),
    }),
    faults: ['crash', 'crash', 'isolated peer', 'isolated peer'],
    swarm: { members: 6, n: 3, r: 2, w: 2, edges: 0 },
  },
  {
    name: 'only an owner coordinates',
    clause: 'if no owner can be reached, the first reachable member coordinates',
    breaks: ['P5'],
    storage: mintAsOwner,
    faults: ['crash', 'crash', 'crash', 'isolated peer', 'isolated peer'],
    swarm: { members: 7, n: 2, r: 1, w: 2, edges: 0 },
  },
  {
    name: 'whoever has once not answered is never asked again',
    clause: 'probes bring a suspect back',
    breaks: ['P3', 'P5'],
    transport: giveUp,
    faults: ['isolated peer', 'broken links', 'crash'],
  },
  {
    name: 'a late copy of a refused request is taken',
    clause: 'refused is provably nowhere',
    breaks: ['outcome'],
    rules: { isRefusedAgain: () => false },
    faults: ['duplication', 'duplication', 'duplication', 'reordering', 'delay tails'],
    swarm: {
      members: 4,
      n: 3,
      r: 2,
      w: 2,
      edges: 0,
      keys: 1,
      pauseMs: 150,
      limits: { ...limits, siblings: 4 },
    },
  },
  {
    name: 'an unknown outcome is called refused',
    clause: 'every outcome is done, refused or unknown',
    breaks: ['outcome'],
    transport: tampering({
      hear: (reply) =>
        reply.type === 'refused' ? { ...reply, outcome: 'refused' as const } : reply,
    }),
    faults: ['partition', 'partition', 'full disk', 'one-way cut'],
  },
  {
    name: 'a read hides siblings that its context covers',
    clause: 'a context is what its reader was shown',
    breaks: ['P1'],
    transport: tampering({
      hear: (reply) =>
        reply.type === 'read' && reply.state !== undefined
          ? { ...reply, state: { ...reply.state, siblings: reply.state.siblings.slice(0, 1) } }
          : reply,
    }),
  },
  {
    name: 'a replica is sent one sibling only',
    clause: 'the full state of the key is sent',
    breaks: ['P1'],
    transport: tampering({
      ask: (request) =>
        request.type === 'replicate'
          ? { ...request, state: { ...request.state, siblings: request.state.siblings.slice(-1) } }
          : request,
    }),
  },
  {
    name: 'a write that is passed on loses its context',
    clause: 'a write supersedes what its context covers',
    breaks: ['P2'],
    transport: tampering({
      ask: (request) => (request.type === 'put' ? { ...request, context: nothingSeen } : request),
    }),
  },
  {
    name: 'a blind crowd is never refused',
    clause: 'live siblings have a limit',
    breaks: ['P9'],
    limits: { siblings: 40 },
    faults: ['loss', 'isolated peer'],
    swarm: {
      tempers: ['blind'],
      keys: 1,
      members: 4,
      n: 3,
      r: 2,
      w: 2,
      limits: { ...limits, siblings: 4 },
    },
  },
]

function standsIn(request: Request): boolean {
  return request.type === 'replicate' && request.insteadOf !== undefined
}

/** A step that mints and leaves a debt is a stranger's. */
function mintAsOwner(storage: Storage): Storage {
  return rewriting(storage, (write, others) => {
    const owes = others.some(({ key, value }) => isOn('marker', key) && value !== undefined)
    if (owes && minterIn(write.key, write.value) !== undefined)
      throw new StorageError('store-full', 'this build does not do that')
    return [write]
  })
}

function giveUp(transport: Transport): Transport {
  const lost = new Set<string>()
  return wrap(transport, {
    async request(to, body, options) {
      if (lost.has(to)) throw new TransportError('unreachable', false)
      try {
        return await transport.request(to, body, options)
      } catch (error) {
        lost.add(to)
        throw error
      }
    },
  })
}
