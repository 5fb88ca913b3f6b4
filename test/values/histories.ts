/**
 * Devices that change one value, apart and together, beside a plain record of what truly happened: which additions
 * there were, and which of them somebody has seen and removed.
 */
import fc from 'fast-check'
import { expect } from 'vitest'
import { toHex } from '../../src/data/bytes.ts'
import { decodeStructured, encodeStructured } from '../../src/data/structured.ts'
import { hasCount, type Interval } from '../../src/values/intervals.ts'
import type { WriteId } from '../../src/values/type.ts'
import { lots, write } from './writes.ts'

/** The type under test, in the words that sets, maps and carts share. */
export interface Subject<V> {
  readonly empty: V
  /** Whether an addition stands for all that was seen under its name. */
  readonly replaces: boolean
  merge(a: V, b: V): V
  validate(value: unknown): boolean
  add(value: V, name: string, amount: number, write: WriteId): V
  remove(value: V, name: string, write: WriteId): V
  /** What a user sees. */
  show(value: V): unknown
  /** The same, from the additions that are there. */
  expected(present: readonly TrueAddition[]): unknown
}

export interface TrueAddition {
  readonly by: string
  readonly count: number
  readonly name: string
  readonly amount: number
}

interface Truth {
  readonly added: ReadonlySet<TrueAddition>
  readonly removed: ReadonlySet<TrueAddition>
}

interface Copy<V> {
  readonly value: V
  readonly truth: Truth
}

interface Device<V> {
  readonly by: string
  count: number
  copy: Copy<V>
}

type Action =
  | { readonly type: 'add'; readonly name: string; readonly amount: number }
  | { readonly type: 'remove'; readonly name: string }

export type Step =
  | { readonly type: 'write'; readonly at: number; readonly actions: readonly Action[] }
  /** The write reaches `to`, but its writer does not learn that, and tries again on what it had, or on nothing. */
  | {
      readonly type: 'retry'
      readonly at: number
      readonly to: number
      readonly blind: boolean
      readonly actions: readonly Action[]
    }
  | { readonly type: 'merge'; readonly at: number; readonly from: number }
  /** The device starts from nothing, but counts on. */
  | { readonly type: 'forget'; readonly at: number }
  /** A write that left no trace in the value: a put, a refusal. */
  | { readonly type: 'skip'; readonly at: number }

const deviceCount = 3
const at = fc.nat(deviceCount - 1)
const name = fc.constantFrom('mug', 'tea', 'pot', '__proto__', 'constructor')
const action: fc.Arbitrary<Action> = fc.oneof(
  fc.record({ type: fc.constant('add' as const), name, amount: fc.integer({ min: 1, max: 9 }) }),
  fc.record({ type: fc.constant('remove' as const), name }),
)
const actions = fc.oneof(
  { weight: 3, arbitrary: fc.array(action, { minLength: 1, maxLength: 1 }) },
  { weight: 1, arbitrary: fc.array(action, { maxLength: 4 }) },
)
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ type: fc.constant('write' as const), at, actions }) },
  { weight: 4, arbitrary: fc.record({ type: fc.constant('merge' as const), at, from: at }) },
  {
    weight: 2,
    arbitrary: fc.record({
      type: fc.constant('retry' as const),
      at,
      to: at,
      blind: fc.boolean(),
      actions,
    }),
  },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('forget' as const), at }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('skip' as const), at }) },
)

export const story = fc.array(step, { maxLength: 40 })

/** After every step each device shows what truly is there, in a valid value that encodes. */
export function faithful<V>(subject: Subject<V>) {
  return fc.property(story, (steps) => {
    play(subject, steps, (devices) => {
      for (const { copy } of devices) expectTruth(subject, copy)
    })
  })
}

/** Merging is commutative, associative and idempotent, to the byte. */
export function lawful<V>(subject: Subject<V>) {
  return fc.property(story, (steps) => {
    const [a, b, c] = play(subject, steps).map(({ copy }) => copy.value)
    if (a === undefined || b === undefined || c === undefined) return
    const { merge } = subject
    expectEqual(merge(a, b), merge(b, a))
    expectEqual(merge(merge(a, b), c), merge(a, merge(b, c)))
    expectEqual(merge(a, a), a)
    expectEqual(merge(a, merge(a, b)), merge(a, b))
    expectEqual(merge(a, subject.empty), a)
  })
}

