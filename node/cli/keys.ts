/**
 * What the commands on one key share: its address at the control port, and how its values are shown.
 */
import type { KeyRead, KeyWritten } from '../control-keys.ts'
import { RingletError } from '../../src/protocol/errors.ts'
import type { CallOptions } from './call.ts'
import { type Given, wholeNumber } from './outcome.ts'
import { askRing, type Ring } from './ring.ts'

/** A thousand years. */
const mostSeconds = 1000 * 366 * 24 * 3600

export interface NamedKey {
  readonly bucket: string
  readonly key: string
}

export function keyGiven({ words }: Given): NamedKey {
  return { bucket: words['BUCKET']!, key: words['KEY']! }
}

/** A read that fails is refused: there is nothing that it could have done. */
export async function readKey(ring: Ring, given: Given): Promise<KeyRead> {
  try {
    return await askRing(ring, `${pathOf(keyGiven(given))}${query(given, 'r')}`)
  } catch (error) {
    if (!(error instanceof RingletError) || error.outcome === 'refused') throw error
    const { code, message, needed, got, answers } = error
    const remedy = 'Start the peers that are down, or ask for fewer answers with --r 1.'
    throw new RingletError(code, message, { remedy, needed: needed!, got: got!, answers })
  }
}

export function writeKey(
  ring: Ring,
  given: Given,
  context: string,
  options: CallOptions,
): Promise<KeyWritten> {
  const headers = { ...options.headers, ...(context === '' ? {} : { 'ringlet-context': context }) }
  const path = `${pathOf(keyGiven(given))}${query(given, 'w')}`
  return askRing(ring, path, { ...options, headers })
}

export function showKey({ bucket, key }: NamedKey): string {
  return `${bucket}/${key}`
}

/** One line a value. */
export function showValues({ siblings }: Pick<KeyRead, 'siblings'>): string[] {
  return siblings.map(({ value }) => JSON.stringify(value))
}

/** Where a write is: `on peer-1 and peer-3`, and who keeps it for whom. */
export function showPlaces(ring: Ring, { acks, hints }: KeyWritten): string {
  const places = acks.map((peer) => {
    const owner = hints[peer]
    return owner === undefined
      ? ring.nameOf(peer)
      : `${ring.nameOf(peer)} for ${ring.nameOf(owner)}`
  })
  const last = places.pop()
  return `on ${places.length === 0 ? last : `${places.join(', ')} and ${last}`}`
}

function pathOf({ bucket, key }: NamedKey): string {
  return `/buckets/${encodeURIComponent(bucket)}/keys/${encodeURIComponent(key)}`
}

function query(given: Given, name: 'r' | 'w'): string {
  const parts = given.switches.has('strict') ? ['strict'] : []
  if (given.values[name] !== undefined)
    parts.push(`${name}=${wholeNumber(given, name, 2, [1, 99])}`)
  if (given.values['ttl'] !== undefined)
    parts.push(`ttlMs=${1000 * wholeNumber(given, 'ttl', 0, [1, mostSeconds])}`)
  return parts.length === 0 ? '' : `?${parts.join('&')}`
}
