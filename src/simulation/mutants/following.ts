/**
 * Following: what a tab shows, and what it believes of its copies.
 */
import { emptyState } from '../../data/siblings.ts'
import { RingletError } from '../../protocol/errors.ts'
import type { Edge } from '../../peer/edge.ts'
import type { Keyed, KeyedRead } from '../../peer/keyed.ts'
import type { Mutant } from './mutant.ts'
import { tampering, wrap } from './wrap.ts'

const tabs = { edges: 3, members: 4, n: 3, r: 2, w: 2 } as const

export const ofFollowing: readonly Mutant[] = [
  {
    name: 'a tab believes that its copies are fresh',
    clause: 'copies are compared by their digests',
    breaks: ['P3'],
    transport: tampering({
      hear: (reply) =>
        reply.type === 'compared' ? { ...reply, differ: [], elsewhere: [] } : reply,
    }),
    faults: ['loss', 'isolated peer', 'isolated peer', 'frozen peer'],
    swarm: tabs,
  },
  {
    name: 'a tab shows its copy without its own writes',
    clause: "a tab's own writes are applied on top of the copy",
    breaks: ['P5'],
    keyed: changed((edge) => ({
      async read(key, consistency) {
        const read = await edge.read(key, consistency)
        return read.source === 'local' ? { ...read, state: edge.copies.of(key).copy } : read
      },
    })),
    faults: ['isolated peer', 'isolated peer', 'partition'],
    swarm: tabs,
  },
  {
    name: 'a tab that is alone takes no write',
    clause: 'an edge alone can always write on its own device',
    breaks: ['P5'],
    keyed: changed((edge) => ({
      write: (order) =>
        edge.world.transport.links().length === 0 ? Promise.reject(alone()) : edge.write(order),
    })),
    faults: ['crash', 'crash', 'power cut', 'hours alone'],
    swarm: { ...tabs, members: 3, n: 2, r: 1 },
  },
  {
    name: 'a tab calls a key empty that it cannot ask for',
    clause: 'of a key that it does not follow an edge says unreachable, never "not found"',
    breaks: ['outcome'],
    keyed: changed((edge) => ({
      read: (key, consistency) => edge.read(key, consistency).catch(() => nothing),
    })),
    faults: ['isolated peer', 'isolated peer', 'partition'],
    swarm: tabs,
  },
  {
    name: 'a listing loses the last key of each page',
    clause: 'a page is complete up to its end',
    breaks: ['P1'],
    transport: tampering({
      hear: (reply) =>
        reply.type === 'listed' ? { ...reply, items: reply.items.slice(0, -1) } : reply,
    }),
    swarm: tabs,
  },
]

function changed(change: (edge: Edge) => Partial<Keyed>): (edge: Edge) => Keyed {
  return (edge) => wrap<Keyed>(edge, change(edge))
}

const nothing: KeyedRead = {
  state: emptyState,
  source: 'local',
  pending: 0,
  stage: undefined,
  missing: 0,
}

function alone(): RingletError {
  return new RingletError('unreachable', 'this build does not write alone')
}
