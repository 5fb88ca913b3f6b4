import { describe, expect, test } from 'vitest'
import { utf8 } from '../../src/data/bytes.ts'
import { makeKey } from '../../src/data/key.ts'
import {
  apply,
  emptyState,
  makeValue,
  type ObjectState,
  stateDigest,
} from '../../src/data/siblings.ts'
import { nothingSeen, type Seen } from '../../src/data/vector.ts'
import { encodeObject, storageKeys } from '../../src/protocol/record.ts'
import {
  convergenceGaps,
  crowds,
  doubleMints,
  endless,
  falseReads,
  falseRefusals,
  falseSiblings,
  forgottenOwn,
  type Holding,
  lostWrites,
  prematureReads,
  refusedWrites,
  staleStrictReads,
} from '../../src/simulation/checker.ts'
import { bytesOfId, History, type Operation } from '../../src/simulation/history.ts'
import { Witness } from '../../src/simulation/witness.ts'

const key = makeKey('carts', 'alice')
const name = 'carts/alice'
const holder = { name: 'a', host: 'host a' }
const actor = 'AAAAAAAAAAAAAAAA.1'

/** A put that had seen these, and was acknowledged. */
function put(history: History, seen: readonly number[] = []): Operation {
  const operation = history.begin({
    client: 'client 1',
    via: 'a',
    kind: 'put',
    key: name,
    life: 1,
    basis: seen,
    ack: 'quorum',
    startMs: 0,
  })
  operation.outcome = 'done'
  return operation
}

/** The state in which these writes stand, the n-th under the n-th dot. */
function stateOf(...writes: readonly number[]): ObjectState {
  let state = emptyState
  for (const id of writes) state = withWrite(state, id)
  return state
}

function withWrite(state: ObjectState, id: number, context: Seen = nothingSeen): ObjectState {
  return apply(state, { actor, counter: id + 1 }, context, makeValue(bytesOfId(id), 1))
}

function holding(peer: string, state: ObjectState, more: Partial<Holding> = {}): Holding {
  const digest = stateDigest(key.bytes, state)
  return {
    peer,
    host: peer,
    owner: true,
    present: true,
    damaged: false,
    state,
    digest,
    owes: [],
    ...more,
  }
}

function stored(state: ObjectState): Uint8Array {
  return encodeObject({ state, minter: undefined, digest: stateDigest(key.bytes, state) })
}

describe('P1, no acknowledged write is lost', () => {
  test('a write that is there, or that was seen by the writer of one that is, is not lost', () => {
    const history = new History()
    const first = put(history)
    const second = put(history, [first.id])
    const third = put(history, [second.id])
    const held = [holding('a', stateOf(third.id))]
    expect(lostWrites(history, new Map([[name, held]]))).toEqual([])
  })

  test('a write that nobody holds and nobody had seen is lost, if it was acknowledged', () => {
    const history = new History()
    const first = put(history)
    const second = put(history)
    const unknown = put(history)
    unknown.outcome = 'unknown'
    const held = [holding('a', stateOf(second.id))]
    const [violation, ...others] = lostWrites(history, new Map([[name, held]]))
    expect(others).toEqual([])
    expect(violation).toMatchObject({ promise: 'P1', key: name })
    expect(violation!.text).toContain(`put w${first.id}`)
  })

  test('a copy at somebody who is no owner does not count', () => {
    const history = new History()
    const first = put(history)
    const held = [holding('a', emptyState), holding('b', stateOf(first.id), { owner: false })]
    expect(lostWrites(history, new Map([[name, held]]))).toHaveLength(1)
  })

  test('of a key that no disk knows, every acknowledged write is lost', () => {
    const history = new History()
    put(history)
    expect(lostWrites(history, new Map())).toHaveLength(1)
  })
})

