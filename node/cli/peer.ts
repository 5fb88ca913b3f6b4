/**
 * `ringlet peer`: one durable peer, until it is told to end.
 */
import { closeWithin, endProcess, wishToEnd } from '../ending.ts'
import { hintSpaceFrom } from '../hint-space.ts'
import { type NodePeer, startNodePeer } from '../node-peer.ts'
import { peerLog } from '../peer-log.ts'
import { loadRingFile } from '../ring-file.ts'
import { done, type Given, type Outcome, usageError, wholeNumber } from './outcome.ts'

/** What a peer tells the launcher that forked it. */
export type PeerNews =
  | { readonly type: 'ready' }
  | { readonly type: 'failed'; readonly why: string; readonly remedy: string | undefined }

const ports = [0, 65_535] as const

/** A little longer than the longest request. */
const closingMs = 6000

export async function run(given: Given): Promise<Outcome> {
  const ending = wishToEnd()
  try {
    const peer = await start(given)
    tellLauncher({ type: 'ready' })
    const lost = await Promise.race([ending, peer.lost])
    await closeWithin(peer.close(), closingMs)
    if (lost !== undefined) throw lost
    return done('', { stopped: peer.member.id })
  } catch (error) {
    const { message, remedy } = error as { message: string; remedy?: string }
    tellLauncher({ type: 'failed', why: message, remedy })
    throw error
  } finally {
    endProcess()
  }
}

async function start(given: Given): Promise<NodePeer> {
  const { values, lists, switches } = given
  const { identity, bootstrap } = loadRingFile(values['ring'] ?? 'ring.json')
  const { log, trace } = peerLog((line) => process.stderr.write(`${line}\n`), switches.has('trace'))
  const host = label(given, 'host')
  const at = ipPart(values['listen'] ?? '127.0.0.1')
  const tcp = wholeNumber(given, 'tcp', 7421, ports)
  const hintSpace = hintSpaceFrom(values['hint-space'])
  const ws = wholeNumber(given, 'ws', 7431, ports)
  const peer = await startNodePeer({
    ring: { identity, bootstrap: [...bootstrap, ...(lists['bootstrap'] ?? [])] },
    data: values['data'] ?? 'ringlet-data',
    listen: [`${at}/tcp/${tcp}`, `${at}/tcp/${ws}/ws`],
    announce: lists['announce'] ?? [],
    zone: label(given, 'zone') ?? 'default',
    weight: wholeNumber(given, 'weight', 1, [1, 64]),
    control: wholeNumber(given, 'control', 7411, ports),
    trace,
    onProblem: log,
    ...(host === undefined ? {} : { host }),
    ...(hintSpace === undefined ? {} : { hintSpace }),
  })
  process.stdout.write(`${introduction(identity.name, peer)}\n`)
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
