/**
 * What members are called and which colour they have: the same everywhere in the panel.
 *
 * People know a peer by its host. Where two share one, the end of the id tells them apart.
 */
import type { MemberStatus } from '../../index.ts'

export interface Face {
  readonly name: string
  readonly colour: string
}

export type Faces = (member: string) => Face

/** By the golden angle: neighbours in the list look different, however many there are. */
const goldenAngle = 137.5
const firstHue = 35

export function facesOf(members: readonly MemberStatus[]): Faces {
  const ids = members.map(({ id }) => id).toSorted()
  const hosts = new Map(members.map(({ id, host }) => [id, host]))
  return (member) => {
    const host = hosts.get(member)
    const isAlone = members.filter((each) => each.host === host).length === 1
    const at = ids.indexOf(member)
    return {
      name: host === undefined || host === '' || !isAlone ? shortId(member) : host,
      colour: at < 0 ? 'var(--quiet)' : `oklch(var(--face) ${firstHue + at * goldenAngle})`,
    }
  }
}

export function shortId(member: string): string {
  return `…${member.slice(-6)}`
}
