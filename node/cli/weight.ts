/**
 * `ringlet weight`: a member takes another share of the ring.
 */
import type { StandingReport } from '../control-changing.ts'
import { done, type Given, type Outcome } from './outcome.ts'
import { untilDone } from './progress.ts'
import { askRing, findPeer } from './ring.ts'

export async function run(given: Given): Promise<Outcome> {
  const peer = findPeer(given, given.words['PEER'])
  const weight = given.words['WEIGHT']!
  const query = `?weight=${encodeURIComponent(weight)}`
  const asked = await askRing<StandingReport>(peer, `/changing/weight${query}`, { method: 'POST' })
  const name = peer.nameOf(asked.peer)
  if (given.switches.has('no-wait')) {
    return done(`${name} is to weigh ${weight}; see \`ringlet ring\` for how far it is.`, asked)
  }
  const weighs = async (): Promise<boolean> => {
    const now = await askRing<StandingReport>(peer, '/changing')
    return now.weight === Number(weight) && now.change === null
  }
  await untilDone(given, peer, weighs)
  return done(`${name} weighs ${weight} now.`, await askRing<StandingReport>(peer, '/changing'))
}
