/**
 * `ringlet leave`: a member goes once the others hold all that it owned.
 */
import type { StandingReport } from '../control-changing.ts'
import { CallError } from './call.ts'
import { CommandError, done, exits, type Given, type Outcome } from './outcome.ts'
import { untilDone } from './progress.ts'
import { askRing, findPeer, type Ring } from './ring.ts'

export async function run(given: Given): Promise<Outcome> {
  const peer = findPeer(given, given.words['PEER'])
  const force = given.switches.has('force') ? '?force' : ''
  const asked = await askRing<StandingReport>(peer, `/changing/leave${force}`, { method: 'POST' })
  const name = peer.nameOf(asked.peer)
  if (given.switches.has('no-wait')) {
    return done(`${name} leaves; see \`ringlet ring\` for how far it is.`, asked)
  }
  await untilLeft(given, peer, name)
  return done(
    `${name} has left: the others hold all that it owned, its process ends, and its folder can go.`,
    { ...asked, standing: 'left' },
  )
}

async function untilLeft(given: Given, peer: Ring, name: string): Promise<void> {
  try {
    await untilDone(given, peer, async () => {
      const { standing } = await askRing<StandingReport>(peer, '/changing')
      return standing === 'left'
    })
  } catch (error) {
    const isSilent = error instanceof CallError || (error as CommandError).code === 'unreachable'
    if (!isSilent) throw error
    throw new CommandError(
      exits.unknown,
      'unreachable',
      `${name} went silent while it was leaving.`,
      'See at another peer, with `ringlet ring`, whether it is still a member; if so, start it and say `ringlet leave` again.',
    )
  }
}
