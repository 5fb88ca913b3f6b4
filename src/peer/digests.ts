/**
 * One digest a partition, folded over its keys' digests and kept with every write (paper §4.7).
 *
 * The fold is an exclusive or, so a write changes it by its old digest and its new one, in any order. The first folds
 * are made by a scan while writes go on: a key with an update in flight at any time of the scan may be met before or
 * after it, so what the scan saw of it does not count; its last update says what to fold. A failed update leaves its
 * key in doubt, and the folds are made again.
 */
import type { Bytes } from '../data/bytes.ts'
import { type Digest, digestLength, digestOf } from '../data/hash.ts'
import { type Key, partitionOf } from '../data/key.ts'
import { digestOfStored, keyOfStored, shelfRange, verifiedDigest } from '../protocol/record.ts'
import type { Storage } from '../ports.ts'
import { slices } from './slices.ts'

const noDigest: Digest = new Uint8Array(digestLength)

interface Placed {
  readonly partition: number
  readonly digest: Digest
}

export class Digests {
  readonly #storage: Storage
  readonly #q: number
  readonly #damaged: (key: Key) => void
  #folds: Map<number, Digest> | undefined
  /** How many records the folds are made of. */
  #count = 0
  #scanning: Promise<void> | undefined
  #doubtful = false
  /** How many updates of a key are on their way. */
  readonly #inFlight = new Map<string, number>()
  /** Keys that the scan must not place: still in flight (undefined), or landed with this digest. */
  readonly #unplaced = new Map<string, Placed | undefined>()

  /** `damaged` hears of each record that a verifying fold has found to be none. */
  constructor(storage: Storage, q: number, damaged: (key: Key) => void = () => {}) {
    this.#storage = storage
    this.#q = q
    this.#damaged = damaged
  }

  /** How many records the store holds, once the first folds are made. */
  get count(): number | undefined {
    return this.#folds === undefined ? undefined : this.#count
  }

  /** Before an update of this key is handed to the store. */
  begin(key: Key): void {
    this.#inFlight.set(key.text, (this.#inFlight.get(key.text) ?? 0) + 1)
    if (this.#scanning !== undefined) this.#unplaced.set(key.text, undefined)
  }

  /** After the update became durable; a digest of zeros stands for no record. */
  end(key: Key, before: Digest, after: Digest): void {
    const last = this.#landed(key)
    const partition = partitionOf(key.position, this.#q)
    if (this.#unplaced.has(key.text)) {
      if (!last) return
      this.#unplaced.set(key.text, { partition, digest: after })
      if (this.#scanning === undefined) this.#placeLanded()
    } else if (this.#folds !== undefined) {
      foldInto(this.#folds, partition, before)
      foldInto(this.#folds, partition, after)
      this.#count += weightOf(after) - weightOf(before)
    }
  }

  /** After the update failed: nobody knows what the store holds. */
  doubt(key: Key): void {
    this.#landed(key)
    this.remake()
  }

  /** Forgets the folds: the next question makes them from the store. */
  remake(): void {
    this.#folds = undefined
    this.#doubtful = true
  }

  /** The fold of one partition; with a salt, made anew from the store, so that no collision hides for good. */
  async of(partition: number, salt: Bytes): Promise<Digest> {
    if (salt.length > 0) return this.#salted(partition, salt)
    while (this.#folds === undefined) await (this.#scanning ??= this.#scan())
    return this.#folds.get(partition) ?? noDigest
  }

  async #salted(partition: number, salt: Bytes): Promise<Digest> {
    const folds = new Map<number, Digest>()
    const width = 0x1_0000_0000 / this.#q
    const range = shelfRange('object', partition * width, (partition + 1) * width)
    for await (const slice of slices(this.#storage, range)) {
      for (const { key: storedKey, value } of slice) {
        const key = keyOfStored(storedKey)
        const digest = verifiedDigest(key, value)
        if (digest === undefined) this.#damaged(key)
        else foldInto(folds, partition, digestOf(salt, digest))
      }
    }
    return folds.get(partition) ?? noDigest
  }

  async #scan(): Promise<void> {
    this.#doubtful = false
    this.#unplaced.clear()
    for (const key of this.#inFlight.keys()) this.#unplaced.set(key, undefined)
    const met = new Map<string, Placed>()
    try {
      await this.#each(0, 0x1_0000_0000, (storedKey, digest) => {
        const { text, position } = keyOfStored(storedKey)
        met.set(text, { partition: partitionOf(position, this.#q), digest })
      })
    } finally {
      this.#scanning = undefined
    }
    if (this.#doubtful) return
    this.#folds = new Map()
    this.#count = 0
    for (const [key, placed] of met) if (!this.#unplaced.has(key)) this.#place(placed)
    this.#placeLanded()
  }

  #placeLanded(): void {
    for (const [key, placed] of this.#unplaced) {
      if (placed === undefined) continue
      this.#unplaced.delete(key)
      this.#place(placed)
    }
  }

  #place({ partition, digest }: Placed): void {
    if (this.#folds === undefined) return
    foldInto(this.#folds, partition, digest)
    this.#count += weightOf(digest)
  }

  async #each(
    from: number,
    to: number,
    visit: (key: Bytes, digest: Digest) => void,
  ): Promise<void> {
    for await (const slice of slices(this.#storage, shelfRange('object', from, to))) {
      for (const { key, value } of slice) visit(key, digestOfStored(value))
    }
  }

  #landed(key: Key): boolean {
    const left = (this.#inFlight.get(key.text) ?? 1) - 1
    if (left === 0) this.#inFlight.delete(key.text)
    else this.#inFlight.set(key.text, left)
    return left === 0
  }
}

/** A digest of zeros stands for no record. */
function weightOf(digest: Digest): number {
  return digest.some((byte) => byte !== 0) ? 1 : 0
}

function foldInto(folds: Map<number, Digest>, partition: number, digest: Digest): void {
  let fold = folds.get(partition)
  if (fold === undefined) {
    fold = new Uint8Array(digestLength)
    folds.set(partition, fold)
  }
  xorInto(fold, digest)
}

/** Folds `digest` into `fold`, in place. */
export function xorInto(fold: Digest, digest: Digest): void {
  for (let i = 0; i < digestLength; i++) fold[i]! ^= digest[i]!
}
