/**
 * What Node has of its own for a process that only simulates: SHA-256 and Ed25519 by OpenSSL, and errors without stacks.
 *
 * A twentieth of a run was signatures in JavaScript, and a tenth the stacks of errors that nobody looked at: of the
 * requests of a minute thousands fail, as they are meant to. What comes out is the same, bit by bit. A page, and the tests,
 * run the same seeds without any of this.
 */
import { createPrivateKey, createPublicKey, hash, sign, verify } from 'node:crypto'
import { type Bytes, concat } from '../data/bytes.ts'
import { hashLargeBy, type Sha256 } from '../data/hash.ts'
import { type Ed25519, signBy } from '../data/identity.ts'

export function useNative(): void {
  hashLargeBy(nativeSha256)
  signBy(nativeEd25519)
}

/** From now on no error says where it comes from: the same seed, run alone, does. */
export function dropStacks(): void {
  Error.stackTraceLimit = 0
}

/** In one call: a hasher for each would cost as much as what is hashed. */
const nativeSha256: Sha256 = (parts) => {
  const whole = parts.length === 1 ? parts[0]! : concat(...parts)
  const { buffer, byteOffset, length } = hash('sha256', whole, 'buffer')
  return new Uint8Array(buffer, byteOffset, length)
}

/** What stands before the 32 bytes of a key in the forms that OpenSSL reads (RFC 8410): PKCS #8, and SPKI. */
const secretHeader = Buffer.from('302e020100300506032b657004220420', 'hex')
const publicHeader = Buffer.from('302a300506032b6570032100', 'hex')

const nativeEd25519: Ed25519 = {
  getPublicKey: (seed) => {
    const spki = createPublicKey(secretKey(seed)).export({ format: 'der', type: 'spki' })
    return new Uint8Array(spki.subarray(publicHeader.length))
  },
  sign: (message, seed) => new Uint8Array(sign(undefined, message, secretKey(seed))),
  verify: (signature, message, publicKey) => {
    const key = Buffer.concat([publicHeader, publicKey])
    return verify(
      undefined,
      message,
      createPublicKey({ key, format: 'der', type: 'spki' }),
      signature,
    )
  },
}

function secretKey(seed: Bytes) {
  const key = Buffer.concat([secretHeader, seed])
  return createPrivateKey({ key, format: 'der', type: 'pkcs8' })
}
