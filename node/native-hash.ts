/**
 * Node's own SHA-256 in the place of the one in JavaScript, which a page must do with: every value that is read from a
 * disk or a wire is hashed, and of a large value OpenSSL makes a tenth of the time.
 */
import { createHash } from 'node:crypto'
import { hashLargeBy, type Sha256 } from '../src/data/hash.ts'

const nativeSha256: Sha256 = (parts) => {
  const hasher = createHash('sha256')
  for (const part of parts) hasher.update(part)
  return new Uint8Array(hasher.digest())
}

hashLargeBy(nativeSha256)
