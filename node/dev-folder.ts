/**
 * The folder of a development ring, `.ringlet/` unless told otherwise: what is where, and on which ports.
 *
 *     ring.json     the ring's public file: its identity, and where to find its peers
 *     peers.json    the ports of the launcher, the page and each peer; the command line looks here
 *     peer-1/       a peer's data: its key and its store; peer-1.log beside it
 *
 * Read by every command, so it knows nothing but files.
 */
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { RingletError } from '../src/protocol/errors.ts'

export const devFolderName = '.ringlet'

export interface DevRing {
  /** `http://localhost:7400/` */
  readonly page: string
  readonly launcher: string
  readonly peers: readonly DevPeer[]
}

export interface DevPeer {
  /** `peer-1` */
  readonly name: string
  readonly id: string
  readonly control: string
  readonly tcpPort: number
  readonly wsPort: number
}

export function ringFileOf(folder: string): string {
  return join(folder, 'ring.json')
}

/** What `folder` says of its ring; undefined if there is none. Throws `RingletError`, `ring-file`. */
export function readDevRing(folder: string): DevRing | undefined {
  const path = join(folder, 'peers.json')
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw new RingletError('ring-file', `${path} cannot be read.`, {
      remedy: 'Let this user read and write that folder, or name another with --folder.',
      cause: error,
    })
  }
  try {
    return checked(JSON.parse(text))
  } catch (cause) {
    throw new RingletError('ring-file', `${path} is not what a development ring writes.`, {
      remedy: `Delete ${path}: the next start writes it anew.`,
      cause,
    })
  }
}

export function writeDevRing(folder: string, ring: DevRing): void {
  const path = join(folder, 'peers.json')
  const unfinished = `${path}.${process.pid}`
  // Synced, or a power cut leaves the name and takes what it stands for.
  writeFileSync(unfinished, `${JSON.stringify(ring, null, 2)}\n`, { flush: true })
  renameSync(unfinished, path)
}

/** The folder of a development ring in `from` or above it. */
export function findDevFolder(from: string): string | undefined {
  for (let at = resolve(from); ; at = dirname(at)) {
    const folder = join(at, devFolderName)
    if (existsSync(join(folder, 'peers.json'))) return folder
    if (at === dirname(at)) return undefined
  }
}

function checked(json: unknown): DevRing {
  const ring = json as DevRing
  const sound =
    typeof ring.page === 'string' &&
    typeof ring.launcher === 'string' &&
    ring.peers.every((peer) => typeof peer.name === 'string' && typeof peer.control === 'string')
  if (!sound) throw new TypeError('a part is missing')
  return ring
}
