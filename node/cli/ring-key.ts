/**
 * `ringlet ring --key BUCKET KEY…`: where a key is to be, and who holds what of it just now.
 */
import type { Holding } from '../../src/peer/api.ts'
import type { KeyLocation } from '../control-ring.ts'
import { showKey } from './keys.ts'
import { exits, type Given, type Outcome, usageError } from './outcome.ts'
import { askRing, type Ring } from './ring.ts'
import { showTable } from './table.ts'

const held: Readonly<Record<Holding['holds'], string>> = {
  all: 'all',
  part: 'a part',
  none: 'nothing',
  silent: 'no answer',
}

/** A key of which nobody holds anything is not found, and its owners are shown all the same. */
export async function locateKey(ring: Ring, given: Given): Promise<Outcome> {
  const bucket = given.words['BUCKET']
  const path = given.lists['KEY'] ?? []
  if (bucket === undefined || path.length === 0) {
    const missing = bucket === undefined ? 'BUCKET' : 'KEY'
    throw usageError(`${missing} is missing: ringlet ring --key BUCKET KEY…`)
  }
  const parts = path.map(encodeURIComponent).join('/')
  const location = await askRing<KeyLocation>(
    ring,
    `/buckets/${encodeURIComponent(bucket)}/where/${parts}`,
  )
  const isHeld = location.preference.some(({ holds }) => holds === 'all' || holds === 'part')
  return {
    exit: isHeld ? exits.ok : exits.notFound,
    text: showLocation(ring, showKey({ bucket, key: path.join('/') }), location, isHeld),
    json: location,
  }
}

function showLocation(ring: Ring, name: string, location: KeyLocation, isHeld: boolean): string {
  const { partition, partitions, preference } = location
  const rows = preference.map(({ member, role, holds, siblings }) => [
    ring.nameOf(member),
    role,
    held[holds],
    holds === 'all' || holds === 'part' ? String(siblings) : '',
  ])
  return [
    `${name} is in partition ${partition} of ${partitions}. Its preference list:`,
    '',
    ...showTable(['peer', 'role', 'holds', 'values'], rows, ['values']),
    '',
    verdictOf(preference, isHeld),
  ].join('\n')
}

function verdictOf(preference: readonly Holding[], isHeld: boolean): string {
  const owners = preference.filter(({ role }) => role === 'owner')
  const whole = owners.filter(({ holds }) => holds === 'all').length
  const silent = preference.filter(({ holds }) => holds === 'silent').length
  if (!isHeld && silent === preference.length) return 'Nobody answers.'
  if (!isHeld) {
    const who = silent === 0 ? 'Nobody' : 'Nobody who answers'
    return `${who} holds anything of it. Are its bucket and its key spelled so?`
  }
  const standIns = preference.filter(
    ({ role, holds }) => role === 'fallback' && (holds === 'all' || holds === 'part'),
  ).length
  const kept =
    standIns === 0 ? '' : ` Fallbacks hold it too, until all owners have it: ${standIns}.`
  const knowing = preference.filter(({ holds }) => holds === 'all')
  const isDeleted = knowing.length > 0 && knowing.every(({ siblings }) => siblings === 0)
  const deleted = isDeleted ? ' It has no value: it was deleted, or has expired.' : ''
  return `${whole} of its ${owners.length} owners hold all that is known of it.${deleted}${kept}`
}
