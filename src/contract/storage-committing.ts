/**
 * Committing: nothing is shown before it is durable, and what was built on a write that failed fails with it.
 *
 * A gate stands before each commit. While it is shut, what was called is queued: updates must see it, reads must not.
 */
import type { Storage, Write } from '../ports.ts'
import { ensure, rejection, sameBytes, sameList, type ContractCase } from './case.ts'
import type { CommitGate } from './storage-subject.ts'
import { bytes, increment, look, numberOf, put } from './storage-content.ts'

type OpenGated = (name: string, gate: CommitGate) => Promise<Storage>

interface CommittingCase {
  readonly name: string
  check(storage: Storage, gate: Gate): Promise<void>
}

export function committingCases(open: OpenGated, freshName: () => string): ContractCase[] {
  return cases.map(({ name, check }) => ({
    name,
    async run() {
      const gate = new Gate()
      const storage = await open(freshName(), (writes) => gate.pass(writes))
      await check(storage, gate)
      await storage.close()
    },
  }))
}

/** Open at first. Shut, it holds each commit until it is opened, or told what to fail with. */
class Gate {
  /** The keys of every commit that came here, in order. */
  readonly commits: (readonly Write[])[] = []
  #isShut = false
  #held: { resolve(): void; reject(error: Error): void } | undefined
  #arrived: (() => void) | undefined

  shut(): void {
    this.#isShut = true
  }

