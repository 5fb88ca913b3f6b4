/**
 * Where the ring is, for a command: the control ports of its peers, of which one is enough.
 *
 * A peer may be dead, and a stopped one even takes the connection and then says nothing; nobody wants to wait for it. So
 * a quick question goes to one peer after the other until one answers, and the command's request goes to that one.
 */
import { findDevFolder, readDevRing } from '../dev-folder.ts'
import type { PlainError } from '../control-errors.ts'
import { type ErrorCode, RingletError } from '../../src/protocol/errors.ts'
import { call, CallError, type CallOptions } from './call.ts'
import { CommandError, exits, type Given, usageError } from './outcome.ts'

export interface Ring {
  readonly controls: readonly string[]
  /** What people call a peer: `peer-1` in a development ring, else the end of its id. */
  nameOf(peer: string): string
  /** Those of other peers than this one, as far as it is known whose they are. */
  controlsBut(peer: string): readonly string[]
}

/** How long one peer may keep the next from being asked. */
const patienceMs = 60
/** How long all of them may take. */
const mostMs = 2000

/** Throws `CommandError`: nothing says where a ring is. */
export function findRing(given: Given): Ring {
  const folder = findDevFolder('.')
  const ring = folder === undefined ? undefined : readDevRing(folder)
  const names = new Map(ring?.peers.map(({ id, name }) => [id, name]))
  const nameOf = (peer: string): string => names.get(peer) ?? `…${peer.slice(-8)}`
  const chosen = given.values['peer']
  if (chosen !== undefined) {
    const controls = [checkedUrl(chosen)]
    return { controls, nameOf, controlsBut: () => controls }
  }
  if (ring !== undefined) {
    const controlsBut = (peer?: string): string[] =>
      ring.peers.filter(({ id }) => id !== peer).map(({ control }) => control)
    return { controls: controlsBut(), nameOf, controlsBut }
  }
  throw noRing('No .ringlet/ is here or in a folder above: no ring to ask.')
}

/** One peer of it: that of --peer, or the one of a development ring with this name. Throws `CommandError`. */
export function findPeer(given: Given, name: string | undefined): Ring {
  const ring = findRing(given)
  if (given.values['peer'] !== undefined) {
    if (name === undefined) return ring
    throw usageError('Say which peer by its name or by --peer URL, not by both.')
  }
  const remedy = 'Name it as `ringlet status` does, or by its control port: --peer URL.'
  if (name === undefined) throw usageError('Say which peer.', remedy)
  const named = readDevRing(findDevFolder('.')!)!.peers.find((peer) => {
    return peer.name === name || peer.id === name || peer.name === `peer-${name}`
  })
  if (named === undefined) throw usageError(`There is no peer ${name} in .ringlet/.`, remedy)
  return { ...ring, controls: [named.control] }
}

/** What the ring answers. Throws `RingletError` for an answer that is an error. */
export async function askRing<T>(ring: Ring, path: string, options: CallOptions = {}): Promise<T> {
  const answers = await tryPeers(ring.controls, path, options)
  const body = answers.body as { readonly error?: PlainError }
  if (body.error !== undefined) throw errorOf(body.error, ring)
  return body as T
}

/** A question is asked again elsewhere when its peer dies over it; a write is not: it may have been done. */
async function tryPeers(controls: readonly string[], path: string, options: CallOptions) {
  let left = controls
  for (;;) {
    const control = await firstToAnswer(left)
    if (control === undefined) throw noRing(`None of ${list(controls)} answers.`)
    try {
      return await call(`${control}${path}`, options)
    } catch (error) {
      if (!(error instanceof CallError)) throw error
      const isQuestion = (options.method ?? 'GET') === 'GET'
      if (!isQuestion && error.sent) throw unknownFate(control)
      left = left.filter((other) => other !== control)
    }
  }
}

/** Asks one after the other, without waiting long for any. */
async function firstToAnswer(controls: readonly string[]): Promise<string | undefined> {
  const race = new AbortController()
  const late = AbortSignal.timeout(mostMs)
  const signal = AbortSignal.any([race.signal, late])
  const tried: Promise<string>[] = []
  try {
    for (const control of controls) {
      const attempt = call(`${control}/ping`, { signal }).then(() => control)
      tried.push(attempt)
      const soon = await Promise.race([attempt.catch(() => 'failed'), pause(patienceMs)])
      if (soon === control) return control
    }
    return await Promise.any(tried)
  } catch {
    return undefined
  } finally {
    race.abort()
  }
}

function pause(ms: number): Promise<undefined> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms, undefined).unref()
  })
}

function errorOf(error: PlainError, ring: Ring): RingletError {
  const { code, message, outcome, remedy, needed, got, answers = {} } = error
  return new RingletError(code as ErrorCode, message, {
    outcome,
    answers: Object.fromEntries(
      Object.entries(answers).map(([peer, answer]) => [ring.nameOf(peer), answer]),
    ),
    ...(remedy === undefined ? {} : { remedy }),
    ...(needed === undefined ? {} : { needed }),
    ...(got === undefined ? {} : { got }),
  })
}

function unknownFate(control: string): CommandError {
  return new CommandError(
    exits.unknown,
    'unreachable',
    `${control} took the write and then went silent.`,
    'Read the key; to try again with the same --context is safe.',
  )
}

function noRing(message: string): CommandError {
  return new CommandError(
    exits.noRing,
    'unreachable',
    message,
    'Start a ring with `npm start`, or name a control port with --peer http://127.0.0.1:7411.',
  )
}

function checkedUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url?.protocol === 'http:') return url.origin
  throw usageError(`--peer ${text} is no http: URL.`, 'Write it like http://127.0.0.1:7411.')
}

function list(controls: readonly string[]): string {
  return controls.map((control) => control.replace('http://', '')).join(', ')
}
