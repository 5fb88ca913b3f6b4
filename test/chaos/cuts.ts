/**
 * Cuts of the network that lie over each other: what two of them drop gets through again only when both have ended.
 */
import type { Network } from '../hosts/network.ts'

/** Ends what was begun. */
export type End = () => void | Promise<void>

type Way = readonly [from: string, to: string]

export class Cuts {
  readonly #network: Network
  readonly #standing = new Map<string, number>()
  readonly #pulled = new Set<string>()

  constructor(network: Network) {
    this.#network = network
  }

  /** Drops all that goes these ways, and says nothing of it to anybody. */
  drop(ways: readonly Way[]): End {
    for (const [from, to] of ways) {
      const name = `${from} ${to}`
      this.#standing.set(name, (this.#standing.get(name) ?? 0) + 1)
      this.#network.silence([from], [to])
    }
    return () => {
      for (const [from, to] of ways) {
        const name = `${from} ${to}`
        const left = this.#standing.get(name)! - 1
        this.#standing.set(name, left)
        if (left === 0) this.#network.hear([from], [to])
      }
    }
  }

  /** Pulls a host's cable, which the host notices; undefined if it is out already. */
  pull(host: string): End | undefined {
    if (this.#pulled.has(host)) return undefined
    this.#pulled.add(host)
    this.#network.pull(host)
    return () => {
      this.#pulled.delete(host)
      this.#network.plug(host)
    }
  }
}

/** From each of these to each of those. */
export function ways(from: readonly string[], to: readonly string[]): Way[] {
  return from.flatMap((one) =>
    to.filter((other) => other !== one).map((other) => [one, other] as const),
  )
}

export function bothWays(some: readonly string[], others: readonly string[]): Way[] {
  return [...ways(some, others), ...ways(others, some)]
}
