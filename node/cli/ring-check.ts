/**
 * `ringlet ring check`: asks one peer for the ring, and each whose control port is known for its own disk; says what is
 * wrong. The exit code is for whoever runs it every minute.
 */
import type { DiskReport, RingOwners } from '../control-ring.ts'
import { call } from './call.ts'
import { type Finding, findingsOf } from './ring-findings.ts'
import { done, exits, type Given, type Outcome } from './outcome.ts'
import { askRing, findRing, type Ring } from './ring.ts'

/** A peer that is silent is a finding already: its disk is not worth a long wait. */
const diskMs = 2000

export async function run(given: Given): Promise<Outcome> {
  const ring = findRing(given)
  const [owners, answers] = await Promise.all([
    askRing<RingOwners>(ring, '/ring/owners'),
    Promise.all(ring.controls.map(diskAt)),
  ])
  const disks = answers.filter((answer) => answer !== undefined)
  const startOf = (peer: string): string => {
    const number = /^peer-(\d+)$/.exec(ring.nameOf(peer))?.[1]
    return number === undefined
      ? 'Look at its log, and start it again.'
      : `Start it again: ringlet start ${number}.`
  }
  const nameOf = (peer: string): string => ring.nameOf(peer)
  const findings = findingsOf(owners, disks, { nameOf, startOf })
  const asked = disks.map(({ peer }) => peer)
  const unasked = owners.members.map(({ id }) => id).filter((id) => !asked.includes(id))
  const { seenBy } = owners
  const json = { well: findings.length === 0, seenBy, findings, disks: { asked, unasked } }
  const text = [...show(ring, owners, findings), ...showDisks(ring, asked, unasked)].join('\n')
  return findings.length === 0 ? done(text, json) : { exit: exits.notWell, text, json }
}

/** Undefined when it does not say. */
async function diskAt(control: string): Promise<DiskReport | undefined> {
  try {
    const { status, body } = await call(`${control}/disk`, { signal: AbortSignal.timeout(diskMs) })
    return status === 200 ? (body as DiskReport) : undefined
  } catch {
    return undefined
  }
}

function show(ring: Ring, owners: RingOwners, findings: readonly Finding[]): string[] {
  const { members, seenBy } = owners
  const { name, n, q } = owners.ring
  const title = `Ring ${name}, as ${ring.nameOf(seenBy)} sees it: `
  if (findings.length === 0) {
    const all = `All is well: all ${members.length} members answer and are ready`
    return [`${title}${all}, and each of the ${q} partitions has ${n} owners on distinct hosts.`]
  }
  const count = findings.length === 1 ? '1 thing is' : `${findings.length} things are`
  return [
    `${title}${count} wrong.`,
    ...findings.flatMap(({ what, remedy }) => ['', what, `  ${remedy}`]),
    '',
  ]
}

function showDisks(ring: Ring, asked: readonly string[], unasked: readonly string[]): string[] {
  const names = (peers: readonly string[]): string =>
    peers
      .map((peer) => ring.nameOf(peer))
      .sort()
      .join(', ')
  const others =
    unasked.length === 0
      ? ''
      : `; not at ${names(unasked)}: each is asked with --peer, at its machine`
  return [`Looked at the disks of ${names(asked) || 'nobody'}${others}.`]
}
