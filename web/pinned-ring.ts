/**
 * The rings that this origin has seen, pinned in the page's own storage.
 */
import { type Pins, pinnedRing, ringUrl } from '../src/adapters/pinned-ring.ts'
import type { RingFile } from '../src/protocol/ring-file.ts'

const pinKey = (url: string): string => `ringlet:ring:${url}`

/** Nothing is kept in Node, nor where the user forbids sites to store anything. */
const pins: Pins = {
  read: (url) => storage()?.getItem(pinKey(url)) ?? undefined,
  write: (url, file) => storage()?.setItem(pinKey(url), file),
}

/** The ring of an address, from its server or as this origin has seen it. Rejects as `pinnedRing` does. */
export function ringOfPage(address: string): Promise<RingFile> {
  return pinnedRing(address, pins)
}

/** Unpins: the next `open` takes the ring that it finds. What is stored for the earlier ring stays where it is. */
export function forgetRing(address: string): void {
  storage()?.removeItem(pinKey(ringUrl(address)))
}

function storage(): Storage | undefined {
  try {
    return globalThis.localStorage
  } catch {
    return undefined
  }
}
