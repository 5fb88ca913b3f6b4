/**
 * What goes wrong between hosts: packets get lost and nobody hears why, in both directions or in one, or a cable is out.
 */
import { bothWays, type End, ways } from './cuts.ts'
import type { Strike } from './scene.ts'

export const networkFaults = {
  /** Some hear nothing of the others, nor the others of them. */
  cut: ({ field, cuts, random }) => {
    const [some, others] = split(random.shuffled(namesOf(field.members)), 1 + random.whole(2))
    field.story.tell(`${list(some)} and ${list(others)} are cut off from each other`)
    const end = cuts.drop(bothWays(some, others))
    return async () => {
      await end()
      field.story.tell(`${list(some)} and ${list(others)} are in touch again`)
    }
  },
  /** Two that do not hear each other, and all others hear both. */
  'cut pair': ({ field, cuts, random }) => {
    const [one, other] = random.shuffled(namesOf(field.members)) as [string, string]
    field.story.tell(`${one} and ${other} are cut off from each other`)
    const end = cuts.drop(bothWays([one], [other]))
    return async () => {
      await end()
      field.story.tell(`${one} and ${other} are in touch again`)
    }
  },
  /** Cut and healed faster than anybody is sure of it. */
  'flapping link': ({ field, cuts, random }) => {
    const [one, other] = random.shuffled(namesOf(field.members)) as [string, string]
    field.story.tell(`the link between ${one} and ${other} flaps`)
    let end: End | undefined
    const turn = (): void => {
      void end?.()
      end = end === undefined ? cuts.drop(bothWays([one], [other])) : undefined
    }
    const timer = setInterval(turn, random.between(300, 2500))
    return () => {
      clearInterval(timer)
      void end?.()
      field.story.tell(`the link between ${one} and ${other} is steady again`)
    }
  },
  'one-way cut': ({ field, cuts, random }) => {
    const [from, to] = split(random.shuffled(namesOf(field.members)), 1 + random.whole(2))
    field.story.tell(`nothing gets from ${list(from)} to ${list(to)}`)
    const end = cuts.drop(ways(from, to))
    return async () => {
      await end()
      field.story.tell(`${list(to)} hear ${list(from)} again`)
    }
  },
  'device cut off': ({ field, cuts, random }) => {
    const { name } = random.pick(field.devices)
    const peers = random.shuffled(namesOf(field.members)).slice(0, random.chance(0.5) ? 5 : 3)
    const cut = random.chance(0.3) ? ways(peers, [name]) : bothWays([name], peers)
    const how = cut.length === peers.length ? 'hears nothing of' : 'is cut off from'
    field.story.tell(`${name} ${how} ${list(peers)}`)
    const end = cuts.drop(cut)
    return async () => {
      await end()
      field.story.tell(`${name} is in touch again`)
    }
  },
  'pulled cable': ({ field, cuts, random }) => {
    const { name } = random.pick([...field.members, ...field.devices])
    const end = cuts.pull(name)
    if (end === undefined) return undefined
    field.story.tell(`the cable of ${name} is pulled`)
    return async () => {
      await end()
      field.story.tell(`the cable of ${name} is in again`)
    }
  },
} as const satisfies Record<string, Strike>

function namesOf(machines: readonly { readonly name: string }[]): string[] {
  return machines.map(({ name }) => name)
}

function split(names: readonly string[], at: number): [string[], string[]] {
  return [names.slice(0, at), names.slice(at)]
}

function list(names: readonly string[]): string {
  return names.length < 2 ? names.join('') : `${names.slice(0, -1).join(', ')} and ${names.at(-1)}`
}
