/**
 * `ringlet peer`: one durable peer, until it is told to end.
 */
import { setTimeout as wait } from 'node:timers/promises'
import { closeWithin, endProcess, wishToEnd } from '../ending.ts'
import { hintSpaceFrom } from '../hint-space.ts'
import { type NodePeer, startNodePeer } from '../node-peer.ts'
import { peerLog } from '../peer-log.ts'
import { loadRingFile } from '../ring-file.ts'
import { type Joining, tellJoining } from './joining.ts'
import { done, type Given, type Outcome, usageError, wholeNumber } from './outcome.ts'

/** What a peer tells the launcher that forked it. */
export type PeerNews =
  | { readonly type: 'ready' }
  | { readonly type: 'failed'; readonly why: string; readonly remedy: string | undefined }

const ports = [0, 65_535] as const

/** Longer than whoever waits for it to leave takes to ask again. */
const lastWordMs = 2000
/** A little longer than the longest request. */
const closingMs = 6000

export function run(given: Given): Promise<Outcome> {
  return runPeer(given, { joins: false })
}

/** Resolves once the peer was told to end, or has left the ring. */
export async function runPeer(given: Given, joining: Joining): Promise<Outcome> {
  const ending = wishToEnd()
  const over = new AbortController()
  try {
    const peer = await start(given, joining)
    tellLauncher({ type: 'ready' })
    const left = peer.left.then(() => 'left' as const)
    const failed = joining.joins ? tellJoining(peer.member, joining, say, over.signal) : undefined
    const end = await Promise.race([ending, peer.lost, left, failing(failed)])
    over.abort()
    // Whoever waits for it hears that it has left.
    if (end === 'left') await wait(lastWordMs)
    await closeWithin(peer.close(), closingMs)
    if (end === 'left') return done('It has left the ring.', { left: peer.member.id })
    if (end !== undefined) throw end
    return done('', { stopped: peer.member.id })
  } catch (error) {
    const { message, remedy } = error as { message: string; remedy?: string }
    tellLauncher({ type: 'failed', why: message, remedy })
    throw error
  } finally {
    endProcess()
  }
}

/** Settles only if that rejects. */
function failing(work: Promise<void> = Promise.resolve()): Promise<never> {
  return new Promise((_, reject) => {
    work.catch(reject)
  })
}

function say(line: string): void {
  process.stdout.write(`${line}\n`)
}

async function start(given: Given, { joins }: Joining): Promise<NodePeer> {
  const { values, lists, switches } = given
  const { identity, bootstrap } = loadRingFile(values['ring'] ?? 'ring.json')
  const { log, trace } = peerLog((line) => process.stderr.write(`${line}\n`), switches.has('trace'))
  const [host, zone] = [label(given, 'host'), label(given, 'zone')]
  const at = ipPart(values['listen'] ?? '127.0.0.1')
  const tcp = wholeNumber(given, 'tcp', 7421, ports)
  const hintSpace = hintSpaceFrom(values['hint-space'])
  const ws = wholeNumber(given, 'ws', 7431, ports)
  const peer = await startNodePeer({
    ring: { identity, bootstrap: [...bootstrap, ...(lists['bootstrap'] ?? [])] },
    data: values['data'] ?? 'ringlet-data',
    listen: [`${at}/tcp/${tcp}`, `${at}/tcp/${ws}/ws`],
    announce: lists['announce'] ?? [],
    joins,
    control: wholeNumber(given, 'control', 7411, ports),
    trace,
    onProblem: log,
    ...(host === undefined ? {} : { host }),
    ...(zone === undefined ? {} : { zone }),
    ...(values['weight'] === undefined ? {} : { weight: wholeNumber(given, 'weight', 1, [1, 64]) }),
    ...(hintSpace === undefined ? {} : { hintSpace }),
  })
  say(introduction(identity.name, peer))
  return peer
}

function introduction(ring: string, { member, addresses, control }: NodePeer): string {
  return [
    `${member.id} is a peer of the ring ${ring}`,
    ...addresses.map((address) => `  listens at  ${address}`),
    `  control at  ${control}`,
  ].join('\n')
}

/** A host or zone: it travels in every peer's table. Throws a usage error. */
function label({ values }: Given, option: 'host' | 'zone'): string | undefined {
  const text = values[option]
  if (text === undefined || /^[\w.:-]{1,64}$/.test(text)) return text
  throw usageError(`--${option} has 1 to 64 letters, digits, dots, colons and hyphens.`)
}

function ipPart(address: string): string {
  return address.includes(':') ? `/ip6/${address}` : `/ip4/${address}`
}

function tellLauncher(news: PeerNews): void {
  if (process.connected) process.send?.(news)
}
