/**
 * Load: who is let in, who is turned away, what is made of it, and what is kept room for.
 */
import type { Bytes } from '../../data/bytes.ts'
import { TransportError } from '../../protocol/errors.ts'
import { loadRules } from '../../protocol/load-rules.ts'
import { decodeReply, encodeReply } from '../../protocol/message.ts'
import { isPiece } from '../../protocol/piece.ts'
import type { Receiver, Transport } from '../../ports.ts'
import type { FaultKind } from '../faults.ts'
import { narrowLimits, simulatedLimits } from '../swarm.ts'
import type { Mutant } from './mutant.ts'
import { refusal, wrap } from './wrap.ts'

/** A ring that lets in few, and much is asked of it. */
const crowded = {
  isCrowded: true,
  limits: {
    ...simulatedLimits,
    requestsUnderWay: 2,
    ownUnderWay: 4,
    underWayBytes: 1000,
    hedgedAfterReads: 3,
  },
} as const
const crowds: readonly FaultKind[] = ['burst of load', 'burst of load', 'late answers']
const tabs = { ...crowded, edges: 3, members: 5, n: 3, r: 2, w: 2, pauseMs: 400 } as const
/** Coordinators that are apart let more values stand side by side than a message holds. */
const large = {
  edges: 0,
  members: 5,
  n: 3,
  r: 2,
  w: 2,
  keys: 2,
  largeBytes: 2048,
  largeChance: 0.8,
  pauseMs: 400,
  tempers: ['blind', 'blind', 'careful'],
  limits: { ...narrowLimits(simulatedLimits, 4, 2048), piecesBytes: 72 * 1024 },
} as const
const apart: readonly FaultKind[] = ['partition', 'partial partition', 'isolated peer']

export const ofLoad: readonly Mutant[] = [
  {
    name: 'what is turned away is begun all the same',
    clause: 'who is refused for a crowd knows that nothing was done',
    breaks: ['outcome'],
    transport: receiving((receiver) => ({
      refuses(from, body) {
        const turned = receiver.refuses?.(from, body) ?? false
        if (turned) void receiver.request(from, body.slice())
        return turned
      },
    })),
    faults: crowds,
    swarm: { ...tabs, tempers: ['blind'] },
  },
  {
    name: 'however many come, all are let in',
    clause: 'what a member has under way has a bound',
    breaks: ['P9'],
    load: { hasRoom: () => true },
    faults: crowds,
    swarm: tabs,
  },
  {
    name: 'a request that is refused on its merits keeps its place',
    clause: 'a place is free again however its request has ended',
    breaks: ['P5', 'P9'],
    load: { isFreed: (answer) => !isRefusal(answer as Bytes | undefined) },
    swarm: { ...tabs, limits: { ...crowded.limits, siblings: 4 }, tempers: ['blind'] },
  },
  {
    name: 'the second half of what was admitted is turned away',
    clause: 'what members ask of each other for a request that was admitted takes no place',
    breaks: ['P5'],
    load: {
      takesPlace: (type, fromMember) =>
        type === 'replicate' || type === 'read' || loadRules.takesPlace(type, fromMember),
    },
    faults: crowds,
    swarm: tabs,
  },
  {
    name: 'what is longer than the room of all is never let in',
    clause: 'one alone always may, however long',
    breaks: ['P5'],
    load: {
      hasRoom: ({ requests, bytes }, length, most, mostBytes) =>
        requests < most && bytes + length <= mostBytes,
    },
    swarm: { ...tabs, largeBytes: 4096, largeChance: 0.2 },
  },
  {
    name: 'who is turned away takes it for a verdict',
    clause: 'a refusal for a crowd is none on its merits: another member is asked',
    breaks: ['P5'],
    transport: asking(async (ask) => {
      try {
        return await ask()
      } catch (error) {
        if (!isOverload(error)) throw error
        const verdict = refusal()
        return encodeReply(
          verdict.type === 'refused' ? { ...verdict, code: 'not-admitted' } : verdict,
        )
      }
    }),
    faults: crowds,
    swarm: tabs,
  },
  {
    name: 'one member that is full stands for all',
    clause: 'a refusal for a crowd is none on its merits: another member is asked',
    breaks: ['P5'],
    transport: afraid,
    faults: crowds,
    swarm: tabs,
  },
  {
    name: 'each read that takes long is asked of one owner more',
    clause: 'extra reads have a share, or a ring that is slow gets slower by them',
    breaks: ['P9'],
    load: { mayHedge: () => true },
    faults: ['late answers', 'late answers', 'slow disk'],
    swarm: { ...crowded, edges: 0, pauseMs: 150 },
  },
  {
    name: 'background work rests until the foreground is fast',
    clause: 'a least share of the time is always left to background work',
    breaks: ['P3'],
    load: { nextShare: () => 1e-9 },
    limits: { restMs: 1e9 },
  },
  {
    name: 'a message is served before all of its pieces have come',
    clause: 'a message in pieces is served when it is whole',
    breaks: ['P1', 'P2', 'P3', 'P5', 'P10'],
    load: { isComplete: () => true, isMessage: () => true },
    faults: apart,
    swarm: large,
  },
  {
    name: 'pieces of two messages are put together',
    clause: 'pieces are of one message',
    breaks: ['P1', 'P2', 'P3', 'P5', 'P10'],
    load: { nameOfPieces: (peer) => peer, isMessage: () => true },
    faults: apart,
    swarm: large,
  },
  {
    name: 'pieces that were put together keep their room',
    clause: 'the room of pieces is free again when nobody needs them',
    breaks: ['P3', 'P5'],
    load: { isRoomFreed: (since) => since === 'fetched' },
    faults: apart,
    swarm: large,
  },
  {
    name: 'pieces whose rest nobody sends keep their room',
    clause: 'the room of pieces is free again when nobody needs them',
    breaks: ['P3', 'P5'],
    load: { isRoomFreed: (since) => since !== 'left' },
    faults: [...apart, 'loss', 'loss', 'crash', 'delay tails'],
    swarm: large,
  },
]

/** A build that serves otherwise. */
function receiving(
  change: (receiver: Receiver) => Partial<Receiver>,
): (transport: Transport) => Transport {
  return (transport) =>
    wrap(transport, {
      serve: (receiver) => transport.serve(wrap(receiver, change(receiver))),
    })
}

/** A build that asks otherwise. */
function asking(
  change: (ask: () => Promise<Bytes>) => Promise<Bytes>,
): (transport: Transport) => Transport {
  return (transport) =>
    wrap(transport, {
      request: (to, body, options) => change(() => transport.request(to, body, options)),
    })
}

/** Once turned away, it asks nobody for a while: the next one would turn it away as well. */
function afraid(transport: Transport): Transport {
  let left = 0
  return wrap(transport, {
    async request(to, body, options) {
      if (left > 0 && !isPiece(body)) {
        left--
        throw new TransportError('overloaded', false)
      }
      try {
        return await transport.request(to, body, options)
      } catch (error) {
        if (isOverload(error)) left = 3
        throw error
      }
    },
  })
}

function isOverload(error: unknown): boolean {
  return error instanceof TransportError && error.failure === 'overloaded'
}

function isRefusal(answer: Bytes | undefined): boolean {
  return answer !== undefined && !isPiece(answer) && decodeReply(answer).type === 'refused'
}
