/**
 * What stands on disks, read once: the checker looks at all of it again and again, and hardly any of it has changed.
 *
 * A disk puts another value in the place of one and never changes it, so what was read of these very bytes is true of them
 * for good. Peers have no part in this: they are given copies, and verify what they read each time.
 */
import type { Bytes } from '../data/bytes.ts'
import type { Key } from '../data/key.ts'
import { decodeObject, keyOfStored, type StoredObject } from '../protocol/record.ts'

const keys = new WeakMap<Bytes, Key>()
const objects = new WeakMap<Bytes, StoredObject | 'damaged'>()

/** The key that an object, marker or edge's copy stands under. */
export function keyAtRest(storedKey: Bytes): Key {
  let key = keys.get(storedKey)
  if (key === undefined) keys.set(storedKey, (key = keyOfStored(storedKey)))
  return key
}

/** The object that this record holds; undefined for one that is damaged. */
export function objectAtRest(key: Key, stored: Bytes): StoredObject | undefined {
  let object = objects.get(stored)
  if (object === undefined) objects.set(stored, (object = readObject(key, stored)))
  return object === 'damaged' ? undefined : object
}

function readObject(key: Key, stored: Bytes): StoredObject | 'damaged' {
  try {
    return decodeObject(key, stored)
  } catch {
    return 'damaged'
  }
}
