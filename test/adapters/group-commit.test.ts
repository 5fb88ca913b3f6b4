import { expect, test } from 'vitest'
import { GroupCommit, type Committed } from '../../src/adapters/group-commit.ts'
import { bytes, bytesOf, incremented, numberOf } from '../../src/contract/storage-content.ts'
import { toBinaryText, type Bytes } from '../../src/data/bytes.ts'
import type { Durability, Write } from '../../src/ports.ts'

/** A medium whose every reading and commit waits until the test lets it end. */
class Scripted implements Committed {
  readonly stored = new Map<string, Bytes | undefined>()
  readonly readings: { keys: readonly Bytes[]; end(): void }[] = []
  readonly commits: {
    writes: readonly Write[]
    durability: Durability
    end(): void
    fail(error: Error): void
  }[] = []

  read(keys: readonly Bytes[]): Promise<(Bytes | undefined)[]> {
    const { promise, resolve } = Promise.withResolvers<(Bytes | undefined)[]>()
    const found = keys.map((key) => this.stored.get(toBinaryText(key)))
    this.readings.push({ keys, end: () => resolve(found) })
    return promise
  }

  commit(writes: readonly Write[], durability: Durability): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const end = () => {
      for (const { key, value } of writes) this.stored.set(toBinaryText(key), value)
      resolve()
    }
    this.commits.push({ writes, durability, end, fail: reject })
    return promise
  }
}

const [a, b] = [bytes(1), bytes(2)]

function scripted() {
  const medium = new Scripted()
  const commits = new GroupCommit(medium, toBinaryText)
  const write = (key: Bytes, value: number, durability?: Durability) => {
    const writes = [{ key, value: bytesOf(value) }]
    return commits.update([], () => ({ writes, result: value }), durability)
  }
  const increment = (key: Bytes, durability?: Durability) =>
    commits.update([key], incremented(key), durability)
  const look = () => commits.update([a], ([current]) => ({ writes: [], result: numberOf(current) }))
  return { medium, commits, write, increment, look }
}

/** Until nothing moves any more but by the test. */
async function quiet(): Promise<void> {
  for (let i = 0; i < 20; i++) await Promise.resolve()
}

test('an update whose reading overlaps a commit sees what that commit wrote', async () => {
  const { medium, commits, write } = scripted()
  const writing = write(a, 5)
  await quiet()
  // It finds `a` queued and asks for `b`; the commit ends, and drops `a` from the overlay, before `b` has come.
  const adding = commits.update([a, b], (current) => ({
    writes: [],
    result: current.map(numberOf),
  }))
  medium.commits[0]!.end()
  await writing
  medium.readings[0]!.end()
  expect(await adding).toEqual([5, 0])
})

test('an update whose reading overlaps a commit that fails reads again, before those called later', async () => {
  const { medium, commits, write, increment } = scripted()
  const writing = write(a, 5)
  await quiet()
  const looking = commits.update([a, b], (current) => ({
    writes: [{ key: a, value: bytesOf(7) }],
    result: current.map(numberOf),
  }))
  const later = increment(a)
  medium.commits[0]!.fail(new Error('no'))
  await expect(writing).rejects.toThrow('no')
  medium.readings[0]!.end()
  await quiet()
  expect(medium.readings[1]!.keys).toEqual([a, b])
  medium.readings[1]!.end()
  await quiet()
  medium.commits[1]!.end()
  expect(await looking).toEqual([0, 0])
  expect(await later).toBe(8)
})

test('what is durable is forgotten here, and read from the medium', async () => {
  const { medium, write, increment } = scripted()
  const writing = write(a, 5)
  await quiet()
  medium.commits[0]!.end()
  await writing
  medium.stored.set(toBinaryText(a), bytesOf(40))
  const counting = increment(a)
  medium.readings[0]!.end()
  await quiet()
  medium.commits[1]!.end()
  expect(await counting).toBe(41)
})

test('a reading that fails rejects those it was for, and nobody else', async () => {
  const commits = new GroupCommit(
    {
      read: (keys) => (keys[0] === a ? Promise.reject(new Error('unreadable')) : []),
      commit: async () => {},
    },
    toBinaryText,
  )
  const failing = commits.update([a], incremented(a))
  const other = commits.update([b], incremented(b))
  await expect(failing).rejects.toThrow('unreadable')
  expect(await other).toBe(1)
})

