/** What comes back of a key that is being forgotten: what a tab brings late may, and nothing else. */
import { describe, expect, test } from 'vitest'
import { makeKey } from '../../src/data/key.ts'
import { emptyState, makeValue, type ObjectState, stateDigest } from '../../src/data/siblings.ts'
import { nothingSeen } from '../../src/data/vector.ts'
import { absentObject, encodeObject, storageKeys } from '../../src/protocol/record.ts'
import { rules } from '../../src/protocol/rules.ts'
import { Cluster } from '../../src/simulation/cluster.ts'
import { bytesOfId } from '../../src/simulation/history.ts'
import { Life } from '../../src/simulation/life.ts'
import type { Machine } from '../../src/simulation/machine.ts'
import { seededRandom } from '../../src/simulation/random.ts'
import { openStorage } from '../../src/simulation/storage.ts'
import { drawSwarm } from '../../src/simulation/swarm.ts'

const key = makeKey('carts', 'alice')
const generation = 'A'.repeat(16)
const evictAfterMs = 2000

/** A write by a tab, deleted by a member; two owners hold the tombstone, and the first of them forgets it. */
async function forgetting(ageMs: number) {
  const swarm = drawSwarm(seededRandom('reapings'))
  const limits = { ...swarm.limits, evictAfterMs }
  const settings = { ...swarm, limits, members: 4, edges: 1, n: 3, q: 16, broken: {} }
  const cluster = new Cluster(1, settings)
  const [one, other] = cluster.ownersOf('carts/alice') as [Machine, Machine]
  const put = (machine: Machine, state: ObjectState | undefined): Promise<void> =>
    store(cluster, machine, state)
  const begin = (kind: 'put' | 'delete', via: string, basis: readonly number[]): number => {
    const what = {
      client: 'one',
      life: 1,
      key: 'carts/alice',
      ack: 'quorum',
      strict: false,
    } as const
    const more = { kind, via, basis, buffered: false, startMs: 0, again: undefined }
    return cluster.history.begin({ ...what, ...more }).id
  }
  const id = begin('put', 'tab1', [])
  cluster.history.nameTombstone(7, begin('delete', one.name, [id]))
  cluster.witness.meets(generation, 'tab1')
  const dot = { actor: `${generation}.1`, counter: 1 }
  const value = makeValue(bytesOfId(id), 5)
  const written = rules.apply(emptyState, dot, nothingSeen, value)
  const deletion = { actor: `${'B'.repeat(16)}.1`, counter: 1 }
  const deleted = rules.apply(written, deletion, written.seen, makeValue(undefined, 7))
  for (const machine of [one, other]) await put(machine, written)
  for (const machine of [one, other]) await put(machine, deleted)
  await cluster.scheduler.run(cluster.scheduler.nowMs + ageMs)
  await put(one, undefined)
  return { violations: () => cluster.reapings.violations, one, other, put, written }
}

async function store(
  { scheduler }: Cluster,
  { disk }: Machine,
  state: ObjectState | undefined,
): Promise<void> {
  const digest = state && stateDigest(key.bytes, state)
  const value = state && encodeObject({ ...absentObject, state, digest: digest! })
  const change = () => ({ writes: [{ key: storageKeys.object(key), value }], result: undefined })
  const life = new Life(scheduler)
  const stored = openStorage(disk, life).update([], change)
  await scheduler.run(scheduler.nowMs + 100)
  await stored
  life.end()
}

describe('a write that stands again between two drops of its tombstone', () => {
  test('may, where its tab brought it later than anybody need wait for', async () => {
    const { violations, one, other, put, written } = await forgetting(evictAfterMs)
    await put(one, written)
    await put(other, undefined)
    expect(violations()).toEqual([])
  })

  test('may not before that', async () => {
    const { violations, one, other, put, written } = await forgetting(0)
    await put(one, written)
    expect(
      violations()
        .map(({ text }) => text)
        .join(),
    ).toContain('stands at')
    await put(other, undefined)
    expect(violations().at(-1)!.text).toContain('still holds w0')
  })
})
