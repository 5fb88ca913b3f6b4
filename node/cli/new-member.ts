/**
 * A member that is to come, as the command line names it: `host=attic,zone=north,weight=2`.
 */
import { maxWeight } from '../../src/data/ring.ts'
import type { NewMember } from '../../src/protocol/plan.ts'
import { nearest } from './nearest.ts'
import { usageError } from './outcome.ts'

const parts = ['host', 'zone', 'weight']
const example = '--with host=attic,zone=north,weight=2'

/** Throws a usage error. */
export function newMember(text: string): NewMember {
  const given = new Map<string, string>()
  for (const part of text.split(',')) {
    const [, name = '', value = ''] = /^([^=]*)=(.*)$/.exec(part) ?? []
    if (!parts.includes(name)) {
      const near = nearest(name, parts)
      const meant = near === undefined ? 'Write it like' : `Did you mean ${near}=? Write it like`
      throw usageError(`--with ${text}: ${part} is none of its parts.`, `${meant} ${example}.`)
    }
    if (given.has(name)) throw usageError(`--with ${text} has ${name} twice.`)
    if (!/^[\w.:-]{1,64}$/.test(value)) {
      throw usageError(
        `--with ${text}: ${name} has 1 to 64 letters, digits, dots, colons and hyphens.`,
      )
    }
    given.set(name, value)
  }
  const host = given.get('host')
  if (host === undefined)
    throw usageError(`--with ${text} names no host.`, `Write it like ${example}.`)
  const weight = given.get('weight') ?? '1'
  if (!/^\d{1,9}$/.test(weight) || Number(weight) < 1 || Number(weight) > maxWeight) {
    throw usageError(`--with ${text}: weight ${weight} is no whole number from 1 to ${maxWeight}.`)
  }
  return { host, zone: given.get('zone') ?? 'default', weight: Number(weight) }
}
