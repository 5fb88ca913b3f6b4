/** What the ring's panel says and draws, without a ring. */
import { describe, expect, test } from 'vitest'
import { arcsOf, firstShares, pointAt } from '../../web/cart/ring/arcs.ts'
import { facesOf, shortId } from '../../web/cart/ring/names.ts'
import {
  countWords,
  eventWords,
  holdingWords,
  percent,
  roundTripWords,
  stateWords,
} from '../../web/cart/ring/words.ts'
import type { Holding, MemberStatus, PeerStatus, RingSnapshot } from '../../web/index.ts'

const member = (id: string, some: Partial<MemberStatus> = {}) =>
  ({ id, host: `host-${id}`, state: 'up', ...some }) as MemberStatus
const status = (some: Partial<PeerStatus>) =>
  ({ gate: 'open', links: [], members: [], ...some }) as PeerStatus

describe('the drawing', () => {
  /** Partition p belongs to the member that `ownerOf` names. */
  const ringOf = (partitions: number, ownerOf: (partition: number) => string): RingSnapshot => ({
    partitions,
    members: [],
    owners: (partition) => [ownerOf(partition)],
    partitionOf: () => 0,
  })
  const arcCount = (path: string | undefined): number => (path ?? '').split('M').length - 1

  test('has an arc for each partition, neighbours of one owner joined', () => {
    const { step, paths } = arcsOf(
      ringOf(8, (partition) => 'aababbab'[partition]!),
      0,
      100,
    )
    expect(step).toBe(1)
    expect(arcCount(paths.get('a'))).toBe(3)
    expect(arcCount(paths.get('b'))).toBe(3)
    // The first of a's spans two of the eight: it ends a quarter turn from the top.
    expect(paths.get('a')).toMatch(/^M0 -100A100 100 0 0 1 100 0M/)
  })

  test('of a large ring shows some, each with its own owner, and always the one that is looked for', () => {
    const partitions = 4096
    for (const mustSee of [0, 1, 31, 32, 2135, 4095]) {
      const only = ringOf(partitions, (partition) => (partition === mustSee ? 'wanted' : 'other'))
      const { step, paths, mark } = arcsOf(only, mustSee, 100)
      expect(step).toBe(32)
      expect(arcCount(paths.get('wanted'))).toBe(1)
      const [x, y] = pointAt(mark - 0.5 / 128, 100)
      expect(paths.get('wanted')).toMatch(new RegExp(`^M${x} ${y}A`))
    }
  })

  test('of one member is a whole circle', () => {
    const { paths } = arcsOf(
      ringOf(1024, () => 'a'),
      7,
      100,
    )
    expect(paths.get('a')).toBe('M0 -100A100 100 0 0 1 0 100M0 100A100 100 0 0 1 0 -100')
  })

  test('its shares are of all partitions, drawn or not', () => {
    const shares = firstShares(ringOf(4096, (partition) => (partition % 4 === 0 ? 'a' : 'b')))
    expect(Object.fromEntries(shares)).toEqual({ a: 0.25, b: 0.75 })
  })
})

describe('names and colours', () => {
  test('a member is called by its host, or by its id where two share one', () => {
    const faces = facesOf([
      member('12D3KooWaaaaaa', { host: 'berlin' }),
      member('12D3KooWbbbbbb', { host: 'paris' }),
      member('12D3KooWcccccc', { host: 'paris' }),
    ])
    expect(faces('12D3KooWaaaaaa').name).toBe('berlin')
    expect(faces('12D3KooWbbbbbb').name).toBe('…bbbbbb')
    expect(faces('12D3KooWcccccc').name).toBe('…cccccc')
    expect(faces('12D3KooWunknown').name).toBe(shortId('12D3KooWunknown'))
  })

  test('each has another colour, whatever the order they come in', () => {
    const members = Array.from({ length: 40 }, (_, at) => member(`m${at}`))
    const faces = facesOf(members)
    const colours = members.map(({ id }) => faces(id).colour)
    expect(new Set(colours).size).toBe(40)
    const others = facesOf(members.toReversed())
    expect(members.map(({ id }) => others(id).colour)).toEqual(colours)
  })
})

describe('what is known, and what is not', () => {
  const links = [{ peer: 'a', roundTripMs: 1.25 }]

  test('a member answers when it is linked and not suspect; of a cut tab nothing is known', () => {
    expect(stateWords(member('a'), status({ links }))).toBe('answers')
    expect(stateWords(member('b'), status({ links }))).toBe('not linked')
    expect(stateWords(member('a', { state: 'suspect' }), status({ links }))).toBe('does not answer')
    expect(stateWords(member('a'), status({ links, gate: 'closed' }))).toBe('unknown')
    expect(stateWords(member('a', { state: 'self' }), status({}))).toBe('this peer')
  })

  test('a round trip is that of a link, and counts are what the member itself has said', () => {
    expect(roundTripWords('a', status({ links }))).toBe('1.3 ms')
    expect(roundTripWords('a', status({ links: [{ peer: 'a', roundTripMs: 41.7 }] }))).toBe('42 ms')
    expect(roundTripWords('b', status({ links }))).toBe('unknown')
    const report = { member: 'a', answered: true, hints: 0, keys: 12_345, suspects: [] }
    expect(countWords(report, 'keys')).toBe('12,345')
    expect(countWords(report, 'hints')).toBe('0')
    expect(countWords({ ...report, answered: false }, 'hints')).toBe('unknown')
    expect(countWords(undefined, 'keys')).toBe('unknown')
    expect(percent(1 / 3)).toBe('33.3 %')
  })

  test('a member that is silent is not said to hold nothing', () => {
    const words = (holds: Holding['holds'], siblings = 1) =>
      holdingWords({ member: 'a', role: 'owner', holds, siblings })
    expect(words('all')).toBe('holds it all')
    expect(words('all', 3)).toBe('holds it all, 3 values side by side')
    expect(words('part')).toBe('lacks a part')
    expect(words('none', 0)).toBe('holds nothing of it')
    expect(words('silent', 0)).toMatch(/unknown/)
  })
})

test('events are told in words, with the names that people know', () => {
  const said = (event: Omit<Parameters<typeof eventWords>[0], 'peer'>) =>
    eventWords({ peer: 'me', ...event }, (id) => `dev-${id}`)
  expect(said({ type: 'link-up', to: '1' })).toBe('Linked to dev-1.')
  expect(said({ type: 'suspect', to: '2', detail: 'deadline' })).toBe('Suspects dev-2: deadline.')
  expect(said({ type: 'mint', dot: 'x 1' })).toBe('Wrote a change on this device.')
  expect(said({ type: 'mint', key: 'carts/alice' })).toBe(
    'Wrote a change of carts/alice on this device.',
  )
  expect(said({ type: 'deliver', result: 'ok' })).toBe('Delivered a change: a quorum has it.')
  expect(said({ type: 'deliver', result: 'unreachable' })).toBe(
    'Could not deliver a change yet: unreachable.',
  )
  expect(said({ type: 'refused-input', from: '3', detail: 'torn' })).toBe(
    'Refused what dev-3 sent: torn.',
  )
})
