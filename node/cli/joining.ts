/**
 * What a peer that comes into a ring tells on its way, and whom it sends away if it takes the place of another.
 */
import { setTimeout as wait } from 'node:timers/promises'
import { evict, reportStanding, type StandingReport } from '../control-changing.ts'
import type { Member } from '../../src/peer/member.ts'
import { memberNamed } from './member-named.ts'

export interface Joining {
  readonly joins: boolean
  /** Who goes: an id, or the end of one. */
  readonly replaces?: string
  /** Also where that leaves too few ready owners of some keys. */
  readonly force?: boolean
}

const lookMs = 1000

/** Resolves once it has its seat, and whom it replaces has gone. Rejects with `RingletError` for a peer that nobody knows. */
export async function tellJoining(
  member: Member,
  { replaces, force = false }: Joining,
  say: (line: string) => void,
  signal: AbortSignal,
): Promise<void> {
  const old = replaces === undefined ? undefined : namedIn(member, replaces)
  let told = ''
  const tell = (line: string): void => {
    if (line !== told) say(line)
    told = line
  }
  const until = async (isSo: () => Promise<boolean>): Promise<void> => {
    while (!signal.aborted && !(await isSo())) await wait(lookMs)
  }
  const isGone = (): boolean => old === undefined || !member.view.byPeer.has(old)
  let isOrdered = false
  await until(async () => {
    if (old !== undefined && !isGone() && !isOrdered) isOrdered = await order(old)
    const report = await reportStanding(member)
    tell(lineOf(report))
    return report.standing === 'seated' && isGone()
  })
  if (old !== undefined) tell(`…${old.slice(-8)} is no member any more, and its place is taken.`)

  async function order(peer: string): Promise<boolean> {
    try {
      await evict(member, peer, force)
      return true
    } catch (error) {
      tell(`…${peer.slice(-8)} stays for now. ${(error as Error).message}`)
      return false
    }
  }
}

/** It may know the ring's members only now. */
function namedIn({ view }: Member, name: string): string {
  const ids = view.members.map(({ record }) => record.peer)
  return memberNamed({ nameOf: (peer) => `…${peer.slice(-8)}` }, ids, name)
}

function lineOf({ standing, change, filling }: StandingReport): string {
  if (standing === 'seated') return 'It is a member, and holds all that it owns.'
  if (filling !== null)
    return `It fetches what it is to own: ${filling.done} of ${filling.of} partitions.`
  return change === null ? 'It asks for a seat.' : 'The members agree on a change.'
}
