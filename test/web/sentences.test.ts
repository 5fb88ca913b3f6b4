/** What the cart page says, sentence by sentence. */
import { expect, test } from 'vitest'
import {
  emptySentence,
  noCart,
  reachSentence,
  savedSentence,
  troubleOf,
} from '../../web/cart/sentences.ts'
import { type PeerStatus, RingletError } from '../../web/index.ts'

const member = (id: string, state: 'up' | 'suspect' = 'up') =>
  ({ id, state }) as PeerStatus['members'][number]
const status = (some: Partial<PeerStatus>): PeerStatus =>
  ({ gate: 'open', pendingWrites: 0, members: [], links: [], ...some }) as PeerStatus
const link = (peer: string) => ({ peer, roundTripMs: 1 })

test('the last change has one phrase for each stage, wherever the cart came from', () => {
  expect(savedSentence('device', 'quorum')).toBe('Last change: on this device')
  expect(savedSentence('quorum', 'local')).toBe('Last change: on a quorum')
  expect(savedSentence('everywhere', 'nowhere yet')).toBe('Last change: everywhere')
})

test('without a change it says where the cart comes from', () => {
  expect(savedSentence(undefined, 'nowhere yet')).toBe('Loading…')
  expect(savedSentence(undefined, 'local')).toBe('No change yet: loaded from this device')
  expect(savedSentence(undefined, 'quorum')).toBe('No change yet: loaded from a quorum')
})

test('who answers: all, some, none, or nobody because of the switch', () => {
  const members = [member('a'), member('b'), member('c')]
  const all = [link('a'), link('b'), link('c')]
  expect(reachSentence(status({ members, links: all }))).toBe('All 3 peers answer.')
  expect(reachSentence(status({ members, links: all.slice(1) }))).toBe('2 of 3 peers answer.')
  const suspected = [member('a', 'suspect'), member('b'), member('c')]
  expect(reachSentence(status({ members: suspected, links: all }))).toBe('2 of 3 peers answer.')
  expect(reachSentence(status({ members }))).toMatch(/^No peer answers/)
  expect(reachSentence(status({}))).toMatch(/^No peer answers/)
  expect(reachSentence(status({ members, links: all, gate: 'closed' }))).toMatch(/^Cut off/)
})

test('what waits to be delivered is counted', () => {
  expect(reachSentence(status({ pendingWrites: 1 }))).toMatch(/ 1 change waits to be delivered\.$/)
  expect(reachSentence(status({ pendingWrites: 2 }))).toMatch(/ 2 changes wait to be delivered\.$/)
})

test('an empty list says why it is empty', () => {
  expect(emptySentence({ invalid: [] }, 'quorum')).toBe('The cart is empty.')
  expect(emptySentence({ invalid: [] }, 'local')).toMatch(/this device/)
  expect(emptySentence({ invalid: [] }, 'nowhere yet')).toBe('Loading…')
  expect(emptySentence({ invalid: [1] }, 'quorum')).toBe('There is no cart to show.')
})

test('an error keeps its code and remedy, a defect gets a remedy', () => {
  const error = new RingletError('store-full', 'the disk is full', { remedy: 'Make room.' })
  expect(troubleOf(error)).toEqual({
    code: 'store-full',
    what: 'The disk is full.',
    remedy: 'Make room.',
  })
  expect(troubleOf(new Error('oops'))).toMatchObject({ code: 'defect', what: 'Oops.' })
  expect(troubleOf('just a text').what).toBe('Just a text.')
  expect(troubleOf(undefined).what).toBe('Undefined.')
})

test('what is no cart is shown whole, bytes and siblings too', () => {
  const { raw } = noCart('alice', [{ a: [1, null] }, Uint8Array.of(0, 255), 'text'])
  expect(raw).toContain('"a": [')
  expect(raw).toContain('bytes 00ff')
  expect(raw).toContain('"text"')
})

test('the command in a remedy can be pasted into a shell, whatever the cart is called', () => {
  expect(noCart('alice', [1]).remedy).toMatch(/delete carts alice$/)
  expect(noCart("al'ice; x", [1]).remedy).toMatch(/delete carts 'al'\\''ice; x'$/)
  expect(noCart('-f', [1]).remedy).toMatch(/delete carts -- -f$/)
})
