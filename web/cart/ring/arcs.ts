/**
 * The ring as arcs: each partition's piece of the circle, coloured by its first owner.
 *
 * A ring has thousands of partitions and a screen has not. So only every so-and-so-many-th is drawn, each with its true
 * owner, and so that the partition one looks for is among them.
 */
import type { RingSnapshot } from '../../index.ts'

export interface Arcs {
  /** Every `step`-th partition is drawn. */
  readonly step: number
  /** By member: the path of all its arcs. */
  readonly paths: ReadonlyMap<string, string>
  /** Where the partition that must be seen is, as a turn from 0 to 1, clockwise from the top. */
  readonly mark: number
}

const mostDrawn = 128

export function arcsOf(ring: RingSnapshot, mustSee: number, radius: number): Arcs {
  const drawn = Math.min(ring.partitions, mostDrawn)
  const step = ring.partitions / drawn
  const paths = new Map<string, string>()
  let from = 0
  for (let at = 0; at < drawn; at++) {
    const owner = firstOwner(ring, at * step + (mustSee % step))
    const next = at + 1 < drawn ? firstOwner(ring, (at + 1) * step + (mustSee % step)) : undefined
    if (owner === next) continue
    if (owner !== undefined) {
      const arc = arcPath(from / drawn, (at + 1) / drawn, radius)
      paths.set(owner, (paths.get(owner) ?? '') + arc)
    }
    from = at + 1
  }
  return { step, paths, mark: (Math.floor(mustSee / step) + 0.5) / drawn }
}

/** Of the whole ring, the part of its partitions that a member owns first: from 0 to 1. */
export function firstShares(ring: RingSnapshot): ReadonlyMap<string, number> {
  const counts = new Map<string, number>()
  for (let partition = 0; partition < ring.partitions; partition++) {
    const owner = firstOwner(ring, partition)
    if (owner !== undefined) counts.set(owner, (counts.get(owner) ?? 0) + 1)
  }
  return new Map([...counts].map(([owner, count]) => [owner, count / ring.partitions]))
}

/** A point on a circle around 0,0; `turn` from 0 to 1, clockwise from the top. */
export function pointAt(turn: number, radius: number): readonly [x: number, y: number] {
  const angle = turn * 2 * Math.PI
  return [round(Math.sin(angle) * radius), round(-Math.cos(angle) * radius)]
}

function arcPath(from: number, to: number, radius: number): string {
  // A whole turn ends where it begins, which draws nothing: it is two halves.
  if (to - from > 0.5) {
    return arcPath(from, from + 0.5, radius) + arcPath(from + 0.5, to, radius)
  }
  const [x, y] = pointAt(from, radius)
  const [toX, toY] = pointAt(to, radius)
  return `M${x} ${y}A${radius} ${radius} 0 0 1 ${toX} ${toY}`
}

function firstOwner(ring: RingSnapshot, partition: number): string | undefined {
  return ring.owners(partition)[0]
}

function round(length: number): number {
  return Math.round(length * 100) / 100
}