test('an update with one malformed write writes none of its others', async () => {
  const { medium, commits } = scripted()
  const malformed = { key: undefined as unknown as Bytes, value: bytes(1) }
  const writes = [{ key: a, value: bytes(1) }, malformed]
  await expect(commits.update([], () => ({ writes, result: 0 }))).rejects.toThrow(TypeError)
  await quiet()
  expect(medium.commits).toEqual([])
})

test('of several writes of one key in a batch only the last is committed', async () => {
  const { medium, write } = scripted()
  const writing = [write(a, 1), write(b, 2), write(a, 3)]
  await quiet()
  medium.commits[0]!.end()
  expect(await Promise.all(writing)).toEqual([1, 2, 3])
  expect(medium.commits.length).toBe(1)
  expect(medium.commits[0]!.writes.map(({ value }) => numberOf(value))).toEqual([3, 2])
})

test('settled waits for all that was called before, whatever becomes of it', async () => {
  const { medium, commits, write, increment } = scripted()
  const [failing, counting] = [write(a, 1), increment(b)]
  let isSettled = false
  const settled = commits.settled().then(() => {
    isSettled = true
  })
  await quiet()
  medium.commits[0]!.fail(new Error('no'))
  await expect(failing).rejects.toThrow('no')
  expect(isSettled).toBe(false)
  medium.readings[0]!.end()
  await quiet()
  // What was pinned before the failure is read again.
  medium.readings[1]!.end()
  await quiet()
  medium.commits[1]!.end()
  expect(await counting).toBe(1)
  await settled
})

test('only a commit that nobody asked to sync is left to the next one', async () => {
  const { medium, write } = scripted()
  const written = [write(a, 1, 'buffered')]
  await settle(medium)
  written.push(write(a, 2, 'buffered'), write(b, 1))
  await settle(medium)
  expect(await Promise.all(written)).toEqual([1, 2, 1])
  expect(medium.commits.map(({ durability }) => durability)).toEqual(['buffered', 'synced'])
})

test('a synced update that writes nothing waits for the sync of what it saw, queued or committed', async () => {
  const { medium, increment, look } = scripted()
  const writing = increment(a, 'buffered')
  await quiet()
  medium.readings.shift()!.end()
  await quiet()
  // The buffered commit is under way: its end is not enough for who asks for a sync.
  let seen: number | undefined
  const looking = look().then((count) => {
    seen = count
  })
  await quiet()
  medium.commits[0]!.end()
  await writing
  await quiet()
  expect(seen).toBeUndefined()
  expect(medium.commits.map(({ writes }) => writes.length)).toEqual([1, 0])
  expect(medium.commits[1]!.durability).toBe('synced')
  medium.commits[1]!.end()
  await looking
  expect(seen).toBe(1)
})

test('where all is synced, an update that writes nothing costs no commit', async () => {
  const { medium, increment, look } = scripted()
  const counted = [increment(a), increment(a, 'buffered')]
  await settle(medium)
  await Promise.all(counted)
  const looking = look()
  await settle(medium)
  expect(await looking).toBe(2)
  expect(medium.commits.length).toBe(1)
})

test('what is buffered fails with a failed commit as all else does, and is not shown', async () => {
  const { medium, increment } = scripted()
  const failing = [increment(a, 'buffered'), increment(a, 'buffered')]
  const errors = Promise.all(failing.map((each) => each.catch((error: unknown) => String(error))))
  await quiet()
  medium.readings.shift()!.end()
  await quiet()
  medium.commits[0]!.fail(new Error('no'))
  expect(await errors).toEqual(['Error: no', 'Error: no'])
  expect(medium.stored.size).toBe(0)
})

/** Ends what is under way until nothing is. */
async function settle(medium: Scripted): Promise<void> {
  let ended = 0
  do {
    await quiet()
    for (const reading of medium.readings.splice(0)) reading.end()
    await quiet()
    while (ended < medium.commits.length) medium.commits[ended++]!.end()
    await quiet()
  } while (medium.readings.length > 0 || ended < medium.commits.length)
}
