/**
 * `ringlet evict`: a member goes whether it answers or not, and its disk counts as lost.
 */
import type { RingStatus } from '../control-status.ts'
import { memberNamed } from './member-named.ts'
import { done, type Given, type Outcome } from './outcome.ts'
import { untilDone } from './progress.ts'
import { askRing, findRing } from './ring.ts'

export async function run(given: Given): Promise<Outcome> {
  const ring = findRing(given)
  const { members } = await askRing<RingStatus>(ring, '/status')
  const ids = members.map(({ id }) => id)
  const peer = memberNamed(ring, ids, given.words['PEER']!)
  const others = { ...ring, controls: ring.controlsBut(peer) }
  const force = given.switches.has('force') ? '?force' : ''
  await askRing(others, `/changing/evict/${peer}${force}`, { method: 'POST' })
  const name = ring.nameOf(peer)
  if (given.switches.has('no-wait')) {
    return done(`${name} is to go; see \`ringlet ring\` for how far it is.`, {
      peer,
      evicted: false,
    })
  }
  await untilDone(given, others, (status) => status.members.every(({ id }) => id !== peer))
  const text = `${name} is no member any more: the others hold what it owned. It comes back by \`ringlet join\` alone.`
  return done(text, { peer, evicted: true })
}
