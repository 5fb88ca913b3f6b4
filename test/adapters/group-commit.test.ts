import { expect, test } from 'vitest'
import { GroupCommit, type Committed } from '../../src/adapters/group-commit.ts'
import { bytes, bytesOf, incremented, numberOf } from '../../src/contract/storage-content.ts'
import { toBinaryText, type Bytes } from '../../src/data/bytes.ts'
import type { Write } from '../../src/ports.ts'

/** A medium whose every reading and commit waits until the test lets it end. */
class Scripted implements Committed {
  readonly stored = new Map<string, Bytes | undefined>()
  readonly readings: { keys: readonly Bytes[]; end(): void }[] = []
  readonly commits: { writes: readonly Write[]; end(): void; fail(error: Error): void }[] = []

  read(keys: readonly Bytes[]): Promise<(Bytes | undefined)[]> {
    const { promise, resolve } = Promise.withResolvers<(Bytes | undefined)[]>()
    const found = keys.map((key) => this.stored.get(toBinaryText(key)))
    this.readings.push({ keys, end: () => resolve(found) })
    return promise
  }

  commit(writes: readonly Write[]): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const end = () => {
      for (const { key, value } of writes) this.stored.set(toBinaryText(key), value)
      resolve()
    }
    this.commits.push({ writes, end, fail: reject })
    return promise
  }
}

const [a, b] = [bytes(1), bytes(2)]

function scripted() {
  const medium = new Scripted()
  const commits = new GroupCommit(medium, toBinaryText)
  const write = (key: Bytes, value: number) =>
    commits.update([], () => ({ writes: [{ key, value: bytesOf(value) }], result: value }))
  const increment = (key: Bytes) => commits.update([key], incremented(key))
  return { medium, commits, write, increment }
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
