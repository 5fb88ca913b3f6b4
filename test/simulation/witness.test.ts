/** The witness where disks cannot be watched: it hears what receipts say and sees what reads return. */
import { expect, test } from 'vitest'
import { makeValue } from '../../src/data/siblings.ts'
import { bytesOfId, History } from '../../src/simulation/history.ts'
import { Witness } from '../../src/simulation/witness.ts'

const key = 'carts/alice'
const dot = { actor: 'a.1', counter: 1 }

function begun(writes: number) {
  const history = new History()
  for (let i = 0; i < writes; i++) {
    const start = { client: 'client 1', via: 'a', life: 1, startMs: 0, ack: 'quorum' } as const
    history.begin({ ...start, kind: 'put', key, basis: [] })
  }
  return { history, witness: new Witness(history) }
}

function stateOf(write: number) {
  const seen = new Map([['a.1', { upTo: 1, loose: [] }]])
  return { seen, siblings: [{ dot, value: makeValue(bytesOfId(write), 0) }] }
}

test('a name that two receipts give to two writes is reported once', () => {
  const { witness } = begun(2)
  witness.isNamed(key, dot, 0)
  witness.isNamed(key, dot, 0)
  expect(witness.violations).toEqual([])
  witness.isNamed(key, dot, 1)
  witness.isNamed(key, dot, 1)
  expect(witness.violations).toMatchObject([{ promise: 'P7', key }])
})

test('a read that shows another write under the name that a receipt gave is reported', () => {
  const { witness } = begun(2)
  witness.isNamed(key, dot, 0)
  witness.isShown(key, stateOf(0))
  expect(witness.violations).toEqual([])
  witness.isShown(key, stateOf(1))
  expect(witness.violations.map(({ promise }) => promise)).toContain('P7')
})

test('a receipt that gives a name which a read has shown for another write is reported', () => {
  const { witness } = begun(2)
  witness.isShown(key, stateOf(0))
  witness.isNamed(key, dot, 1)
  expect(witness.violations).toMatchObject([{ promise: 'P7', key }])
})

test('what a receipt has named can be found', () => {
  const { witness } = begun(1)
  witness.isNamed(key, dot, 0)
  expect(witness.exists(0)).toBe(true)
  expect([...witness.writesOf(key)]).toEqual([0])
})

test('a value is known by its write also behind the head that an application puts before it', () => {
  const { history } = begun(13)
  const head = Uint8Array.of(0x05, 0x81, 0x10)
  const value = makeValue(Buffer.concat([head, bytesOfId(12)]), 0)
  expect(history.writeOf(value)).toBe(12)
  expect(history.writeOf(makeValue(Buffer.from('nothing'), 0))).toBeUndefined()
})
