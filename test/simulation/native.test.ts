/**
 * What a batch computes by OpenSSL is what a page computes in JavaScript, bit by bit: or a seed would not be the same seed.
 */
import { expect, test } from 'vitest'
import { digestOf, hash, hash32 } from '../../src/data/hash.ts'
import { identityFromSeed, verifySignature } from '../../src/data/identity.ts'
import { dropStacks, useNative } from '../../src/simulation/native.ts'

const messages = [0, 1, 31, 63, 64, 65, 200, 5000].map((length) =>
  Uint8Array.from({ length }, (_, i) => (i * 7 + length) % 256),
)
const seeds = [1, 2, 255].map((byte) => new Uint8Array(32).fill(byte))

function hashes() {
  return messages.map((message, i) => {
    const other = messages[(i + 3) % messages.length]!
    return [hash(message), hash(message, other), digestOf(message, other), hash32(message)]
  })
}

function signatures() {
  return seeds.map((seed) => {
    const { peer, sign } = identityFromSeed(seed)
    return { peer, signed: messages.map(sign) }
  })
}

test('hashes and signatures are the same, and the same signatures are refused', () => {
  const [hashed, signed] = [hashes(), signatures()]
  useNative()
  expect(hashes()).toStrictEqual(hashed)
  expect(signatures()).toStrictEqual(signed)
  for (const { peer, signed: all } of signed) {
    messages.forEach((message, i) => {
      const signature = all[i]!
      expect(verifySignature(peer, message, signature)).toBe(true)
      expect(verifySignature(signed[0]!.peer, message, signature)).toBe(peer === signed[0]!.peer)
      for (const at of [0, 31, 32, 63]) {
        const flipped = signature.with(at, signature[at]! ^ 1)
        expect(verifySignature(peer, message, flipped)).toBe(false)
      }
      expect(verifySignature(peer, message, signature.subarray(1))).toBe(false)
    })
  }
})

test('a batch drops the stacks of errors, and the error itself stays', () => {
  const before = Error.stackTraceLimit
  try {
    dropStacks()
    expect(new Error('what happened').stack).toBe('Error: what happened')
  } finally {
    Error.stackTraceLimit = before
  }
})