/** The same write again changes nothing, at once or after any merge. */
export function retriable<V>(subject: Subject<V>) {
  return fc.property(story, actions, fc.nat(9), (steps, again, more) => {
    const devices = play(subject, steps)
    const [device, other] = devices as [Device<V>, Device<V>]
    const write = nextWrite(device)
    const once = act(subject, device.copy, again, write)
    expectEqual(act(subject, once, again, write).value, once.value)
    // Then the other device does something on top, and the first one tries again: what it added stays as it is.
    const added = again.filter(({ type }) => type === 'add')
    const onTop = act(
      subject,
      merged(subject, other.copy, once),
      [
        { type: 'remove', name: 'mug' },
        { type: 'add', name: 'mug', amount: more + 1 },
      ],
      nextWrite(other),
    )
    expectTruth(subject, { ...act(subject, onTop, added, write), truth: onTop.truth })
  })
}

/** Values that a stranger stored: whatever passes for one of the type merges by the laws, and into one of the type. */
export function lawfulForStrangers<V>(subject: Subject<V>, payload: fc.Arbitrary<unknown>) {
  const names = fc.dictionary(fc.constantFrom('mug', 'tea', '__proto__'), fc.option(payload))
  const writes = fc.dictionary(fc.constantFrom('1', '2', '3'), names, { minKeys: 1 })
  const by = fc.constantFrom('ann', 'bob', '__proto__', 'constructor')
  const intervals = fc.constantFrom<Interval[]>([[1, 1]], [[2, 3]], [[1, 1], [3, 9]]) // prettier-ignore
  const foreign = fc
    .record({ added: fc.dictionary(by, writes), removed: fc.dictionary(by, intervals) })
    .map(({ added, removed }) => ({ added: withoutOver(added, removed), removed }))
    .filter((value) => subject.validate(value)) as fc.Arbitrary<V>
  return fc.property(foreign, foreign, foreign, (a, b, c) => {
    const { merge } = subject
    expectEqual(merge(a, b), merge(b, a))
    expectEqual(merge(merge(a, b), c), merge(a, merge(b, c)))
    expectEqual(merge(a, a), a)
    expectEqual(merge(a, merge(a, b)), merge(a, b))
    expect(subject.validate(merge(a, b))).toBe(true)
    const once = subject.add(merge(a, b), 'mug', 1, write('dora', 1))
    expect(subject.validate(subject.remove(once, 'tea', write('dora', 2)))).toBe(true)
  })
}

/** A write that is both there and over would be no value of the type. */
function withoutOver(
  added: Readonly<Record<string, Readonly<Record<string, unknown>>>>,
  removed: Readonly<Record<string, readonly Interval[]>>,
): object {
  const writers = Object.entries(added).map(([by, writes]) => {
    const over = Object.hasOwn(removed, by) ? removed[by]! : []
    const left = Object.entries(writes).filter(([count]) => !hasCount(over, Number(count)))
    return [by, Object.fromEntries(left)] as const
  })
  return Object.fromEntries(writers.filter(([, writes]) => Object.keys(writes).length > 0))
}

export const fewNames = 'mug pot tea cup jar pan lid tray bowl fork dish can'.split(' ')

/** What three devices share after 10,000 adds and removes of a dozen names, who meet once in `pause` writes. */
export function usedLong<V>({ empty, add, remove, merge }: Subject<V>, pause: number): V {
  const lot = lots(pause)
  const devices = ['kXyT9o0LmZ3vQ1aB', 'bN4cR8sWq7JdE2fG', 'Zp6HuY5iVt0KxM3n'].map((by) => ({
    by,
    count: 0,
    value: empty,
  }))
  for (let i = 0; i < 10_000; i++) {
    const device = devices[lot(3)]!
    const name = fewNames[lot(fewNames.length)]!
    const id = write(device.by, ++device.count)
    const { value } = device
    device.value = lot(2) === 0 ? add(value, name, 1 + lot(3), id) : remove(value, name, id)
    if (lot(pause) === 0) device.value = merge(device.value, devices[lot(3)]!.value)
  }
  return devices.map(({ value }) => value).reduce(merge)
}

