/**
 * A conformance suite is a list of named cases: each runs by itself, throws a sentence when the contract is broken,
 * and belongs to no test runner. `for (const { name, run } of cases) test(name, run)` is all that a runner needs.
 */
import { equalBytes, toHex, type Bytes } from '../data/bytes.ts'

export interface ContractCase {
  /** The clause of the contract, as a sentence. */
  readonly name: string
  run(): Promise<void>
}

/** The contract is broken: says which clause, and how. */
export class ContractBroken extends Error {
  constructor(sentence: string) {
    super(sentence)
    this.name = 'ContractBroken'
  }
}

export function ensure(condition: boolean, sentence: string): asserts condition {
  if (!condition) throw new ContractBroken(sentence)
}

export function sameBytes(actual: Bytes | undefined, expected: Bytes | undefined, what: string) {
  const same =
    actual === undefined || expected === undefined
      ? actual === expected
      : equalBytes(actual, expected)
  ensure(same, `${what}: expected ${show(expected)}, got ${show(actual)}`)
}

export function sameList(actual: readonly unknown[], expected: readonly unknown[], what: string) {
  const [got, wanted] = [JSON.stringify(actual), JSON.stringify(expected)]
  ensure(got === wanted, `${what}: expected ${wanted}, got ${got}`)
}

/** What `promise` rejects with. */
export async function rejection(promise: Promise<unknown>, what: string): Promise<unknown> {
  return promise.then(
    () => ensure(false, `${what}: expected a rejection`),
    (error: unknown) => error,
  )
}

export async function rejectsWithCode(promise: Promise<unknown>, code: string, what: string) {
  const error = await rejection(promise, what)
  const got = error instanceof Error && 'code' in error ? error.code : String(error)
  ensure(got === code, `${what}: expected a rejection with code ${code}, got ${String(got)}`)
}

/** Numbers from 0 (included) to 1 (excluded), the same for the same seed. */
export function seededFractions(seed: number): () => number {
  let state = seed
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state / 2 ** 32
  }
}

function show(bytes: Bytes | undefined): string {
  if (bytes === undefined) return 'nothing'
  const head = toHex(bytes.subarray(0, 16))
  return bytes.length > 16 ? `${head}… (${bytes.length} bytes)` : `[${head}]`
}