describe('P2, causality is exact', () => {
  test('a value beside one whose writer had seen it is false, at the end and in a read', () => {
    const history = new History()
    const first = put(history)
    const second = put(history, [first.id])
    const held = [holding('a', stateOf(first.id, second.id))]
    const witness = new Witness(history)
    expect(falseSiblings(history, witness, new Map([[name, held]]))).toMatchObject([
      { promise: 'P2', text: 'at the end: w0 stands beside w1, whose writer had seen it' },
    ])
    const read = { ...put(history), kind: 'get' as const, returned: [first.id, second.id] }
    history.operations.push(read)
    expect(falseReads(history, witness)).toHaveLength(1)
  })

  test('concurrent values may stand side by side', () => {
    const history = new History()
    const held = [holding('a', stateOf(put(history).id, put(history).id))]
    expect(falseSiblings(history, new Witness(history), new Map([[name, held]]))).toEqual([])
  })

  test('a write that was minted twice may come back after it was superseded', () => {
    const history = new History()
    const first = put(history)
    const second = put(history, [first.id])
    const witness = new Witness(history)
    for (const [i, minter] of [actor, 'BBBBBBBBBBBBBBBB.1'].entries()) {
      witness.meets(minter.slice(0, 16), `machine ${i}`)
      const value = makeValue(bytesOfId(first.id), 1)
      const state = apply(emptyState, { actor: minter, counter: 7 }, nothingSeen, value)
      witness.sees(holder, storageKeys.object(key), stored(state))
    }
    const held = [holding('a', stateOf(first.id, second.id))]
    expect(falseSiblings(history, witness, new Map([[name, held]]))).toEqual([])
    expect(doubleMints(history, witness, () => true)).toEqual([])
  })

  test('minted twice by one coordinator that was asked once, it may not', () => {
    const history = new History()
    const first = put(history)
    const witness = new Witness(history)
    for (const counter of [7, 8]) {
      const value = makeValue(bytesOfId(first.id), 1)
      const state = apply(emptyState, { actor, counter }, nothingSeen, value)
      witness.sees(holder, storageKeys.object(key), stored(state))
    }
    expect(doubleMints(history, witness, () => true)).toMatchObject([{ promise: 'P2', key: name }])
    put(history).outcome = 'unknown'
    history.begin({ ...first, basis: [], again: first.id })
    expect(doubleMints(history, witness, () => true)).toEqual([])
  })

  test('a crowd beyond the limit is seen', () => {
    const history = new History()
    const held = [holding('a', stateOf(put(history).id, put(history).id, put(history).id))]
    expect(crowds(new Map([[name, held]]), 3)).toEqual([])
    expect(crowds(new Map([[name, held]]), 2)).toMatchObject([{ promise: 'P9', key: name }])
  })
})

describe('P3, convergence', () => {
  test('owners that differ, debts, damage and strangers with copies are gaps', () => {
    const history = new History()
    const one = stateOf(put(history).id)
    const other = stateOf(put(history).id)
    const held = [
      holding('a', one),
      holding('b', other),
      holding('c', one, { owner: false, owes: ['b'] }),
      holding('d', one, { damaged: true }),
    ]
    expect(convergenceGaps(new Map([[name, held]])).map(({ text }) => text)).toEqual([
      'owners a and b hold different states',
      'c holds what it does not own',
      'c still owes it to b',
      'd holds a damaged record',
    ])
  })

  test('equal owners and nobody else are none', () => {
    const state = stateOf(0)
    const held = [holding('a', state), holding('b', state), holding('c', state)]
    expect(convergenceGaps(new Map([[name, held]]))).toEqual([])
  })
})

