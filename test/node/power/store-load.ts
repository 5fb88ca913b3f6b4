/**
 * A load on a bare store of which everything can be foretold: what each write holds, and what must be there after a cut.
 *
 * Writers of several kinds have one update in flight each, and number them. So of each writer exactly one write may be
 * there unacknowledged, the one that was under way; and what its number is says what must stand beside it: the rows of a
 * batch all have one number, a flag comes and goes, and of two keys that are written together neither is there alone.
 */
import type { Bytes } from '../../../src/data/bytes.ts'
import type { Storage, Write } from '../../../src/ports.ts'

export interface Writer {
  readonly name: string
  /** What its `n`-th update writes. */
  writes(n: number): Write[]
  /** The keys that then must be as these writes have left them. */
  standing(n: number): Write[]
}

/** How many of its last values a small writer leaves behind. */
const remembered = 60

export const writers: readonly Writer[] = [
  ...count(24).map((i) => smallWriter(`small-${i}`)),
  ...count(3).map((i) => batchWriter(`batch-${i}`, 150)),
  largeWriter('large-0', 200_000),
  largeWriter('large-1', 1_000_000),
]

export const counterKey = keyOf('counter')

/** A small value, a flag that is there after every odd write, and a trail of new keys. */
function smallWriter(name: string): Writer {
  const write = (n: number): Write[] => [
    entry(`${name}/now`, n, 20 + ((n * 131) % 1500)),
    n % 2 === 1 ? entry(`${name}/flag`, n, 30) : gone(`${name}/flag`),
    entry(`${name}/trail/${n}`, n, 20 + ((n * 37) % 400)),
    gone(`${name}/trail/${n - remembered}`),
  ]
  return {
    name,
    writes: write,
    standing: (n) => [
      ...write(n),
      ...count(remembered - 1)
        .map((i) => n - i)
        .filter((before) => before > 0)
        .map((before) => entry(`${name}/trail/${before}`, before, 20 + ((before * 37) % 400))),
      gone(`${name}/trail/${n + 1}`),
    ],
  }
}

function batchWriter(name: string, rows: number): Writer {
  const writes = (n: number): Write[] => [
    entry(`${name}/now`, n, 10),
    ...count(rows).map((i) => entry(`${name}/row/${i}`, n, 100 + ((i * 53 + n * 17) % 700))),
  ]
  return { name, writes, standing: writes }
}

/** Every eighth value is large; the others make room for more commits before the cut. */
function largeWriter(name: string, most: number): Writer {
  const writes = (n: number): Write[] => [
    entry(`${name}/now`, n, 10),
    entry(`${name}/value`, n, (n % 8 === 3 ? most : 2000) + ((n * 71) % 5000)),
  ]
  return { name, writes, standing: writes }
}

/** How many updates of `writer` the store shows; 0 if none. */
export async function shown(storage: Storage, { name }: Writer): Promise<number> {
  return numberOf(await storage.get(keyOf(`${name}/now`)))
}

/** The keys that are not as the `n`-th update of `writer` has left them. */
export async function broken(storage: Storage, writer: Writer, n: number): Promise<string[]> {
  if (n === 0) return []
  const standing = writer.standing(n)
  const found = await storage.getMany(standing.map(({ key }) => key))
  return standing
    .filter(({ value }, i) => !isSame(value, found[i]))
    .map(({ key }) => Buffer.from(key).toString())
}

/** Every value begins with its number; 0 for a key that is not there. */
export function numberOf(value: Bytes | undefined): number {
  return value === undefined ? 0 : Buffer.from(value).readUInt32BE(0)
}

export function numbered(n: number, text = '', length = 4): Bytes {
  const value = Buffer.alloc(Math.max(4, length), `${text} ${n} `)
  value.writeUInt32BE(n, 0)
  return new Uint8Array(value)
}

function entry(name: string, n: number, length: number): Write {
  return { key: keyOf(name), value: numbered(n, name, length) }
}

function gone(name: string): Write {
  return { key: keyOf(name), value: undefined }
}

function keyOf(name: string): Bytes {
  return new Uint8Array(Buffer.from(name))
}

function isSame(a: Bytes | undefined, b: Bytes | undefined): boolean {
  if (a === undefined || b === undefined) return a === b
  return Buffer.compare(a, b) === 0
}

function count(length: number): number[] {
  return Array.from({ length }, (_, i) => i)
}
