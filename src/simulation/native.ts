/**
 * What Node has of its own for a process that only simulates: SHA-256 and Ed25519 by OpenSSL, and errors without stacks.
 *
 * A twentieth of a run was signatures in JavaScript, and a tenth the stacks of errors that nobody looked at: of the
 * requests of a minute thousands fail, as they are meant to. What comes out is the same, bit by bit. A page, and the tests,
 * run the same seeds without any of this.
 */
import { createPrivateKey, createPublicKey, hash, sign, verify } from 'node:crypto'
import { type Bytes, toBinaryText } from '../data/bytes.ts'
import { hashBy } from '../data/hash.ts'
import { type Ed25519, signBy } from '../data/identity.ts'

export function useNative(): void {
  // As text: to make a buffer of 32 bytes costs Node twice as much as to fill it.
  hashBy((bytes) => hash('sha256', bytes, 'binary'))
  signBy(nativeEd25519)
}

/** From now on no error says where it comes from: the same seed, run alone, does. */
export function dropStacks(): void {
  Error.stackTraceLimit = 0
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
  verify: (signature, message, publicKey) =>
    verify(undefined, message, openPublicKey(publicKey), signature),
}

const secretKey = onceEach((seed) => {
  const key = Buffer.concat([secretHeader, seed])
  return createPrivateKey({ key, format: 'der', type: 'pkcs8' })
})

const openPublicKey = onceEach((bytes) => {
  const key = Buffer.concat([publicHeader, bytes])
  return createPublicKey({ key, format: 'der', type: 'spki' })
})

/** Every run has the same few peers, and to open a key takes as long as to sign by it. */
function onceEach<T>(open: (bytes: Bytes) => T): (bytes: Bytes) => T {
  const opened = new Map<string, T>()
  return (bytes) => {
    const name = toBinaryText(bytes)
    let key = opened.get(name)
    if (key === undefined) opened.set(name, (key = open(bytes)))
    return key
  }
}
