/**
 * What receipts are called, so that a write is found again by its receipt's id alone, also after a reload.
 *
 * A write that is kept on this device is called by the dot it was minted under, and its key's entry says what has become
 * of it. While a device is offline one write takes the place of the one before a thousand times, and must go on speaking
 * for all of them: ids in a row are noted as one run, `actor:5-1004`.
 *
 * A write that a member minted leaves nothing here. Its id says everything that a receipt must know, so that it can be
 * made again from nothing: the key, the dot, what its writer has seen, and how far it had got when the id was given
 * out. A check over the ring and the content tells it from a text that was cut short, or one of another ring.
 */
import { equalBytes, fromBase64Url, toBase64Url, utf8 } from '../data/bytes.ts'
import { digestOf } from '../data/hash.ts'
import type { Key } from '../data/key.ts'
import type { Dot, Seen } from '../data/vector.ts'
import { type Codec, decode, encode, oneOf, struct } from './codec.ts'
import { dot, key, seen } from './state.ts'

/** The id of a write that is kept on this device. */
export function idOfDot({ actor, counter }: Dot): string {
  return `${actor}:${counter}`
}

/** The dot that such an id names; undefined for any other text. */
export function dotOfId(id: string): Dot | undefined {
  const [, actor, counter] = /^([\w-]{16}\.[1-9]\d{0,14}):([1-9]\d{0,14})$/.exec(id) ?? []
  return actor === undefined ? undefined : { actor, counter: Number(counter) }
}

/** Ids of one actor that follow each other. */
interface Run {
  readonly actor: string
  readonly from: number
  readonly to: number
}

/** Stands behind runs of which some had to be forgotten. */
const others = '*'

/**
 * These ids and runs of ids, each id once, in as few runs as can be, and at most so many: the latest of each actor first,
 * and a mark in the place of those that are too many.
 */
export function asRuns(ids: readonly string[], most: number): string[] {
  const byActor = new Map<string, Run[]>()
  for (const id of ids) {
    const run = runOf(id)
    if (run === undefined) continue
    byActor.set(run.actor, [...(byActor.get(run.actor) ?? []), run])
  }
  const runs = [...byActor.values()].flatMap((each) => joined(each).map(showRun))
  if (runs.length <= most && !forgetsSome(ids)) return runs
  return [...runs.slice(0, most), others]
}

/** Whether there were more of these than are named. */
export function forgetsSome(ids: readonly string[]): boolean {
  return ids.includes(others)
}

/** Whether this id is one of them. */
export function includesId(ids: readonly string[], { actor, counter }: Dot): boolean {
  return ids.some((each) => {
    if (!each.startsWith(`${actor}:`)) return false
    const run = runOf(each)
    return run !== undefined && run.from <= counter && counter <= run.to
  })
}

/** Every id of these runs. */
export function* eachId(ids: readonly string[]): Generator<string> {
  for (const id of ids) {
    const run = runOf(id)
    if (run === undefined) continue
    for (let counter = run.from; counter <= run.to; counter++) yield `${run.actor}:${counter}`
  }
}

function runOf(text: string): Run | undefined {
  const [, actor, first, last] = /^([^:]+):(\d+)(?:-(\d+))?$/.exec(text) ?? []
  if (actor === undefined || first === undefined) return undefined
  return { actor, from: Number(first), to: Number(last ?? first) }
}

function joined(runs: readonly Run[]): Run[] {
  const result: Run[] = []
  for (const run of runs.toSorted((a, b) => b.to - a.to)) {
    const above = result.at(-1)
    if (above === undefined || run.to < above.from - 1) result.push(run)
    else result[result.length - 1] = { ...above, from: Math.min(above.from, run.from) }
  }
  return result
}

function showRun({ actor, from, to }: Run): string {
  return from === to ? `${actor}:${from}` : `${actor}:${from}-${to}`
}

/** A write that was minted elsewhere. */
export interface FarWrite {
  readonly key: Key
  readonly dot: Dot
  /** What its writer had seen then, the write included. */
  readonly context: Seen
  /** How far it had got. */
  readonly stage: 'device' | 'quorum'
}

const farWrite: Codec<FarWrite> = struct({
  key,
  dot,
  context: seen,
  stage: oneOf('device', 'quorum'),
})

const farPrefix = 'f.'
const checkLength = 6

/** `ring` is the ring's hash. */
export function idOfFarWrite(ring: string, write: FarWrite): string {
  const content = encode(farWrite, write)
  const id = new Uint8Array(checkLength + content.length)
  id.set(checkOf(ring, content))
  id.set(content, checkLength)
  return farPrefix + toBase64Url(id)
}

/** Undefined for a text that is no such id, or one of another ring. */
export function farWriteOfId(ring: string, id: string): FarWrite | undefined {
  if (!id.startsWith(farPrefix)) return undefined
  try {
    const bytes = fromBase64Url(id.slice(farPrefix.length))
    const content = bytes.subarray(checkLength)
    const check = bytes.subarray(0, checkLength)
    return equalBytes(check, checkOf(ring, content)) ? decode(farWrite, content) : undefined
  } catch {
    return undefined
  }
}

function checkOf(ring: string, content: Uint8Array): Uint8Array {
  return digestOf(utf8(`ringlet receipt 1 ${ring} `), content).subarray(0, checkLength)
}
