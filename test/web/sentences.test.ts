/** What the cart page says, sentence by sentence. */
import { describe, expect, test } from 'vitest'
import { announcement, type Heard } from '../../web/cart/announcements.ts'
import { changed, inverseOf, quantityIn, typedQuantity } from '../../web/cart/changes.ts'
import { inEuros, totalOf } from '../../web/cart/money.ts'
import {
  emptySentence,
  inBytes,
  reachSentence,
  savedSentence,
  stepStates,
  storageSentence,
  thingsSentence,
  undoSentence,
  waitingSentence,
} from '../../web/cart/sentences.ts'
import { noCart, troubleOf } from '../../web/cart/troubles.ts'
import { cart, type Cart, type PeerStatus, RingletError } from '../../web/index.ts'

const member = (id: string, state: 'up' | 'suspect' = 'up') =>
  ({ id, state }) as PeerStatus['members'][number]
const status = (some: Partial<PeerStatus>): PeerStatus =>
  ({
    gate: 'open',
    activity: 'awake',
    pendingWrites: 0,
    members: [],
    links: [],
    storage: {},
    ...some,
  }) as PeerStatus
const link = (peer: string) => ({ peer, roundTripMs: 1 })

test('the last change has one phrase for each stage, wherever the cart came from', () => {
  expect(savedSentence('device', 'quorum')).toBe('Last change: on this device')
  expect(savedSentence('quorum', 'local')).toBe('Last change: on a quorum')
  expect(savedSentence('everywhere', 'nowhere yet')).toBe('Last change: everywhere')
  expect(savedSentence('refused', 'quorum')).toBe('Last change: not saved')
  expect(savedSentence('unknown', 'quorum')).toBe('Last change: perhaps not saved')
})

