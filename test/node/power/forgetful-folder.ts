/**
 * A folder on a disk that forgets: names that come, go and move, and which of that a power cut leaves.
 *
 * A change is one system call, and happens as a whole: the two names of a `rename` change together. Which changes are
 * left is chance. With a journal it is all up to one of them; without, it is any of them.
 */
import type { Luck } from './forgetful-file.ts'

type Inode = number
type Change = readonly (readonly [name: string, inode: Inode | undefined])[]

export class ForgetfulFolder {
  readonly #seen = new Map<string, Inode>()
  #medium = new Map<string, Inode>()
  #unsynced: Change[] = []

  get size(): number {
    return this.#seen.size
  }

  get(name: string): Inode | undefined {
    return this.#seen.get(name)
  }

  entries(): [string, Inode][] {
    return [...this.#seen]
  }

  change(...change: Change): void {
    apply(this.#seen, change)
    this.#unsynced.push(change)
  }

  sync(): void {
    for (const change of this.#unsynced) apply(this.#medium, change)
    this.#unsynced = []
  }

  failSync(luck: Luck): void {
    this.#medium = this.afterCut(luck)
    this.#unsynced = []
  }

  afterCut(luck: Luck): Map<string, Inode> {
    const left = new Map(this.#medium)
    for (const change of this.#unsynced) {
      if (luck.stays()) apply(left, change)
      else if (luck.inOrder) break
    }
    return left
  }
}

function apply(names: Map<string, Inode>, change: Change): void {
  for (const [name, inode] of change) {
    if (inode === undefined) names.delete(name)
    else names.set(name, inode)
  }
}
