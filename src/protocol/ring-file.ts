/**
 * The ring's public file: what makes a ring this ring, and where to find somebody of it.
 *
 * Nobody founds a ring by being alone (a second one would take writes that the first never sees), so the identity is
 * made once, by an explicit act, and every Node peer and every page gets it from this file. It is JSON, because people
 * read it and web servers serve it; it holds no secret.
 */
import { fromBase64Url, MalformedError } from '../data/bytes.ts'
import { maxPartitions } from '../data/ring-shape.ts'
import { RingletError } from './errors.ts'
import type { RingIdentity } from './membership.ts'

export interface RingFile {
  readonly identity: RingIdentity
  /** Multiaddrs of members to ask first, each with its `/p2p/` id. */
  readonly bootstrap: readonly string[]
}

/** Where a server of pages serves it. */
export const ringFilePath = '/.well-known/ringlet.json'

const format = 1
const idBytes = 16

/** One line a field, as people read it. */
export function writeRingFile({ identity, bootstrap }: RingFile): string {
  const { name, id, n, q, durableOwners } = identity
  const ring = { name, id, n, q, durableOwners }
  return `${JSON.stringify({ ringlet: format, ring, bootstrap }, null, 2)}\n`
}

/** The ring of a parsed JSON text. Throws `RingletError`, `ring-file`, that says what is wrong with it. */
export function readRingFile(json: unknown): RingFile {
  if (!isRecord(json) || json['ringlet'] === undefined) throw wrong('it is no ring file')
  if (json['ringlet'] !== format) {
    throw wrong(
      `it has format ${JSON.stringify(json['ringlet'])}, and this Ringlet knows ${format}`,
    )
  }
  const { ring, bootstrap = [] } = json
  if (!isRecord(ring)) throw wrong('it has no "ring"')
  const isList = Array.isArray(bootstrap) && bootstrap.every((each) => typeof each === 'string')
  if (!isList) throw wrong('"bootstrap" is no list of addresses')
  return { identity: readIdentity(ring), bootstrap: bootstrap as string[] }
}

/** Throws `RingletError`, `ring-file`, for what no ring can be. */
export function readIdentity(ring: Readonly<Record<string, unknown>>): RingIdentity {
  const { name, id, n, q, durableOwners } = ring
  if (typeof name !== 'string' || !isName(name)) {
    throw wrong('"name" is 1 to 64 letters, digits and hyphens')
  }
  if (typeof id !== 'string' || !isId(id)) throw wrong('"id" is not 128 bits in base64url')
  if (!isWhole(n, 1, 16)) throw wrong('"n" is a whole number from 1 to 16')
  if (!isWhole(q, 1, maxPartitions) || (q & (q - 1)) !== 0) {
    throw wrong(`"q" is a power of two up to ${maxPartitions}`)
  }
  if (!isWhole(durableOwners, 0, n)) throw wrong('"durableOwners" is a whole number from 0 to n')
  return { name, id, n, q, durableOwners }
}

function isName(name: string): boolean {
  return /^[A-Za-z0-9][A-Za-z0-9-]{0,63}$/.test(name)
}

function isId(id: string): boolean {
  try {
    return fromBase64Url(id).length === idBytes
  } catch (error) {
    if (error instanceof MalformedError) return false
    throw error
  }
}

function isWhole(value: unknown, least: number, most: number): value is number {
  return Number.isInteger(value) && (value as number) >= least && (value as number) <= most
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function wrong(what: string): RingletError {
  return new RingletError('ring-file', `This ring file cannot be used: ${what}.`, {
    remedy: 'Take the file that `ringlet init` made, unchanged.',
  })
}
