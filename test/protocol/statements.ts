/**
 * Statements without signatures, for tests of what they mean: who may be believed is asked elsewhere.
 */
import { utf8 } from '../../src/data/bytes.ts'
import { digestOf } from '../../src/data/hash.ts'
import { encode } from '../../src/protocol/codec.ts'
import type { Seat } from '../../src/protocol/seats.ts'
import {
  type Course,
  courseKind,
  type Kind,
  type Signed,
  type Vote,
} from '../../src/protocol/statement.ts'
import type { MemberRecord, RingIdentity } from '../../src/protocol/view.ts'

export const oneRing: RingIdentity = {
  name: 'r',
  id: 'AAAAAAAAAAAAAAAAAAAAAA',
  n: 3,
  q: 1,
  durableOwners: 3,
}

const noSignature = new Uint8Array(64)

export function unsigned<T>({ codec }: Kind<T>, said: NoInfer<T>): Signed<T> {
  return { said, signed: encode(codec, said), signature: noSignature }
}

export function signedBySomebody<T>({ codec }: Kind<T>, said: T, salt: string): Signed<T> {
  const half = digestOf(utf8(salt))
  const signature = Uint8Array.of(...half, ...half, ...half, ...half)
  return { said, signed: encode(codec, said), signature }
}

export function seatFor(peer: string, join = 0, weight = 1): Seat {
  return { peer, join, class: 'durable', host: `host of ${peer}`, zone: '', weight }
}

export function recordFor(peer: string, generation = `${peer} 1`): MemberRecord {
  return {
    peer,
    version: 1,
    class: 'durable',
    host: `host of ${peer}`,
    zone: '',
    weight: 1,
    addresses: [],
    generation,
    readiness: 'ready',
    losses: 0,
  }
}

export function courseFor(
  peer: string,
  version: number,
  votes: readonly Vote[] = [],
  more: Partial<Course> = {},
): Signed<Course> {
  const course: Course = { peer, join: 0, version, status: 'up', stands: 0, votes, ...more }
  return unsigned(courseKind, course)
}
