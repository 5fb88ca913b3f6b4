/**
 * The real clock and the real dice: the only place on the ground floor that asks the host for time or chance.
 *
 * Wall time jumps when somebody sets the clock, so deadlines use the host's monotonic time. It counts time awake;
 * whether it also counts a machine's sleep differs from host to host (it does not on Linux and in Chromium on
 * Linux and macOS, it does on Windows), so that after a sleep a deadline may have passed or not: both are safe.
 */
import type { Clock, Random } from '../ports.ts'

/** A host's timer holds 31 bits of milliseconds; a longer one would fire at once. */
const longestTimerMs = 2 ** 31 - 1

export const systemClock: Clock = {
  now: () => Date.now(),
  elapsed: () => performance.now(),
  after(delayMs, run) {
    let timer: ReturnType<typeof setTimeout>
    const wait = (leftMs: number) => {
      const stepMs = Math.min(leftMs, longestTimerMs)
      timer = setTimeout(() => (leftMs > stepMs ? wait(leftMs - stepMs) : run()), stepMs)
    }
    wait(delayMs)
    return () => clearTimeout(timer)
  },
}

/** What `getRandomValues` gives at once. */
const mostRandomBytes = 65_536

export const systemRandom: Random = {
  bytes(length) {
    const bytes = new Uint8Array(length)
    for (let at = 0; at < length; at += mostRandomBytes) {
      crypto.getRandomValues(bytes.subarray(at, at + mostRandomBytes))
    }
    return bytes
  },
  /** 53 bits: every fraction that a number can hold evenly. */
  fraction() {
    const [high, low] = crypto.getRandomValues(new Uint32Array(2))
    return ((high! >>> 5) * 2 ** 26 + (low! >>> 6)) / 2 ** 53
  },
}
