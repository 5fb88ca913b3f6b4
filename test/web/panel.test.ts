/** What the ring's panel says and draws, without a ring. */
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { arcsOf, firstShares, pointAt } from '../../web/cart/ring/arcs.ts'
import { type Look, Looking } from '../../web/cart/ring/looking.ts'
import { facesOf, shortId } from '../../web/cart/ring/names.ts'
import {
  countWords,
  eventWords,
  holdingWords,
  percent,
  roundTripWords,
  stateWords,
} from '../../web/cart/ring/words.ts'
import type { Holding, MemberStatus, Peer, PeerStatus, RingSnapshot } from '../../web/index.ts'

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

describe('the members are asked', () => {
  beforeEach(() => void vi.useFakeTimers())
  afterEach(() => void vi.useRealTimers())

  /** A ring of so many members that answers when it is told to. */
  const peerOf = (members: number) => {
    const answers: (() => void)[] = []
    const now = { gate: 'open', activity: 'awake' as PeerStatus['activity'] }
    const peer = {
      get status() {
        return status(now as Partial<PeerStatus>)
      },
      ring: { members: Array.from({ length: members }, (_, at) => `m${at}`) },
      locate: vi.fn(
        () =>
          new Promise((resolve) => {
            answers.push(() => resolve({ partition: 7, preference: [] }))
          }),
      ),
      reports: vi.fn(() => Promise.reject(new Error('nobody answers'))),
    }
    const answer = async (): Promise<void> => {
      answers.splice(0).forEach((one) => one())
      await vi.advanceTimersByTimeAsync(0)
    }
    return { peer, now, answer, asks: () => peer.locate.mock.calls.length }
  }
  const look = (peer: unknown) => {
    const looks: Look[] = []
    const looking = new Looking(peer as Peer, 'alice', (seen) => looks.push(seen))
    return { looking, looks }
  }

  test('at once, then again and again with a pause, until nobody looks any more', async () => {
    const { peer, answer, asks } = peerOf(3)
    const { looking, looks } = look(peer)
    for (let round = 1; round <= 4; round++) {
      await vi.advanceTimersByTimeAsync(round === 1 ? 0 : 1900)
      if (round > 1) expect(asks()).toBe(round - 1)
      await vi.advanceTimersByTimeAsync(300)
      expect(asks()).toBe(round)
      await answer()
    }
    expect(peer.locate).toHaveBeenCalledWith('carts', 'alice')
    expect(looks).toHaveLength(4)
    // One question that failed takes nothing from the other.
    expect(looks[0]).toEqual({ location: { partition: 7, preference: [] } })
    looking.stop()
    looking.again()
    await vi.advanceTimersByTimeAsync(60_000)
    expect(asks()).toBe(4)
  })

  test('one round at a time, however long it takes', async () => {
    const { peer, answer, asks } = peerOf(3)
    const { looking } = look(peer)
    await vi.advanceTimersByTimeAsync(20_000)
    looking.again()
    await vi.advanceTimersByTimeAsync(20_000)
    expect(asks()).toBe(1)
    await answer()
    await vi.advanceTimersByTimeAsync(300)
    expect(asks()).toBe(2)
    looking.stop()
  })

  test('soon after a change, and a storm of changes neither hurries it nor holds it up', async () => {
    const { peer, answer, asks } = peerOf(3)
    const { looking } = look(peer)
    await vi.advanceTimersByTimeAsync(0)
    await answer()
    for (let changes = 0; changes < 100; changes++) {
      looking.again()
      await vi.advanceTimersByTimeAsync(30)
      await answer()
    }
    // Three seconds of changes.
    expect(asks()).toBeGreaterThan(5)
    expect(asks()).toBeLessThan(13)
    looking.stop()
  })

  test('less often in a large ring', async () => {
    const { peer, answer, asks } = peerOf(200)
    const { looking } = look(peer)
    await vi.advanceTimersByTimeAsync(0)
    await answer()
    await vi.advanceTimersByTimeAsync(11_900)
    expect(asks()).toBe(1)
    await vi.advanceTimersByTimeAsync(200)
    expect(asks()).toBe(2)
    looking.stop()
  })

  test('not by a tab that is cut off or asleep, which knows nothing then', async () => {
    const { peer, now, answer, asks } = peerOf(3)
    const { looking, looks } = look(peer)
    await vi.advanceTimersByTimeAsync(0)
    await answer()
    for (const change of [{ gate: 'closed' }, { gate: 'open', activity: 'asleep' }] as const) {
      Object.assign(now, change)
      looking.again()
      await vi.advanceTimersByTimeAsync(300)
      expect(looks.at(-1)).toEqual({})
    }
    expect(asks()).toBe(1)
    looking.stop()
  })
})
