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

/** The identity of a 32-byte secret seed. */
export function identityFromSeed(seed: Bytes): Identity {
  return {
    peer: base58btc.baseEncode(concat(header, ed25519.getPublicKey(seed))),
    sign: (message) => ed25519.sign(message, seed),
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
    return ed25519.verify(signature, message, publicKeyOf(peer))
  } catch {
    return false
  }
}
