/** Two checkers that share no algorithm agree: on a thousand histories made up, and on those of real runs. */
import { describe, expect, test } from 'vitest'
import { emptyState, makeValue, type ObjectState, type Sibling } from '../../src/data/siblings.ts'
import {
  falseSiblings,
  type Holding,
  lostWrites,
  staleStrictReads,
} from '../../src/simulation/checker.ts'
import { bytesOfId, History } from '../../src/simulation/history.ts'
import { type SeededRandom, seededRandom } from '../../src/simulation/random.ts'
import type { Violation } from '../../src/simulation/violation.ts'
import { Witness } from '../../src/simulation/witness.ts'
import { staleVerdicts, verdicts } from './brute-force.ts'

const key = 'carts/alice'

/** Clients that read some of what is there and write on, some of whom try again. */
function makeUp(random: SeededRandom): History {
  const history = new History()
  const writes: number[] = []
  for (let i = 3 + random.whole(25); i > 0; i--) {
    const basis = writes.filter(() => random.chance(random.pick([0, 0.1, 0.5])))
    const again = writes.length > 0 && random.chance(0.1) ? random.pick(writes) : undefined
    const operation = history.begin({
      client: 'client 1',
      via: 'a',
      life: 1,
      kind: random.chance(0.9) ? 'put' : 'get',
      key,
      basis: again === undefined ? basis : history.get(again).basis,
      ack: 'quorum',
      startMs: i,
      again,
    })
    operation.outcome = random.pick(['done', 'done', 'done', 'unknown', 'refused'])
    if (operation.kind === 'put') writes.push(operation.write)
  }
  return history
}

/** What is left at the end: what nobody superseded, and now and then one too many or too few. */
function leftOf(history: History, random: SeededRandom): number[] {
  const writes = [
    ...new Set(history.operations.flatMap(({ kind, write }) => (kind === 'put' ? [write] : []))),
  ]
  const superseded = new Set(writes.flatMap((write) => [...history.get(write).seen]))
  const left = new Set(writes.filter((write) => !superseded.has(write)))
  if (random.chance(0.4) && writes.length > 0) left.add(random.pick(writes))
  if (random.chance(0.4) && left.size > 0) left.delete(random.pick([...left]))
  return [...left]
}

function holdingOf(writes: readonly number[]): Holding {
  const siblings: Sibling[] = writes.map((write) => ({
    dot: { actor: 'AAAAAAAAAAAAAAAA.1', counter: write + 1 },
    value: makeValue(bytesOfId(write), 1),
  }))
  const state: ObjectState = { ...emptyState, siblings }
  const digest = new Uint8Array(16)
  const bare = { peer: 'a', host: 'a', owner: true, present: true, damaged: false, owes: [] }
  return { ...bare, state, digest }
}

function shortened(history: History, { promise, text }: Violation): string {
  const [one, other] = [...text.matchAll(/\bw(\d+)\b/g)].map(([, id]) => Number(id))
  return promise === 'P1' ? `P1 w${history.get(one!).write}` : `P2 w${one} w${other}`
}

/** Some of it strict; what was acknowledged was so at some moment, and each get returned some of what was there. */
function makeStrict(history: History, random: SeededRandom): void {
  for (const [id, operation] of history.operations.entries()) {
    Object.assign(operation, { strict: random.chance(0.7), startMs: 10 * id })
    const writes = history.operations.slice(0, id).filter(({ kind }) => kind !== 'get')
    if (operation.kind !== 'get') {
      if (operation.outcome === 'done') operation.quorumMs = 10 * id + random.between(1, 40)
      continue
    }
    const chance = random.pick([0.2, 0.6, 1])
    operation.returned = writes.filter(() => random.chance(chance)).map(({ write }) => write)
  }
}

describe('two checkers', () => {
  test('agree on what strict gets have missed, in a thousand histories', () => {
    const counts = { sound: 0, stale: 0 }
    for (let seed = 1; seed <= 1000; seed++) {
      const random = seededRandom(`strict history ${seed}`)
      const history = makeUp(random)
      makeStrict(history, random)
      const violations = staleStrictReads(history, () => false)
      const found = violations.map(({ text }) => {
        const [get, write] = [...text.matchAll(/\bw(\d+)\b/g)].map(([, id]) => id)
        return `P4 w${write} w${get}`
      })
      expect(new Set(found), `history ${seed}`).toEqual(staleVerdicts(history.operations))
      if (found.length === 0) counts.sound++
      else counts.stale++
    }
    expect(Math.min(counts.sound, counts.stale)).toBeGreaterThan(100)
  })

  test('agree on a thousand histories, sound and broken', () => {
    const counts = { sound: 0, lost: 0, false: 0 }
    for (let seed = 1; seed <= 1000; seed++) {
      const random = seededRandom(`history ${seed}`)
      const history = makeUp(random)
      const left = leftOf(history, random)
      const holdings = new Map([[key, [holdingOf(left)]]])
      const violations = [
        ...lostWrites(history, holdings),
        ...falseSiblings(history, new Witness(history), holdings),
      ]
      const found = new Set(violations.map((violation) => shortened(history, violation)))
      const mayRepeat = (write: number): boolean => history.wasRetried(write)
      expect(found, `history ${seed}`).toEqual(verdicts(history.operations, left, mayRepeat))
      if (found.size === 0) counts.sound++
      if (violations.some(({ promise }) => promise === 'P1')) counts.lost++
      if (violations.some(({ promise }) => promise === 'P2')) counts.false++
    }
    // Nothing is agreed on that never came up.
    expect(Math.min(counts.sound, counts.lost, counts.false)).toBeGreaterThan(100)
  })
})
