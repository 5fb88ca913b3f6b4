/**
 * Measuring two contestants side by side. A machine's speed drifts over minutes by more than what one looks for, so they
 * take turns, round by round, and medians are compared.
 */

export interface Contestant {
  /** Writes a value of 1 KiB under the `i`-th key, with W = 2. */
  put(i: number): Promise<void>
  /** Reads the `i`-th key, with R = 2. */
  get(i: number): Promise<void>
  close(): Promise<void>
}

export interface Run {
  readonly opsPerSecond: number
  readonly p50Ms: number
  readonly p99Ms: number
}

/** Gets go over so many keys, which the warm-up writes. */
export const readKeys = 1000

/** Keys are never written twice: the one more concurrent value would be another kind of work. */
let nextKey = 0

export async function warmUp(contestant: Contestant): Promise<void> {
  const firstKeys = Array.from({ length: readKeys }, (_, i) => i)
  for (let at = 0; at < readKeys; at += 50) {
    await Promise.all(firstKeys.slice(at, at + 50).map((i) => contestant.put(i)))
  }
  nextKey = Math.max(nextKey, readKeys)
}

export async function measure(
  contestant: Contestant,
  op: 'put' | 'get',
  inFlight: number,
  seconds: number,
): Promise<Run> {
  const latencies: number[] = []
  const startMs = performance.now()
  const endMs = startMs + seconds * 1000
  const worker = async (): Promise<void> => {
    for (;;) {
      const sentMs = performance.now()
      if (sentMs >= endMs) return
      if (op === 'put') await contestant.put(nextKey++)
      else await contestant.get(nextKey++ % readKeys)
      latencies.push(performance.now() - sentMs)
    }
  }
  await Promise.all(Array.from({ length: inFlight }, worker))
  const tookMs = performance.now() - startMs
  latencies.sort((a, b) => a - b)
  return {
    opsPerSecond: (latencies.length / tookMs) * 1000,
    p50Ms: latencies[Math.floor(latencies.length * 0.5)] ?? Number.NaN,
    p99Ms: latencies[Math.floor(latencies.length * 0.99)] ?? Number.NaN,
  }
}

/** Each figure's own median. */
export function medianRun(runs: readonly Run[]): Run {
  return {
    opsPerSecond: median(runs.map((run) => run.opsPerSecond)),
    p50Ms: median(runs.map((run) => run.p50Ms)),
    p99Ms: median(runs.map((run) => run.p99Ms)),
  }
}

function median(numbers: readonly number[]): number {
  const sorted = numbers.toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
}
