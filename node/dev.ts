/**
 * A development ring: several durable peers on one machine, each its own process with its own data, and the cart page.
 *
 * On one machine all peers share a host, and a quorum of distinct hosts could never be had; so each says that it has a host
 * of its own. That is a lie about disks, told for development only, and the launcher says so.
 *
 * A peer that dies is not started again: to see what the ring does without it is what such a ring is for.
 */
import { setTimeout as wait } from 'node:timers/promises'
import type { RingStatus } from './control-status.ts'
import { showTable } from './cli/table.ts'
import { type DevRing, ringFileOf } from './dev-folder.ts'
import { serveLauncher } from './dev-launcher.ts'
import { DevPeerProcess } from './dev-peer.ts'
import { type DevWishes, prepareDevRing } from './dev-prepare.ts'
import { builtPage } from './page-build.ts'
import { servePage } from './page-server.ts'
import { loadRingFile } from './ring-file.ts'
import { RingletError } from '../src/protocol/errors.ts'

export interface RunningDevRing {
  readonly ring: DevRing
  close(): Promise<void>
}

/** How long the peers may take to find each other. */
const settleMs = 30_000

/** Resolves once all members see each other. Rejects with `RingletError`, or when `signal` says to give up. */
export async function startDevRing(
  wishes: DevWishes,
  say: (line: string) => void,
  signal: AbortSignal,
): Promise<RunningDevRing> {
  const { folder } = wishes
  const ring = await prepareDevRing(wishes)
  await using opening = new AsyncDisposableStack()
  const peers = ring.peers.map((peer, i) => {
    const died = (how: string): void => {
      say(`${peer.name} is down (${how}). Start it again: npx ringlet start ${i + 1}`)
    }
    return new DevPeerProcess({ folder, number: i + 1, peer, died })
  })
  opening.defer(async () => void (await Promise.all(peers.map((peer) => peer.stop()))))

  const portOf = (url: string): number => Number(new URL(url).port)
  const launcher = await serveLauncher({ port: portOf(ring.launcher), folder, peers, say })
  opening.defer(() => launcher.close())
  const started = Promise.all([builtPage(), ...peers.map(startOrFail)])
  // Given up, it is to fail unheard.
  started.catch(() => {})
  const [page] = await Promise.race([started, givenUp(signal)])
  if (page !== undefined) {
    const ringFile = loadRingFile(ringFileOf(folder))
    const pages = await servePage({ port: portOf(ring.page), folder: page, ring: ringFile })
    opening.defer(() => pages.close())
  }
  const status = await settled(ring, signal)
  say(introduction(ring, status, page !== undefined))

  const held = opening.move()
  return { ring, close: () => held.disposeAsync() }
}

/** Rejects when `signal` does. */
function givenUp(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true })
  })
}

async function startOrFail(peer: DevPeerProcess): Promise<undefined> {
  const why = await peer.start()
  if (why === undefined) return undefined
  throw new RingletError('closed', `${peer.peer.name} does not start: ${why}`)
}

/** Asks every peer until each sees all of them up. */
async function settled(ring: DevRing, signal: AbortSignal): Promise<RingStatus> {
  const deadline = performance.now() + settleMs
  for (;;) {
    signal.throwIfAborted()
    const pictures = await Promise.all(ring.peers.map(({ control }) => pictureOf(control)))
    const isWhole = pictures.every((picture) =>
      ring.peers.every(({ id }) => stateIn(picture, id) === 'up'),
    )
    const [first] = pictures
    if (isWhole && first !== undefined) return first
    if (performance.now() > deadline) {
      throw new RingletError('unreachable', 'The peers do not find each other.', {
        remedy: 'Look into their logs, beside their data, or try other ports with --port.',
      })
    }
    await wait(50)
  }
}

async function pictureOf(control: string): Promise<RingStatus | undefined> {
  try {
    const response = await fetch(`${control}/status`, { signal: AbortSignal.timeout(2000) })
    return (await response.json()) as RingStatus
  } catch {
    return undefined
  }
}

function stateIn(picture: RingStatus | undefined, id: string): string | undefined {
  return picture?.members.find((member) => member.id === id)?.state
}

function introduction(ring: DevRing, status: RingStatus, hasPage: boolean): string {
  const rows = ring.peers.map(({ name, id }) => {
    const member = status.members.find((each) => each.id === id)!
    return [name, member.state, `${(member.share * 100).toFixed(1)} %`, member.host, id]
  })
  return [
    `A development ring of ${ring.peers.length} peers, each a process with its own data. Each says that it`,
    'is on a host of its own, although all are on this machine: never do so with data you need.',
    '',
    ...showTable(['peer', 'state', 'share', 'host', 'id'], rows, ['share']),
    '',
    ...(hasPage ? [`  The cart page   ${ring.page}`] : []),
    '  Look at it      npx ringlet status',
    '  Stop            Ctrl-C',
  ].join('\n')
}
