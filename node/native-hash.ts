/**
 * Node's own SHA-256 in the place of the one in JavaScript, which a page must do with: every value that is read from a
 * disk or a wire is hashed, and of a large value OpenSSL makes a tenth of the time.
 */
import { hash } from 'node:crypto'
import { concat } from '../src/data/bytes.ts'
import { hashLargeBy, type Sha256 } from '../src/data/hash.ts'

const nativeSha256: Sha256 = (parts) => {
  const { buffer, byteOffset, length } = hash('sha256', concat(...parts), 'buffer')
  return new Uint8Array(buffer, byteOffset, length)
}

hashLargeBy(nativeSha256)
