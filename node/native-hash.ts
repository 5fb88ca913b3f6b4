/**
 * Node's own SHA-256 in the place of the one in JavaScript, which a page must do with: every value that is read from a
 * disk or a wire is hashed, and of a large value OpenSSL makes a tenth of the time.
 */
import { hash } from 'node:crypto'
import { hashBy } from '../src/data/hash.ts'

// As text: to make a buffer of 32 bytes costs Node twice as much as to fill it.
hashBy((bytes) => hash('sha256', bytes, 'binary'))
