/** Both hashes are the same hash: a page and a Node peer must agree on every digest. */
import { createHash } from 'node:crypto'
import { expect, test } from 'vitest'
import { digestOf, hash } from '../../src/data/hash.ts'

const lengths = [0, 1, 55, 56, 64, 255, 256, 257, 4096, 100_000]
const contentOf = (length: number): Uint8Array<ArrayBuffer> =>
  Uint8Array.from({ length }, (_, i) => (i * 7 + length) % 251)
const hashes = (): string[] =>
  lengths.flatMap((length) =>
    lengths.map((other) => {
      const parts = [contentOf(length), contentOf(other)]
      return `${Buffer.from(hash(...parts)).toString('hex')} ${Buffer.from(digestOf(...parts)).toString('hex')}`
    }),
  )

test("the platform's hash and the one in JavaScript are equal, whatever the length and the parts", async () => {
  const inJavaScript = hashes()
  await import('../../node/native-hash.ts')
  expect(hashes()).toEqual(inJavaScript)
  const [first, second] = [contentOf(4096), contentOf(257)]
  const expected = createHash('sha256').update(first).update(second).digest('hex')
  expect(Buffer.from(hash(first, second)).toString('hex')).toBe(expected)
})

test('a digest that was handed out stays as it is when the next is made', async () => {
  await import('../../node/native-hash.ts')
  const one = hash(contentOf(5000))
  const copy = one.slice()
  hash(contentOf(6000))
  hash(contentOf(3))
  expect(one).toEqual(copy)
})