  pass(writes: readonly Write[]): Promise<void> {
    this.commits.push(writes)
    if (!this.#isShut) return Promise.resolve()
    return new Promise((resolve, reject) => {
      this.#held = { resolve, reject }
      this.#arrived?.()
    })
  }

  /** Resolves once a commit stands before the gate. */
  async held(): Promise<void> {
    if (this.#held !== undefined) return
    await new Promise<void>((resolve) => {
      this.#arrived = resolve
    })
  }

  open(): void {
    this.#isShut = false
    this.#held?.resolve()
    this.#held = undefined
  }

  /** Lets the commit that is held pass, and stays shut for those to come. */
  passOne(): void {
    const held = this.#held
    this.#held = undefined
    held?.resolve()
  }

  /** Fails the commit that is held, and opens for those to come. */
  fail(error: Error): void {
    this.#isShut = false
    this.#held?.reject(error)
    this.#held = undefined
  }
}

const [a, b] = [bytes(1), bytes(2)]

const cases: readonly CommittingCase[] = [
  {
    name: 'no read sees a write before it is durable',
    async check(storage, gate) {
      await put(storage, [a, bytes(1)])
      gate.shut()
      const writing = put(storage, [a, bytes(2)], [b, bytes(2)])
      await gate.held()
      sameBytes(await storage.get(a), bytes(1), 'get, while the commit is held')
      const [, missing] = await storage.getMany([a, b])
      sameBytes(missing, undefined, 'getMany, while the commit is held')
      const entries = await storage.range(a, bytes(3), 10)
      sameList(
        entries.map(({ value }) => value[0]),
        [1],
        'range, while the commit is held',
      )
      gate.open()
      await writing
      sameBytes(await storage.get(a), bytes(2), 'get, once the write resolved')
      sameBytes(await storage.get(b), bytes(2), 'get of the other, once the write resolved')
    },
  },
  {
    name: 'a deleted key is read until the delete is durable',
    async check(storage, gate) {
      await put(storage, [a, bytes(1)])
      gate.shut()
      const deleting = put(storage, [a, undefined])
      await gate.held()
      sameBytes(await storage.get(a), bytes(1), 'get, while the delete is held')
      const seen = look(storage, a)
      gate.open()
      await deleting
      ensure((await seen) === 0, 'an update called meanwhile saw it deleted')
      sameBytes(await storage.get(a), undefined, 'get, once the delete resolved')
    },
  },
  {
    name: 'an update sees what is queued, and resolves only once that is durable',
    async check(storage, gate) {
      gate.shut()
      let resolved = 0
      const writing = increment(storage, a).then(() => resolved++)
      await gate.held()
      const looking = look(storage, a).then((seen) => {
        resolved++
        return seen
      })
      const elsewhere = look(storage, b).then(() => resolved++)
      await aWhile(storage)
      ensure(resolved === 0, `${resolved} updates resolved while the commit was held`)
      gate.open()
      ensure((await looking) === 1, 'the later update saw the queued write')
      await Promise.all([writing, elsewhere])
    },
  },
  {
    name: 'an update sees the newest of several queued writes, and waits for just that one',
    async check(storage, gate) {
      gate.shut()
      const first = increment(storage, a)
      await gate.held()
      const second = increment(storage, a)
      let isSeen = false
      const looking = look(storage, a).then((seen) => {
        isSeen = true
        return seen
      })
      await aWhile(storage)
      gate.passOne()
      await first
      await gate.held()
      const third = increment(storage, a)
      await aWhile(storage)
      ensure(!isSeen, 'what saw the second write resolved with the first')
      ensure(numberOf(await storage.get(a)) === 1, 'only the first is durable')
      gate.open()
      sameList([await second, await looking, await third], [2, 2, 3], 'the counts')
    },
  },
  {
    name: 'a refusal that tells of what is queued waits until that is durable',
    async check(storage, gate) {
      gate.shut()
      const writing = increment(storage, a)
      await gate.held()
      let isRefused = false
      const refusing = storage.update([a], ([current]) => {
        throw new Error(`there are ${numberOf(current)} already`)
      })
      const refused = rejection(refusing, 'the refusing update').then((error) => {
        isRefused = true
        return error
      })
      await aWhile(storage)
      ensure(!isRefused, 'it was refused while the commit was held')
      gate.open()
      await writing
      ensure(String(await refused).includes('there are 1 already'), 'it saw the queued write')
    },
  },
  {
    name: 'a lone write waits for nobody, and all that arrives during a commit is one commit',
    async check(storage, gate) {
      gate.shut()
      const first = increment(storage, a)
      await gate.held()
      const rest = Array.from({ length: 50 }, (_, i) => increment(storage, i % 2 === 0 ? a : b))
      await aWhile(storage)
      gate.open()
      await Promise.all([first, ...rest])
      const counts = gate.commits.map((writes) => writes.length)
      sameList(counts, [1, 2], 'the writes of each commit, one for each key')
      sameList((await storage.getMany([a, b])).map(numberOf), [26, 25], 'the counters')
    },
  },
  {
    name: 'close waits for a commit under way, and for the one behind it',
    async check(storage, gate) {
      gate.shut()
      const first = increment(storage, a)
      await gate.held()
      const second = increment(storage, a)
      let isClosed = false
      const closing = storage.close().then(() => {
        isClosed = true
      })
      await Promise.race([closing, turns(20)])
      ensure(!isClosed, 'it closed while the commit was held')
      gate.open()
      sameList([await first, await second], [1, 2], 'the counts')
      await closing
    },
  },
  {
    name: 'when a commit fails, what was queued behind it fails with its error, and none is stored',
    async check(storage, gate) {
      await increment(storage, a)
      gate.shut()
      const failing = [increment(storage, a), put(storage, [b, bytes(1)])]
      await gate.held()
      failing.push(increment(storage, a), look(storage, a))
      await aWhile(storage)
      const failure = new Error('the disk said no')
      const errors = Promise.all(failing.map((call) => rejection(call, 'a doomed update')))
      gate.fail(failure)
      for (const error of await errors) ensure(error === failure, `failed with ${String(error)}`)
      sameList((await storage.getMany([a, b])).map(numberOf), [1, 0], 'what is stored')
    },
  },
  {
    name: 'after a failed commit the store goes on from what is durable',
    async check(storage, gate) {
      await increment(storage, a)
      gate.shut()
      const failing = rejection(increment(storage, a), 'the failed increment')
      await gate.held()
      gate.fail(new Error('the disk said no'))
      // Called before the failure is known to anyone.
      const next = increment(storage, a).catch(() => increment(storage, a))
      await failing
      ensure((await next) === 2, 'the next increment counts from what is durable')
      ensure(numberOf(await storage.get(a)) === 2, 'the counter holds 2')
    },
  },
]

/** Long enough for a store that would not wait: some reads of it, and some turns. */
async function aWhile(storage: Storage): Promise<void> {
  for (let i = 0; i < 3; i++) await storage.get(bytes(99))
  await turns(20)
}

async function turns(count: number): Promise<void> {
  for (let i = 0; i < count; i++) await Promise.resolve()
}
