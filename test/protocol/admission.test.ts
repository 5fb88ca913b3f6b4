import { describe, expect, it } from 'vitest'
import { utf8 } from '../../src/data/bytes.ts'
import { generationOf } from '../../src/data/hash.ts'
import { identityFromSeed } from '../../src/data/identity.ts'
import { makeKey } from '../../src/data/key.ts'
import { emptyState, makeValue } from '../../src/data/siblings.ts'
import { nothingSeen, withDot } from '../../src/data/vector.ts'
import { refuse } from '../../src/protocol/admission.ts'
import { isRefusedOnItsMerits } from '../../src/protocol/errors.ts'
import { limits } from '../../src/protocol/limits.ts'
import { makeView, type RingIdentity, signRecord } from '../../src/protocol/membership.ts'
import type { Request } from '../../src/protocol/message.ts'

const ring: RingIdentity = {
  name: 'r',
  id: 'AAAAAAAAAAAAAAAAAAAAAA',
  n: 3,
  q: 16,
  durableOwners: 3,
}
const identity = identityFromSeed(new Uint8Array(32).fill(1))
const member = identity.peer
const view = makeView(ring, [
  signRecord(identity, ring, {
    peer: member,
    version: 1,
    class: 'durable',
    host: 'h',
    zone: '',
    weight: 1,
    addresses: [],
    generation: 'g',
    readiness: 'ready',
    losses: 0,
  }),
])
const key = makeKey('carts', 'alice')
const seed = new Uint8Array(16).fill(5)
const edge = 'an edge'
const value = makeValue(utf8('x'), 0)
const dot = { actor: `${generationOf(edge, seed)}.1`, counter: 1 }

function delivery(changes: Partial<Extract<Request, { type: 'deliver' }>> = {}): Request {
  const whole = { key, dot, context: nothingSeen, value, origin: edge, seed, w: 2, direct: false }
  return { type: 'deliver', ...whole, ...changes }
}

describe('admission', () => {
  it.each([
    { type: 'replicate', key, state: emptyState, minter: undefined, insteadOf: undefined },
    { type: 'handoff', items: [] },
    { type: 'exchange', items: [] },
    { type: 'folds', from: 0, to: 1, parts: 1, salt: seed },
    { type: 'keys', partition: 0, slot: undefined, salt: seed, most: 1 },
  ] satisfies Request[])('lets only members ask for $type', (request) => {
    expect(refuse(view, member, request)).toBeUndefined()
    expect(refuse(view, edge, request)).toMatchObject({ code: 'not-a-member' })
  })

  it('tells anybody what it holds of a key, as a get would', () => {
    expect(refuse(view, edge, { type: 'read', key, have: undefined })).toBeUndefined()
  })

  it('takes a dot that its sender shows to be its own', () => {
    expect(refuse(view, edge, delivery())).toBeUndefined()
  })

  it.each([
    ['a generation that is not its own', { dot: { actor: 'AAAAAAAAAAAAAAAA.1', counter: 1 } }],
    ["another's seed", { seed: new Uint8Array(16) }],
    ["another's name", { origin: 'somebody else' }],
  ])('refuses a delivery under %s', (_, changes) => {
    expect(refuse(view, edge, delivery(changes))).toMatchObject({ code: 'not-admitted' })
  })

  it('lets a member pass on what an edge has shown it, and no edge', () => {
    expect(refuse(view, member, delivery({ direct: true }))).toBeUndefined()
    expect(refuse(view, 'another edge', delivery({ direct: true }))).toMatchObject({
      code: 'not-a-member',
    })
  })

  it('lets a member pass on a put under the name of who asked first, and nobody else', () => {
    const asked = { key, request: seed, context: nothingSeen, value, w: 2 }
    const put = { type: 'put', ...asked, direct: true, origin: edge } as const
    expect(refuse(view, member, put)).toBeUndefined()
    expect(refuse(view, 'another edge', put)).toMatchObject({ code: 'not-a-member' })
    expect(refuse(view, edge, { ...put, direct: false })).toBeUndefined()
    expect(refuse(view, member, { ...put, direct: false })).toMatchObject({ code: 'not-a-member' })
  })

  it('refuses a write that would supersede itself', () => {
    const context = withDot(nothingSeen, dot)
    expect(refuse(view, edge, delivery({ context }))).toMatchObject({ code: 'malformed' })
  })

  it('says "not a member" of what is no verdict on the request: another table may know the sender', () => {
    expect(isRefusedOnItsMerits('not-a-member')).toBe(false)
    expect(isRefusedOnItsMerits('not-admitted')).toBe(true)
  })

  it('refuses a get of no answers, or of more than any ring has', () => {
    for (const r of [0, 65]) {
      expect(refuse(view, edge, { type: 'get', key, r })).toMatchObject({ code: 'bad-argument' })
      const listing = { type: 'list', prefix: key, after: undefined, r, direct: false } as const
      expect(refuse(view, edge, listing)).toMatchObject({ code: 'bad-argument' })
    }
  })

  it('refuses a page that begins outside of its listing', () => {
    const prefix = makeKey('carts', ['alice', 'b'])
    const listing = { type: 'list', prefix, r: 2, direct: false } as const
    expect(
      refuse(view, edge, { ...listing, after: makeKey('carts', ['alice', 'a']) }),
    ).toMatchObject({ code: 'bad-argument' })
    const within = makeKey('carts', ['alice', 'b', 'c'])
    expect(refuse(view, edge, { ...listing, after: within })).toBeUndefined()
  })

  it('refuses a question about more copies than one message may ask about', () => {
    const copy = { key, digest: new Uint8Array(16) }
    const asking = (count: number): Request => ({
      type: 'fresh',
      copies: Array.from({ length: count }, () => copy),
    })
    expect(refuse(view, edge, asking(limits.comparedKeys))).toBeUndefined()
    expect(refuse(view, edge, asking(limits.comparedKeys + 1))).toMatchObject({
      code: 'bad-argument',
    })
  })

  it('refuses a value above the limit, and a W of nobody', () => {
    const big = makeValue(new Uint8Array(limits.valueBytes + 1), 0)
    expect(refuse(view, edge, delivery({ value: big }))).toMatchObject({ code: 'value-too-large' })
    expect(refuse(view, edge, delivery({ w: 0 }))).toMatchObject({ code: 'bad-argument' })
  })
})
