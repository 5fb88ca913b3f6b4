/**
 * What `ringlet ring check` makes of what peers tell: each trouble is found, named once, and comes with a mend.
 */
import { describe, expect, test } from 'vitest'
import { findingsOf } from '../../node/cli/ring-findings.ts'
import type { DiskReport, RingMemberReport, RingOwners } from '../../node/control-ring.ts'

const naming = {
  nameOf: (peer: string): string => `peer-${peer}`,
  startOf: (peer: string): string => `Start ${peer}.`,
}
const wholeDisk: DiskReport = { peer: 'a', troubles: [], doubted: [], isStuck: false }

function member(id: string, changed: Partial<RingMemberReport> = {}): RingMemberReport {
  return {
    id,
    state: 'up',
    class: 'durable',
    host: `host-${id}`,
    zone: 'default',
    weight: 1,
    readiness: 'ready',
    share: 1 / 3,
    partitions: 4,
    hints: 0,
    keys: 0,
    suspects: [],
    reapingWaitsFor: null,
    course: 'up',
    filling: null,
    addresses: [],
    owed: 0,
    silentSince: null,
    ...changed,
  }
}

/** Three members own all of four partitions, but for what is changed of the members, or of who owns. */
function ring(
  changed: Record<string, Partial<RingMemberReport>> = {},
  owners: readonly (readonly number[])[] = Array.from({ length: 4 }, () => [2, 0, 1]),
): RingOwners {
  const ids = [...new Set(['a', 'b', 'c', ...Object.keys(changed)])]
  return {
    ring: { name: 'test', id: 'id', n: 3, q: 4, durableOwners: 3 },
    seenBy: 'a',
    members: ids.map((id) => member(id, changed[id])),
    owners,
    change: null,
  }
}

function kinds(report: RingOwners, ...disks: DiskReport[]): string[] {
  return findingsOf(report, disks, naming).map(({ kind }) => kind)
}

test('of a ring that is well there is nothing to say', () => {
  expect(findingsOf(ring(), [wholeDisk], naming)).toEqual([])
})

describe('members', () => {
  test('one that is down is one finding, since when and for how many partitions', () => {
    const silentSince = '2026-01-02T03:04:05.678Z'
    const [finding, ...more] = findingsOf(ring({ c: { state: 'down', silentSince } }), [], naming)
    expect(more).toEqual([])
    expect(finding).toEqual({
      kind: 'silent',
      what: 'Nobody is there at the address of peer-c since 2026-01-02T03:04:05Z; it owns 4 of 4 partitions.',
      remedy: 'Start c. What is written meanwhile it gets when it is back.',
      peers: ['c'],
      partitions: 4,
    })
  })

  test('one that is suspect is told apart from one that is down', () => {
    const [finding] = findingsOf(ring({ b: { state: 'suspect' } }), [], naming)
    expect(finding!.what).toBe('peer-b does not answer in time; it owns 4 of 4 partitions.')
  })

  test('two that are down leave too few for strict requests', () => {
    const report = ring({ a: {}, b: { state: 'down' }, c: { state: 'suspect' } })
    expect(kinds(report)).toEqual(['silent', 'silent', 'strict-refused'])
  })

  test('ready owners on one host count once for strict requests', () => {
    const host = 'one'
    const report = ring({ a: { host }, b: { host }, c: { state: 'down' } })
    expect(kinds(report)).toContain('strict-refused')
  })

  test('those that are refilled are one finding, for the partitions that they own', () => {
    const owners = [
      [0, 1, 3],
      [0, 1, 2],
      [0, 3, 2],
      [0, 1, 3],
    ]
    const refilling = { readiness: 'refilling' } as const
    const report = ring({ d: refilling, c: refilling }, owners)
    const [finding] = findingsOf(report, [], naming)
    expect(finding).toMatchObject({ kind: 'not-ready', peers: ['c', 'd'], partitions: 4 })
    expect(finding!.what).toMatch(
      /^peer-c and peer-d lost their disks and are being refilled, and /,
    )
    const strict = findingsOf(report, [], naming).find(({ kind }) => kind === 'strict-refused')
    expect(strict).toMatchObject({ partitions: 1 })
  })

  test('a cut between two others is found, and who is down is not found twice', () => {
    const [finding, ...more] = findingsOf(ring({ b: { suspects: ['c'] } }), [], naming)
    expect(finding).toMatchObject({ kind: 'cut', peers: ['b', 'c'] })
    expect(more).toEqual([])
    const down = ring({ b: { suspects: ['c'] }, c: { state: 'down', suspects: null } })
    expect(kinds(down)).toEqual(['silent'])
  })
})

describe('owners', () => {
  test('that share a host needlessly, and those that must, are told apart', () => {
    const host = 'one'
    const needless = ring({ a: { host }, b: { host }, d: {} }, [
      [0, 1, 2],
      [0, 2, 3],
      [1, 2, 3],
      [0, 1, 3],
    ])
    const [finding, ...more] = findingsOf(needless, [], naming)
    expect(finding).toMatchObject({ kind: 'host-shared-needlessly', partitions: 2, peers: [] })
    expect(more).toEqual([])

    const [forced] = findingsOf(ring({ a: { host }, b: { host } }), [], naming)
    expect(forced).toMatchObject({ kind: 'host-shared', partitions: 4 })
    expect(forced!.what).toMatch(/all members stand on 2 hosts/)
    expect(forced!.remedy).toMatch(/another host/)
  })

  test('that crowd one zone though there are three', () => {
    const zoned = { a: { zone: 'x' }, b: { zone: 'x' }, c: { zone: 'y' }, d: { zone: 'z' } }
    const report = ring(zoned, [
      [0, 1, 2],
      [0, 2, 3],
      [1, 2, 3],
      [3, 2, 0],
    ])
    expect(findingsOf(report, [], naming)).toMatchObject([
      { kind: 'zone-shared-needlessly', partitions: 1 },
    ])
  })

  test('that are too few', () => {
    const report: RingOwners = {
      ...ring({}, [
        [0, 1],
        [1, 0],
        [0, 1],
        [1, 0],
      ]),
      members: [member('a'), member('b')],
    }
    const [finding] = findingsOf(report, [], naming)
    expect(finding).toMatchObject({ kind: 'few-owners', partitions: 4 })
    expect(finding!.what).toMatch(/fewer than 3 owners: the ring has 2 members\./)
  })
})

test('a disk that reports trouble, doubts records or lacks what is gone is found for each of these', () => {
  const disk = { peer: 'b', troubles: ['It is full.'], doubted: ['b/1', 'b/2'], isStuck: true }
  const found = findingsOf(ring(), [wholeDisk, disk], naming)
  expect(found.map(({ kind }) => kind)).toEqual(['disk-trouble', 'doubt', 'stuck'])
  expect(found.every(({ peers }) => peers[0] === 'b')).toBe(true)
  expect(found[0]!.what).toBe('peer-b says: It is full.')
  expect(found[1]!.what).toMatch(/record of b\/1 and 1 more damaged/)
})
