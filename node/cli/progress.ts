/**
 * Waits until a change of the ring is done, and shows a person how far it is.
 *
 * The bar is made of what the members themselves say that they have fetched, in partitions. A program sees nothing of it.
 */
import { setTimeout as wait } from 'node:timers/promises'
import type { RingStatus } from '../control-status.ts'
import type { Given } from './outcome.ts'
import { askRing, type Ring } from './ring.ts'

const lookMs = 250
const width = 30

/** Asks again and again; resolves with the first status that is `done`. */
export async function untilDone(
  given: Given,
  ring: Ring,
  done: (status: RingStatus) => boolean | Promise<boolean>,
): Promise<RingStatus> {
  const isShown = process.stderr.isTTY && !given.switches.has('json')
  const startedMs = performance.now()
  for (;;) {
    const status = await askRing<RingStatus>(ring, '/status')
    if (await done(status)) {
      if (isShown) process.stderr.write('\r\x1b[K')
      return status
    }
    if (isShown) process.stderr.write(`\r\x1b[K${bar(status, performance.now() - startedMs)}`)
    await wait(lookMs)
  }
}

type Changing = Pick<RingStatus, 'members' | 'change'>

/** Who comes, goes or weighs more, and how far that is: lines below a table; none where nothing changes. */
export function showChange(ring: Pick<Ring, 'nameOf'>, status: Changing): string[] {
  const { change } = status
  if (change === null) return []
  const moves = change.moves.map(({ peer, what, weight, zone }) => {
    const seat = what === 'changes' ? ` to weight ${weight} in zone ${zone}` : ''
    return `${ring.nameOf(peer)} ${what}${seat}`
  })
  const what = moves.length === 0 ? 'the ring’s founding ends' : moves.join(', ')
  return ['', `Change ${change.number}: ${what}.`, bar(status)]
}

/** How far a change is, in one line; with an estimate where it is known since when. */
export function bar({ members, change }: Changing, tookMs?: number): string {
  if (change === null) return 'The members agree on a change…'
  const { done, of } = sum(members)
  if (change.isFilled || of === 0) return 'All is in its place; the owners confirm the change…'
  const full = Math.floor((width * done) / of)
  const left =
    done === 0 || tookMs === undefined
      ? ''
      : `, ${Math.ceil((tookMs * (of - done)) / done / 1000)} s to go`
  return `[${'#'.repeat(full)}${'-'.repeat(width - full)}] ${done} of ${of} partitions moved${left}`
}

function sum(members: RingStatus['members']): { done: number; of: number } {
  const fillings = members.flatMap(({ filling }) => filling ?? [])
  return fillings.reduce((all, each) => ({ done: all.done + each.done, of: all.of + each.of }), {
    done: 0,
    of: 0,
  })
}
