import { beforeEach, describe, expect, test } from 'vitest'
import { utf8 } from '../../src/data/bytes.ts'
import type { Durability, Storage } from '../../src/ports.ts'
import { Disk } from '../../src/simulation/disk.ts'
import { Life } from '../../src/simulation/life.ts'
import { seededRandom } from '../../src/simulation/random.ts'
import { Scheduler } from '../../src/simulation/scheduler.ts'
import { openStorage } from '../../src/simulation/storage.ts'

let scheduler: Scheduler
let disk: Disk
let life: Life
let storage: Storage

beforeEach(() => {
  scheduler = new Scheduler()
  disk = new Disk('disk', scheduler, seededRandom('disk test'))
  life = new Life(scheduler)
  storage = openStorage(disk, life)
})

const text = (bytes: Uint8Array | undefined): string | undefined =>
  bytes === undefined ? undefined : new TextDecoder().decode(bytes)

/** Appends a letter to what a key holds; the answer is what came of it. */
function append(letter: string, durability?: Durability, key = 'k'): { outcome: string } {
  const asked = { outcome: 'pending' }
  const change = ([held]: readonly (Uint8Array | undefined)[]) => {
    const value = utf8((text(held) ?? '') + letter)
    return { writes: [{ key: utf8(key), value }], result: text(value)! }
  }
  storage.update([utf8(key)], change, durability).then(
    (result) => (asked.outcome = result),
    (error) => (asked.outcome = error.code),
  )
  return asked
}

async function durable(key = 'k'): Promise<string | undefined> {
  const found = storage.get(utf8(key))
  await scheduler.run(scheduler.nowMs + 5)
  return text(await found)
}

function crash(powerLost = false): void {
  life.end()
  disk.crash(powerLost)
  life = new Life(scheduler)
  storage = openStorage(disk, life)
}

describe('simulated disk', () => {
  test('an update sees what is queued; a read sees only what is durable', async () => {
    disk.slowness = 100
    const [a, b] = [append('a'), append('b')]
    disk.slowness = 1
    expect(await durable()).toBeUndefined()
    await scheduler.run(5000)
    expect([a.outcome, b.outcome, await durable()]).toEqual(['a', 'ab', 'ab'])
  })

  test('updates that arrive during a sync share the next one', async () => {
    const commits: string[] = []
    disk.onCommit = (moment) => void (moment === 'begins' && commits.push('commit'))
    for (const letter of 'abcdefgh') append(letter)
    await scheduler.run(100)
    expect(commits).toHaveLength(2)
    expect(await durable()).toBe('abcdefgh')
  })

  test('a change that throws writes nothing and rejects', async () => {
    const failed = storage.update([utf8('k')], () => {
      throw new Error('no')
    })
    await expect(failed).rejects.toThrow('no')
    expect(await durable()).toBeUndefined()
  })

  test('a range is in order, cut at its end and its limit', async () => {
    for (const key of ['c', 'a', 'd', 'b']) append(key, 'synced', key)
    await scheduler.run(100)
    const range = storage.range(utf8('a'), utf8('d'), 2)
    const rest = storage.range(utf8('b'), utf8('d'), 10)
    await scheduler.run(200)
    expect((await range).map(({ key }) => text(key))).toEqual(['a', 'b'])
    expect((await rest).map(({ key }) => text(key))).toEqual(['b', 'c'])
  })

  test('a crash loses the queue; the batch under way is there or not, never in part', async () => {
    let landed = 0
    for (let round = 0; round < 40; round++) {
      disk.wipe()
      const lost = append('x', 'synced', 'warm')
      append('a', 'synced', 'one')
      append('b', 'synced', 'two')
      disk.slowness = 1000
      await scheduler.run(scheduler.nowMs + 20)
      const under = append('c', 'synced', 'queued')
      crash()
      disk.slowness = 1
      await scheduler.run(scheduler.nowMs + 50)
      expect([await durable('one'), await durable('two')]).toBeOneOf([
        ['a', 'b'],
        [undefined, undefined],
      ])
      if ((await durable('one')) !== undefined) landed++
      expect(await durable('queued')).toBeUndefined()
      expect([lost.outcome, under.outcome]).toEqual(['x', 'pending'])
    }
    expect(landed).toBeGreaterThan(5)
    expect(landed).toBeLessThan(35)
  })

  test('buffered writes survive a killed process and not a power cut', async () => {
    append('a')
    await scheduler.run(50)
    append('b', 'buffered')
    await scheduler.run(100)
    // The next process syncs what this one has left.
    crash()
    expect(await durable()).toBe('ab')
    append('c', 'buffered')
    await scheduler.run(200)
    crash(true)
    expect(await durable()).toBe('ab')
    append('d', 'buffered')
    append('e', 'synced')
    await scheduler.run(300)
    crash(true)
    expect(await durable()).toBe('abde')
  })

  test('a full disk refuses what is queued, keeps reading, and takes up again', async () => {
    append('a')
    await scheduler.run(50)
    disk.full = true
    const [b, c] = [append('b'), append('c')]
    await scheduler.run(100)
    expect([b.outcome, c.outcome, await durable()]).toEqual(['store-full', 'store-full', 'a'])
    disk.full = false
    const d = append('d')
    await scheduler.run(200)
    expect([d.outcome, await durable()]).toEqual(['ad', 'ad'])
  })

  test('a failed sync is a lost disk', async () => {
    disk.syncFails = () => true
    const [a, b] = [append('a'), append('b')]
    await scheduler.run(100)
    expect([a.outcome, b.outcome, append('c').outcome]).toEqual([
      'store-lost',
      'store-lost',
      'pending',
    ])
    const read = storage.get(utf8('k'))
    read.catch(() => {})
    await scheduler.run(200)
    await expect(read).rejects.toMatchObject({ code: 'store-lost' })
  })

  test('one process at a time holds it; closed, it lets the next one in', async () => {
    expect(() => openStorage(disk, new Life(scheduler))).toThrow('held by another process')
    const last = append('z')
    void storage.close()
    await scheduler.run(100)
    expect(last.outcome).toBe('z')
    expect(append('y').outcome).toBe('pending')
    storage = openStorage(disk, new Life(scheduler))
    expect(await durable()).toBe('z')
  })

  test('updates that wait for their read keep their order', async () => {
    const random = seededRandom('late')
    disk = new Disk('late', scheduler, random, { readMs: 3, syncMs: 1, updatesAtOnce: false })
    storage = openStorage(disk, life)
    for (const letter of 'abcdefghij') append(letter)
    await scheduler.run(1000)
    expect(await durable()).toBe('abcdefghij')
  })
})
