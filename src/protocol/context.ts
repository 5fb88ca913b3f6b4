/**
 * Contexts as applications hold them: opaque, JSON-safe texts bound to their key (paper §4.1).
 *
 * A context of another key would supersede what its holder never saw, so each carries a check over key and content.
 */
import { equalBytes, fromBase64Url, toBase64Url } from '../data/bytes.ts'
import { digestOf } from '../data/hash.ts'
import type { Key } from '../data/key.ts'
import { nothingSeen, type Seen, trimLoose } from '../data/vector.ts'
import { decode, encode } from './codec.ts'
import { RingletError } from './errors.ts'
import { limits } from './limits.ts'
import { seen } from './state.ts'

const checkLength = 6

/** At most 64 loose dots travel: an older one dropped is at worst a false sibling. */
export function contextToText(key: Key, context: Seen): string {
  const content = encode(seen, trimLoose(context, limits.looseDots))
  const text = new Uint8Array(checkLength + content.length)
  text.set(digestOf(key.bytes, content).subarray(0, checkLength))
  text.set(content, checkLength)
  return toBase64Url(text)
}

/** Throws `context-malformed` or `context-of-another-key`. The empty text and `none` have seen nothing. */
export function contextFromText(key: Key, text: string): Seen {
  if (text === '' || text === 'none') return nothingSeen
  const remedy = 'Pass the context of your last read or write of this key, unchanged.'
  let content: Uint8Array
  let context: Seen
  let check: Uint8Array
  try {
    const all = fromBase64Url(text)
    check = all.subarray(0, checkLength)
    content = all.subarray(checkLength)
    context = decode(seen, content)
  } catch (cause) {
    throw new RingletError('context-malformed', 'this is no context', { remedy, cause })
  }
  if (!equalBytes(check, digestOf(key.bytes, content).subarray(0, checkLength))) {
    throw new RingletError('context-of-another-key', 'this context belongs to another key', {
      remedy,
    })
  }
  return trimLoose(context, limits.looseDots)
}
