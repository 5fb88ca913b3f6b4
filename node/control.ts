/**
 * A peer's control port: HTTP on loopback, for the command line and for scripts of this machine.
 *
 *     GET    /ping                        { peer }
 *     GET    /status                      the ring as this peer sees it
 *     POST   /trust                       this peer counts as whole, on an operator's word
 *     GET    /ring                        the ring's members, and what this peer owes each
 *     GET    /ring/owners                 the same, and who owns which partition
 *     GET    /changing                    this peer's seat, and the change of the ring that is under way
 *     POST   /changing/leave              ?force; what it says of itself comes to `left`
 *     POST   /changing/weight             ?weight=2
 *     POST   /changing/evict/PEER         ?force
 *     GET    /disk                        what troubles this peer's own disk, and what it is in doubt of
 *     GET    /buckets/BUCKET/where/KEY    where a key is: its path, part by part
 *     GET    /buckets/BUCKET/keys/KEY     ?r=2, ?strict
 *     PUT    /buckets/BUCKET/keys/KEY     ?w=2, ?strict, ?ttlMs=60000, a JSON body (or bytes, as application/octet-stream)
 *     DELETE /buckets/BUCKET/keys/KEY     ?w=2, ?strict
 *
 * A write names what it has seen in the header `ringlet-context`, as a read returned it; without, it is blind. Errors
 * are JSON too: `{ error: { code, message, outcome, remedy, needed, got, answers } }`. What asks is never a member:
 * this peer coordinates for it.
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { readDemands, type WriteDemands, writeDemands } from '../src/protocol/demands.ts'
import { RingletError } from '../src/protocol/errors.ts'
import type { Member } from '../src/peer/member.ts'
import { evict, leave, reportStanding, weigh } from './control-changing.ts'
import { plainError, statusOf } from './control-errors.ts'
import { readKey, writeKey } from './control-keys.ts'
import { locateKey, reportDisk, reportOwners, reportRing } from './control-ring.ts'
import { describeRing } from './control-status.ts'
import { storedOfJson, storedOfBytes } from './control-values.ts'
import { foreignness, listenOnLoopback, type Listening, readBody, sendJson } from './http.ts'
import type { Silences } from './silences.ts'

/** JSON spends up to six bytes on one (`\u0000`); the value itself is measured in its own encoding. */
const mostBodyBytes = 8 * 1024 * 1024

/** R and W unless a request says otherwise. */
const usualQuorum = 2

interface Asked {
  readonly method: string
  /** The parts of the path, decoded. */
  readonly parts: readonly string[]
  readonly query: URLSearchParams
  readonly request: IncomingMessage
}

interface Answered {
  readonly status: number
  readonly body: unknown
}

/** Serves until it is closed. Rejects with `RingletError`, `port-in-use`. */
export function serveControl(member: Member, port: number, silences: Silences): Promise<Listening> {
  let underWay = 0
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    underWay++
    try {
      if (underWay > member.world.limits.requestsInFlight) throw tooMany(underWay)
      const { status, body } = await answerTo(member, silences, request)
      sendJson(response, status, body)
    } catch (error) {
      if (response.destroyed) return
      // What is left of a body that was refused is not worth reading.
      if (!request.complete) response.shouldKeepAlive = false
      sendJson(response, statusOf(error), { error: plainError(error) })
      if (!(error instanceof RingletError)) report(member, error)
    } finally {
      underWay--
    }
  }
  return listenOnLoopback(port, (request, response) => void answer(request, response))
}

async function answerTo(
  member: Member,
  silences: Silences,
  request: IncomingMessage,
): Promise<Answered> {
  const refusal = foreignness(request)
  if (refusal !== undefined) throw refusal
  const asked = parse(request)
  const [kind, bucket, keys, key, ...more] = asked.parts
  if (kind === 'ping' && bucket === undefined) {
    return { status: 200, body: { peer: member.id } }
  }
  if (kind === 'status' && bucket === undefined) {
    return { status: 200, body: await describeRing(member) }
  }
  if (kind === 'trust' && bucket === undefined && asked.method === 'POST') {
    await member.trust()
    return { status: 200, body: { peer: member.id, readiness: 'ready' } }
  }
  if (kind === 'changing' && asked.method === 'POST') return change(member, asked)
  const looked = asked.method === 'GET' ? await look(member, silences, asked.parts) : undefined
  if (looked !== undefined) return { status: 200, body: looked }
  const isKey = kind === 'buckets' && keys === 'keys' && key !== undefined && more.length === 0
  if (!isKey || bucket === undefined) return nothingHere()
  return answerKey(member, asked, bucket, key)
}