describe('P4, strict requests are regular', () => {
  function strictGet(history: History, startMs: number, returned: readonly number[]): Operation {
    const get = history.begin({ ...put(history), kind: 'get', basis: [], strict: true, startMs })
    return Object.assign(get, { outcome: 'done', returned })
  }

  function strictPut(history: History, quorumMs: number, seen: readonly number[] = []): Operation {
    return Object.assign(put(history, seen), { strict: true, quorumMs })
  }

  test('a get that misses what was acknowledged before it began is stale', () => {
    const history = new History()
    const first = strictPut(history, 10)
    strictGet(history, 11, [])
    expect(staleStrictReads(history, () => false)).toMatchObject([{ promise: 'P4', key: name }])
    expect(staleStrictReads(history, ({ write }) => write === first.id)).toEqual([])
  })

  test('what has seen the write will do, and so will what began before it was acknowledged', () => {
    const history = new History()
    const first = strictPut(history, 10)
    const second = strictPut(history, 20, [first.id])
    strictGet(history, 11, [first.id])
    strictGet(history, 21, [second.id])
    strictGet(history, 10, [])
    expect(staleStrictReads(history, () => false)).toEqual([])
  })

  test('of sloppy requests, and of what failed, nothing is promised', () => {
    const history = new History()
    Object.assign(put(history), { quorumMs: 10 })
    strictGet(history, 11, [])
    strictPut(history, 20)
    Object.assign(strictGet(history, 21, []), { outcome: 'refused' })
    Object.assign(strictGet(history, 21, []), { strict: false })
    expect(staleStrictReads(history, () => false)).toEqual([])
  })
})

describe('the other promises', () => {
  test('P5: a failed write counts only if it had to succeed, and not when its peer died', () => {
    const history = new History()
    for (const [outcome, failure] of [
      ['refused', 'quorum-not-reached'],
      ['unknown', 'crashed'],
      ['refused', 'too-many-siblings'],
      ['done', ''],
    ] as const) {
      Object.assign(put(history), { outcome, failure })
    }
    expect(refusedWrites(history, () => true)).toHaveLength(1)
    expect(refusedWrites(history, () => false)).toEqual([])
  })

  test('P7: one dot with two values is seen, however long apart', () => {
    const history = new History()
    const [first, second] = [put(history), put(history)]
    const witness = new Witness(history)
    const dot = { actor, counter: 1 }
    for (const { id } of [first, second]) {
      const state = apply(emptyState, dot, nothingSeen, makeValue(bytesOfId(id), 1))
      witness.sees(holder, storageKeys.object(key), stored(state))
    }
    expect(witness.violations).toMatchObject([{ promise: 'P7', key: name }])
  })

  test('P7: a read of what is durable nowhere is premature', () => {
    const history = new History()
    const operation = put(history)
    operation.premature = [operation.id]
    expect(prematureReads(history)).toHaveLength(1)
  })

  test('a refused write that is there all the same was no refusal', () => {
    const history = new History()
    const refused = put(history)
    refused.outcome = 'refused'
    const witness = new Witness(history)
    expect(falseRefusals(history, witness)).toEqual([])
    witness.sees(holder, storageKeys.object(key), stored(stateOf(refused.id)))
    expect(falseRefusals(history, witness)).toMatchObject([{ promise: 'outcome' }])
  })

  test('a tab shows what it took, or what has seen it', () => {
    const history = new History()
    const [own, other] = [put(history), put(history)]
    const later = put(history, [own.id])
    const read = put(history)
    Object.assign(read, { kind: 'get', mustShow: [own.id], returned: [later.id] })
    expect(forgottenOwn(history, () => false)).toEqual([])
    read.returned = [other.id]
    expect(forgottenOwn(history, () => false)).toMatchObject([{ promise: 'P5', key: name }])
    expect(forgottenOwn(history, () => true)).toEqual([])
  })

  test('P9: an operation without an outcome is endless', () => {
    const history = new History()
    put(history).outcome = 'pending'
    expect(endless(history)).toMatchObject([{ promise: 'P9' }])
  })

  test('P10: a record that nobody can read, or of a value that nobody wrote, is seen', () => {
    const witness = new Witness(new History())
    witness.sees(
      holder,
      storageKeys.object(key),
      utf8('no record, and long enough for one: nothing at all'),
    )
    const foreign = apply(emptyState, { actor, counter: 1 }, nothingSeen, makeValue(utf8('x'), 1))
    witness.sees(holder, storageKeys.object(key), stored(foreign))
    expect(witness.violations.map(({ promise }) => promise)).toEqual(['P10', 'P10'])
  })
})