export function play<V>(
  subject: Subject<V>,
  steps: readonly Step[],
  check: (devices: readonly Device<V>[]) => void = () => {},
): readonly Device<V>[] {
  const devices = ['ann', 'bob', 'cleo'].map((by): Device<V> => ({
    by,
    count: 0,
    copy: nothing(subject),
  }))
  for (const each of steps) {
    takeStep(subject, devices, each)
    check(devices)
  }
  return devices
}

function takeStep<V>(subject: Subject<V>, devices: readonly Device<V>[], step: Step): void {
  const device = devices[step.at]!
  switch (step.type) {
    case 'write':
      device.copy = act(subject, device.copy, step.actions, nextWrite(device))
      return
    case 'retry': {
      const write = nextWrite(device)
      const before = step.blind ? nothing(subject) : device.copy
      const first = act(subject, device.copy, step.actions, write)
      device.copy = act(subject, before, step.actions, write)
      const receiver = devices[step.to]!
      receiver.copy = merged(subject, receiver.copy, first)
      return
    }
    case 'merge':
      device.copy = merged(subject, device.copy, devices[step.from]!.copy)
      return
    case 'forget':
      device.copy = nothing(subject)
      return
    case 'skip':
      device.count++
  }
}

function nothing<V>(subject: Subject<V>): Copy<V> {
  return { value: subject.empty, truth: { added: new Set(), removed: new Set() } }
}

function nextWrite<V>(device: Device<V>): WriteId {
  const count = ++device.count
  return { id: `${device.by}:${count}`, by: device.by, count }
}

function merged<V>(subject: Subject<V>, a: Copy<V>, b: Copy<V>): Copy<V> {
  return {
    value: subject.merge(a.value, b.value),
    truth: {
      added: new Set([...a.truth.added, ...b.truth.added]),
      removed: new Set([...a.truth.removed, ...b.truth.removed]),
    },
  }
}

function act<V>(
  subject: Subject<V>,
  copy: Copy<V>,
  todo: readonly Action[],
  write: WriteId,
): Copy<V> {
  let { value, truth } = copy
  for (const action of todo) {
    const { name: named } = action
    if (action.type === 'add') {
      value = subject.add(value, named, action.amount, write)
      truth = trulyAdd(subject.replaces, truth, { ...write, name: named, amount: action.amount })
    } else {
      value = subject.remove(value, named, write)
      truth = trulyRemove(truth, named, write)
    }
  }
  return { value, truth }
}

/** One addition per name and write, whoever hears of it again; the same object each time. */
const additions = new Map<string, TrueAddition>()

function trulyAdd(replaces: boolean, truth: Truth, wanted: TrueAddition & WriteId): Truth {
  const { by, count, name: named, amount } = wanted
  const isSame = (each: TrueAddition) =>
    each.by === by && each.count === count && each.name === named
  if ([...truth.added].some(isSame)) return truth
  const id = JSON.stringify([by, count, named, amount])
  const addition = additions.get(id) ?? { by, count, name: named, amount }
  additions.set(id, addition)
  const before = replaces ? trulyRemove(truth, named, wanted) : truth
  return { ...before, added: new Set([...before.added, addition]) }
}

function trulyRemove(truth: Truth, named: string, write: WriteId): Truth {
  const seen = [...truth.added].filter(
    (each) => each.name === named && !(each.by === write.by && each.count === write.count),
  )
  return { ...truth, removed: new Set([...truth.removed, ...seen]) }
}

function expectTruth<V>(subject: Subject<V>, { value, truth }: Copy<V>): void {
  const present = [...truth.added].filter((addition) => !truth.removed.has(addition))
  expect(subject.show(value)).toEqual(subject.expected(present))
  expect(subject.validate(value)).toBe(true)
  const bytes = encodeStructured(value)
  expect(toHex(encodeStructured(decodeStructured(bytes)))).toBe(toHex(bytes))
}

export function expectEqual(a: unknown, b: unknown): void {
  expect(toHex(encodeStructured(a))).toBe(toHex(encodeStructured(b)))
}
