/**
 * The ring that an address stands for: fetched, and pinned at first sight.
 *
 * A device must open its ring without the network, so the ring file is kept. And a server that presents another ring under the
 * same address (a restored backup, somebody else's program at that port) must not be believed silently: this device
 * may still owe writes to the ring it knows, and the new one would never see them. So the first ring stays until
 * somebody says that it may be forgotten.
 */
import { RingletError } from '../protocol/errors.ts'
import { ringHash } from '../protocol/view.ts'
import { readRingFile, type RingFile, ringFilePath, writeRingFile } from '../protocol/ring-file.ts'

/** Where ring files are kept, by their URLs. Both may throw: then nothing is kept. */
export interface Pins {
  read(url: string): string | undefined
  write(url: string, file: string): void
}

/** With a pinned ring at hand, a slow server is not waited for long. */
const patienceMs = { pinned: 2000, first: 10_000 }

/**
 * The ring of `address`: a ring file's URL, or a server's (`http://localhost:7400`), which keeps it at its well-known
 * path. Rejects with `RingletError`: `unreachable` or `ring-file` where there is none and none was seen before,
 * `wrong-ring` where there is another than the one seen before, `bad-argument` for what is no address.
 */
export async function pinnedRing(address: string, pins: Pins): Promise<RingFile> {
  const url = ringUrl(address)
  const pinned = readPin(pins, url)
  let served: RingFile
  try {
    served = await fetchRing(url, pinned === undefined ? patienceMs.first : patienceMs.pinned)
  } catch (error) {
    if (pinned === undefined) throw error
    return pinned
  }
  if (pinned !== undefined && ringHash(served.identity) !== ringHash(pinned.identity)) {
    throw new RingletError(
      'wrong-ring',
      `the ring at ${url} is “${served.identity.name}” (${served.identity.id}) now, and this device ` +
        `knows it as “${pinned.identity.name}” (${pinned.identity.id})`,
      {
        remedy:
          'If the ring was made anew on purpose, forget the earlier one; else find out who answers there.',
      },
    )
  }
  // Also when it is the same ring: its bootstrap addresses may have moved.
  writePin(pins, url, served)
  return served
}

/** The ring file's own URL: an address without a path means the place where servers serve it. */
export function ringUrl(address: string): string {
  let url: URL
  try {
    url = new URL(address, globalThis.location?.href)
  } catch (cause) {
    throw noAddress(address, cause)
  }
  if (url.protocol !== 'http:' && url.protocol !== 'https:') throw noAddress(address)
  return url.pathname === '/' ? new URL(ringFilePath, url).href : url.href
}

async function fetchRing(url: string, deadlineMs: number): Promise<RingFile> {
  const response = await fetchInTime(url, deadlineMs)
  if (!response.ok) {
    throw new RingletError(
      'ring-file',
      `the server answers ${response.status} at ${url}, and no ring file`,
      {
        remedy: 'Ask at the address that `npm start` or the operator of the ring names.',
      },
    )
  }
  let json: unknown
  try {
    json = await response.json()
  } catch (cause) {
    throw new RingletError('ring-file', `what ${url} serves is no ring file`, {
      remedy: 'Ask at the address that `npm start` or the operator of the ring names.',
      cause,
    })
  }
  return readRingFile(json)
}

async function fetchInTime(url: string, deadlineMs: number): Promise<Response> {
  try {
    return await fetch(url, { cache: 'no-store', signal: AbortSignal.timeout(deadlineMs) })
  } catch (cause) {
    throw new RingletError('unreachable', `nobody answers at ${url}`, {
      remedy: 'Open it once while its server can be reached; from then on it opens without.',
      cause,
    })
  }
}

function readPin(pins: Pins, url: string): RingFile | undefined {
  try {
    const text = pins.read(url)
    return text === undefined ? undefined : readRingFile(JSON.parse(text))
  } catch {
    // Not ours, or damaged: as good as never seen.
    return undefined
  }
}

function writePin(pins: Pins, url: string, file: RingFile): void {
  try {
    pins.write(url, writeRingFile(file))
  } catch {
    // Full: it opens with the network only, which is no reason not to open now.
  }
}

function noAddress(address: string, cause?: unknown): RingletError {
  return new RingletError('bad-argument', `${address} is no address of a ring`, {
    remedy: 'Write it like http://localhost:7400, or give the ring file itself, parsed.',
    cause,
  })
}
