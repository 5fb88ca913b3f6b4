/**
 * A file on a disk that forgets: what a reader sees now, and what the medium is sure to hold.
 *
 * Between the two stands the list of what was done since the last sync. A sync writes all of it down. A power cut writes
 * down any part of it: each sector of each write came to the medium or did not, whatever came of the others, and so did
 * each change of the length. (Kernels write back when they please and in any order, so of a sector that was written twice
 * the older write may be the one that stayed.) A sync that fails is the worst: the kernel takes the pages for clean, goes
 * on showing them, and never writes them again.
 */

/** How a cut deals with what was not synced. */
export interface Luck {
  /** Whether the next sector, or the next change of a length or of a folder, came to the medium. */
  stays(): boolean
  /** How much is written whole: 512 bytes, or 4096. */
  readonly sectorBytes: number
  /** Whether a folder's changes came to the medium in their order, as a journal keeps it. */
  readonly inOrder: boolean
}

type Deed =
  | { readonly at: number; readonly bytes: Buffer }
  | { readonly length: number; readonly at?: never }

export class ForgetfulFile {
  readonly #seen: Content
  readonly #medium: Content
  #unsynced: Deed[] = []

  constructor(bytes: Buffer = Buffer.alloc(0)) {
    this.#seen = new Content(bytes)
    this.#medium = new Content(bytes)
  }

  get length(): number {
    return this.#seen.length
  }

  read(at: number, length: number): Buffer {
    return this.#seen.read(at, length)
  }

  write(at: number, bytes: Buffer): void {
    this.#do({ at, bytes })
  }

  resize(length: number): void {
    this.#do({ length })
  }

  sync(): void {
    for (const deed of this.#unsynced) this.#medium.do(deed)
    this.#unsynced = []
  }

  /** What stays on the medium is chance, and what does not will never come there. */
  failSync(luck: Luck): void {
    const medium = this.afterCut(luck)
    this.#medium.become(medium)
    this.#unsynced = []
  }

  /** What the medium holds if the power goes now. */
  afterCut(luck: Luck): Buffer {
    const left = new Content(this.#medium.whole())
    for (const deed of this.#unsynced) for (const part of partsOf(deed, luck)) left.do(part)
    return left.whole()
  }

  #do(deed: Deed): void {
    this.#seen.do(deed)
    this.#unsynced.push(deed)
  }
}

function partsOf(deed: Deed, luck: Luck): Deed[] {
  if (deed.at === undefined) return luck.stays() ? [deed] : []
  const parts: Deed[] = []
  for (let from = 0; from < deed.bytes.length;) {
    const at = deed.at + from
    const to = from + luck.sectorBytes - (at % luck.sectorBytes)
    if (luck.stays()) parts.push({ at, bytes: deed.bytes.subarray(from, to) })
    from = to
  }
  return parts
}

/** Bytes that grow; what was never written between others is zero. */
class Content {
  length: number
  #bytes: Buffer

  constructor(bytes: Buffer) {
    this.#bytes = Buffer.from(bytes)
    this.length = bytes.length
  }

  become(bytes: Buffer): void {
    this.#bytes = Buffer.from(bytes)
    this.length = bytes.length
  }

  do(deed: Deed): void {
    if (deed.at === undefined) return this.#resize(deed.length)
    this.#grow(deed.at + deed.bytes.length)
    deed.bytes.copy(this.#bytes, deed.at)
  }

  read(at: number, length: number): Buffer {
    return this.#bytes.subarray(at, Math.min(at + length, this.length))
  }

  whole(): Buffer {
    return Buffer.from(this.#bytes.subarray(0, this.length))
  }

  #resize(length: number): void {
    this.#grow(length)
    this.#bytes.fill(0, length, this.length)
    this.length = length
  }

  #grow(length: number): void {
    if (length > this.#bytes.length) {
      const larger = Buffer.alloc(Math.max(length, 2 * this.#bytes.length))
      this.#bytes.copy(larger, 0, 0, this.length)
      this.#bytes = larger
    }
    this.length = Math.max(this.length, length)
  }
}
