/**
 * Who a peer is: an Ed25519 key, and the libp2p peer id that *is* its public half.
 *
 * A record that travels by gossip must prove its author without asking anyone, so the id carries the key: an
 * identity multihash over the key's protobuf form, in base58. Signing is synchronous, as all of the core is.
 */
import { ed25519 } from '@noble/curves/ed25519.js'
import { base58btc } from 'multiformats/bases/base58'
import { type Bytes, concat, equalBytes, MalformedError } from './bytes.ts'

export interface Identity {
  readonly peer: string
  sign(message: Bytes): Bytes
}

/** Identity multihash (0x00, 36 bytes), protobuf: key type 1 = Ed25519, then 32 bytes of key. */
const header = Uint8Array.of(0x00, 0x24, 0x08, 0x01, 0x12, 0x20)

export const signatureLength = 64

/** Ed25519 (RFC 8032): of one seed and message there is one signature, whoever computes it. */
export interface Ed25519 {
  getPublicKey(seed: Bytes): Bytes
  sign(message: Bytes, seed: Bytes): Bytes
  verify(signature: Bytes, message: Bytes, publicKey: Bytes): boolean
}

let curve: Ed25519 = ed25519

/**
 * Signs and verifies by a platform's own from now on. Only where nobody forges: of signatures that no honest signer makes,
 * two implementations may think differently, and peers of one ring must not.
 */
export function signBy(native: Ed25519): void {
  curve = native
}

/** The identity of a 32-byte secret seed. */
export function identityFromSeed(seed: Bytes): Identity {
  return {
    peer: base58btc.baseEncode(concat(header, curve.getPublicKey(seed))),
    sign: (message) => curve.sign(message, seed),
  }
}

/** The public key inside a peer id; `MalformedError` for an id of another kind. */
export function publicKeyOf(peer: string): Bytes {
  let bytes: Bytes
  try {
    bytes = peer.length > 64 ? new Uint8Array(0) : base58btc.baseDecode(peer)
  } catch {
    throw new MalformedError('a peer id that is not base58')
  }
  const known = bytes.length === 38 && equalBytes(bytes.subarray(0, header.length), header)
  if (!known) throw new MalformedError('a peer id of no Ed25519 key')
  return bytes.subarray(header.length)
}

export function verifySignature(peer: string, message: Bytes, signature: Bytes): boolean {
  try {
    return curve.verify(signature, message, publicKeyOf(peer))
  } catch {
    return false
  }
}
