/**
 * A ring whose peers are on hosts of their own, made as an operator makes one: `ringlet init`, and on every host
 * `ringlet peer`.
 *
 * All peers have the same ports, as each has a network of its own; and as their keys are made first, the ring file can
 * name all of them before the first one starts.
 */
import { type ChildProcess, execFileSync, type SpawnOptions } from 'node:child_process'
import { join } from 'node:path'
import { identitySeed } from '../../node/identity-file.ts'
import { loadRingFile, replaceRingFile } from '../../node/ring-file.ts'
import { identityFromSeed } from '../../src/data/identity.ts'
import type { RingFile } from '../../src/protocol/ring-file.ts'
import type { Network } from './network.ts'

export const command = join(import.meta.dirname, '..', '..', 'node', 'bin.js')
/** On each peer's own loopback. */
export const control = 'http://127.0.0.1:7411'

export interface LaidRing {
  readonly network: Network
  readonly path: string
  readonly file: RingFile
  /** By host. */
  readonly ids: ReadonlyMap<string, string>
  dataOf(peer: string): string
}

/** Makes the ring file and the peers' data folders in `folder`; nothing runs yet. */
export function layRing(network: Network, folder: string, peers: readonly string[]): LaidRing {
  const path = join(folder, 'ring.json')
  execFileSync(process.execPath, [command, 'init', path], { stdio: 'pipe' })
  const ids = new Map<string, string>()
  const dataOf = (peer: string): string => join(folder, peer)
  const bootstrap = peers.flatMap((peer) => {
    const { peer: id } = identityFromSeed(identitySeed(dataOf(peer)))
    ids.set(peer, id)
    const ip = `/ip4/${network.addressOf(peer)}`
    return [`${ip}/tcp/7421/p2p/${id}`, `${ip}/tcp/7431/ws/p2p/${id}`]
  })
  const { identity } = loadRingFile(path)
  replaceRingFile(path, { identity, bootstrap })
  return { network, path, file: { identity, bootstrap }, ids, dataOf }
}

/** Starts a peer on the data that it left. */
export function runPeer(
  ring: LaidRing,
  peer: string,
  options: SpawnOptions,
  more: readonly string[] = [],
  how: 'peer' | 'join' = 'peer',
): ChildProcess {
  const values = {
    ring: ring.path,
    data: ring.dataOf(peer),
    listen: ring.network.addressOf(peer),
    host: peer,
  }
  const words = Object.entries(values).flatMap(([name, value]) => [`--${name}`, value])
  const args = [command, how, ...words, ...more]
  return ring.network.run(peer, process.execPath, args, options)
}