test('the way of a change has three steps, and at most one of them is under way', () => {
  expect(stepStates(undefined)).toEqual(['not yet', 'not yet', 'not yet'])
  expect(stepStates('device')).toEqual(['done', 'under way', 'not yet'])
  expect(stepStates('quorum')).toEqual(['done', 'done', 'under way'])
  expect(stepStates('everywhere')).toEqual(['done', 'done', 'done'])
  expect(stepStates('refused')).toEqual(['failed', 'not yet', 'not yet'])
  expect(stepStates('unknown')).toEqual(['in doubt', 'not yet', 'not yet'])
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

test('a device without a network, and a tab that sleeps, say so', () => {
  const members = [member('a')]
  const links = [link('a')]
  expect(reachSentence(status({ members }), false)).toMatch(/^Offline: /)
  expect(reachSentence(status({ members, links }), false)).toBe('Offline, yet 1 of 1 peers answer.')
  expect(reachSentence(status({ members, links, activity: 'asleep' }))).toMatch(/^Asleep/)
  // The switch explains the silence better than the network does.
  expect(reachSentence(status({ members, gate: 'closed' }), false)).toMatch(/^Cut off/)
})

test('what waits to be delivered is counted', () => {
  expect(waitingSentence(status({}))).toBe('')
  expect(waitingSentence(status({ pendingWrites: 1 }))).toBe('1 change waits to be delivered.')
  expect(waitingSentence(status({ pendingWrites: 2 }))).toBe('2 changes wait to be delivered.')
})

test('the space on this device is told as far as the browser tells it', () => {
  expect(storageSentence(status({}))).toBe('')
  const storage = { usedBytes: 84_300, quotaBytes: 2_140_000_000 }
  expect(storageSentence(status({ storage }))).toBe('84 kB of 2.1 GB used here.')
  const kept = storageSentence(status({ storage: { ...storage, persisted: true } }))
  expect(kept).toMatch(/kept until you clear it\.$/)
  const loose = storageSentence(status({ storage: { ...storage, persisted: false } }))
  expect(loose).toMatch(/the browser may clear\.$/)
})

test('bytes come with two digits and their unit', () => {
  expect([0, 999, 1000, 12_345, 999_999, 5e9, 7e15].map(inBytes)).toEqual([
    '0 B',
    '999 B',
    '1 kB',
    '12 kB',
    '1 MB',
    '5 GB',
    '7000 TB',
  ])
})

test('an empty list says why it is empty', () => {
  expect(emptySentence(true, 'quorum')).toBe('The cart is empty.')
  expect(emptySentence(true, 'local')).toMatch(/this device/)
  expect(emptySentence(true, 'nowhere yet')).toBe('Loading…')
  expect(emptySentence(false, 'quorum')).toBe('There is no cart to show.')
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

test('a button is offered where a button mends it', () => {
  const mendOf = (code: 'slot-taken' | 'store-lost' | 'wrong-ring' | 'store-full') =>
    troubleOf(new RingletError(code, 'it went wrong')).mend
  expect(mendOf('slot-taken')).toBe('reload')
  expect(mendOf('store-lost')).toBe('reload')
  expect(mendOf('wrong-ring')).toBe('forget')
  expect(mendOf('store-full')).toBeUndefined()
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

describe('money', () => {
  test('is whole cents, and only its words have a point', () => {
    expect([0, 5, 1_80, 89_00, 1_234_50].map(inEuros)).toEqual([
      '€0.00',
      '€0.05',
      '€1.80',
      '€89.00',
      '€1,234.50',
    ])
  })

  test('a total counts what this shop has a price for, and says how much it has none for', () => {
    const items = [
      { product: 'mug', quantity: 3 },
      { product: 'pencil', quantity: 1 },
      { product: 'unicorn', quantity: 2 },
    ]
    const total = totalOf(items)
    expect(total).toEqual({ things: 6, cents: 37_80, unpriced: 2 })
    expect(thingsSentence(total)).toBe('6 things')
    expect(thingsSentence(totalOf(items.slice(1, 2)))).toBe('1 thing')
    expect(totalOf([])).toEqual({ things: 0, cents: 0, unpriced: 0 })
  })
})

describe('a change and its undoing', () => {
  const write = (by: string, count: number) => ({ id: `${by}:${count}`, by, count })
  const withMugs = (quantity: number): Cart => cart.add(cart.empty, 'mug', quantity, write('a', 1))

  test('each wish does what it says, and never less than nothing', () => {
    const by = write('a', 2)
    const now = (wish: Parameters<typeof changed>[2]) =>
      quantityIn(changed(withMugs(3), 'mug', wish, by), 'mug')
    expect(now({ type: 'more', by: 2 })).toBe(5)
    expect(now({ type: 'fewer', by: 2 })).toBe(1)
    expect(now({ type: 'fewer', by: 9 })).toBe(0)
    expect(now({ type: 'set', to: 7 })).toBe(7)
    expect(now({ type: 'set', to: 0 })).toBe(0)
    expect(now({ type: 'none' })).toBe(0)
  })

  test('a retry of one write changes nothing more', () => {
    for (const type of ['more', 'fewer'] as const) {
      const once = changed(withMugs(3), 'mug', { type, by: 1 }, write('a', 2))
      const merged = cart.merge(once, changed(withMugs(3), 'mug', { type, by: 1 }, write('a', 2)))
      expect(quantityIn(merged, 'mug')).toBe(type === 'more' ? 4 : 2)
    }
  })

  test('undoing takes back what the click did, and leaves what others did', () => {
    const removed = changed(withMugs(3), 'mug', { type: 'none' }, write('a', 2))
    const others = cart.add(removed, 'mug', 2, write('b', 1))
    const back = inverseOf({ product: 'mug', before: 3, after: 0 })
    expect(quantityIn(changed(others, 'mug', back, write('a', 3)), 'mug')).toBe(5)

    const added = changed(withMugs(3), 'mug', { type: 'more', by: 1 }, write('a', 2))
    const fewer = cart.setQuantity(added, 'mug', 2, write('b', 1))
    const away = inverseOf({ product: 'mug', before: 3, after: 4 })
    expect(quantityIn(changed(fewer, 'mug', away, write('a', 3)), 'mug')).toBe(1)
  })

  test('it is named by what happened', () => {
    const said = (before: number, after: number) => undoSentence({ product: 'mug', before, after })
    expect(said(0, 2)).toBe('mug added')
    expect(said(2, 0)).toBe('mug removed')
    expect(said(2, 3)).toBe('mug, 1 more')
    expect(said(5, 2)).toBe('mug, 3 fewer')
  })

  test('what is typed is a whole number of up to four digits, or nothing', () => {
    expect(['3', ' 12 ', '0', '9999'].map(typedQuantity)).toEqual([3, 12, 0, 9999])
    expect(['', '-1', '1.5', '1e3', 'two', '12345'].map(typedQuantity)).toEqual(
      Array.from({ length: 6 }, () => undefined),
    )
  })
})

describe('what a screen reader is told', () => {
  const heard = (some: Partial<Heard> = {}): Heard => ({
    key: 'alice',
    items: [{ product: 'mug', quantity: 1 }],
    saved: 'Last change: everywhere',
    reach: 'All 3 peers answer.',
    ...some,
  })

  test('is nothing where nothing is new', () => {
    expect(announcement(heard(), heard())).toBe('')
  })

  test('first names the cart, without what goes without saying', () => {
    expect(announcement(undefined, heard())).toBe(
      'Cart of alice: 1 thing. Last change: everywhere.',
    )
    const other = heard({ key: 'bob', items: [] })
    expect(announcement(heard(), other)).toBe('Cart of bob: 0 things.')
  })

  test('one product that changed is named, several are counted', () => {
    const two = heard({ items: [{ product: 'mug', quantity: 2 }] })
    expect(announcement(heard(), two)).toBe('mug: 2 in the cart.')
    expect(announcement(two, heard({ items: [] }))).toBe('mug: no longer in the cart.')
    const several = heard({
      items: [
        { product: 'kite', quantity: 1 },
        { product: 'mug', quantity: 4 },
      ],
    })
    expect(announcement(heard(), several)).toBe('The cart has changed: 5 things.')
  })

  test('a stage or a reach is told when it is another than it was', () => {
    const cut = heard({ saved: 'Last change: on this device', reach: 'Cut off.' })
    expect(announcement(heard(), cut)).toBe('Last change: on this device. Cut off.')
  })
})