/** What changes the ring's members. */
async function change(member: Member, { parts, query }: Asked): Promise<Answered> {
  const [, what, peer, ...more] = parts
  const force = query.has('force')
  if (what === 'evict' && peer !== undefined && more.length === 0) {
    return { status: 200, body: await evict(member, peer, force) }
  }
  if (peer !== undefined) return nothingHere()
  if (what === 'leave') return { status: 200, body: await leave(member, force) }
  if (what === 'weight') return { status: 200, body: await weigh(member, query.get('weight')) }
  return nothingHere()
}

/** What only looks at the ring; undefined for anything else. */
async function look(
  member: Member,
  silences: Silences,
  [kind, second, third, ...path]: readonly string[],
): Promise<unknown> {
  if (kind === 'disk' && second === undefined) return reportDisk(member)
  if (kind === 'changing' && second === undefined) return reportStanding(member)
  if (kind === 'ring' && second === undefined) return reportRing(member, silences)
  if (kind === 'ring' && second === 'owners' && third === undefined) {
    return reportOwners(member, silences)
  }
  const isWhere = kind === 'buckets' && third === 'where' && path.length > 0
  return isWhere && second !== undefined ? locateKey(member, second, path) : undefined
}

async function answerKey(
  member: Member,
  { method, query, request }: Asked,
  bucket: string,
  path: string,
): Promise<Answered> {
  const header = request.headers['ringlet-context'] ?? ''
  const context = Array.isArray(header) ? header.join() : header
  switch (method) {
    case 'GET': {
      const r = quorum(query, 'r')
      const demands = readDemands(member.world, usualQuorum, kindOf(query), { r })
      const body = await readKey(member, bucket, path, demands)
      return { status: body.found ? 200 : 404, body }
    }
    case 'PUT': {
      const stored = storedOfBody(request, await readBody(request, mostBodyBytes))
      const demands = demandsOf(member, query)
      const write = { bucket, path, stored, context, demands, ttlMs: ttlOf(query) }
      return { status: 200, body: await writeKey(member, write) }
    }
    case 'DELETE': {
      const demands = demandsOf(member, query)
      const write = { bucket, path, stored: undefined, context, demands }
      return { status: 200, body: await writeKey(member, write) }
    }
    default:
      return {
        status: 405,
        body: { error: plainError(new RingletError('bad-argument', `${method} is not served`)) },
      }
  }
}

function parse(request: IncomingMessage): Asked {
  const { method = 'GET', url = '/' } = request
  try {
    const { pathname, searchParams } = new URL(url, 'http://localhost')
    const parts = pathname.slice(1).split('/').map(decodeURIComponent)
    return { method, parts, query: searchParams, request }
  } catch (cause) {
    throw new RingletError('bad-argument', 'a path that is not well encoded', { cause })
  }
}

function storedOfBody(request: IncomingMessage, body: Buffer): Uint8Array {
  if (request.headers['content-type'] === 'application/octet-stream') return storedOfBytes(body)
  try {
    return storedOfJson(JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body)))
  } catch (cause) {
    if (cause instanceof RingletError) throw cause
    throw new RingletError('bad-argument', 'a body that is not JSON', {
      remedy: 'Send JSON in UTF-8, or bytes as application/octet-stream.',
      cause,
    })
  }
}

function demandsOf(member: Member, query: URLSearchParams): WriteDemands {
  const strict = kindOf(query) === 'strict'
  const w = quorum(query, 'w')
  return writeDemands(member.world, usualQuorum, { strict, ...(w !== undefined && { w }) })
}

/** Not a number where it is none: that is refused with all others that are no time to live. */
function ttlOf(query: URLSearchParams): number | undefined {
  const text = query.get('ttlMs')
  return text === null ? undefined : Number(text === '' ? NaN : text)
}

function kindOf(query: URLSearchParams): 'strict' | 'quorum' {
  return query.has('strict') ? 'strict' : 'quorum'
}

function quorum(query: URLSearchParams, name: 'r' | 'w'): number | undefined {
  const text = query.get(name)
  if (text === null) return undefined
  if (/^[1-9]\d?$/.test(text)) return Number(text)
  throw new RingletError('bad-argument', `${name} = ${text}`, {
    remedy: `Give ${name} as a whole number from 1 to N.`,
  })
}

function nothingHere(): Answered {
  const error = new RingletError('bad-argument', 'nothing is served at this address', {
    remedy: 'Ask for /status or /buckets/BUCKET/keys/KEY.',
  })
  return { status: 404, body: { error: plainError(error) } }
}

function tooMany(underWay: number): RingletError {
  return new RingletError('overloaded', `${underWay} requests are under way here already`, {
    remedy: 'Wait for some of them to be answered.',
  })
}

function report(member: Member, error: unknown): void {
  const detail = error instanceof Error ? (error.stack ?? error.message) : String(error)
  member.world.say({ type: 'task-failed', detail: `control: ${detail}` })
}
