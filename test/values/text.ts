/**
 * The README's text, as it is printed there: a type whose values are a CRDT library's bytes, here Yjs's, and a document
 * that is kept the same as a key's value.
 */
import * as Y from 'yjs'
import type { MergeableType, TypedBucket } from '../../node/index.ts'

/** A document as one update of Yjs. */
export const text: MergeableType<Uint8Array> = {
  name: 'text',
  empty: Y.encodeStateAsUpdate(new Y.Doc()),
  merge: (a, b) => Y.encodeStateAsUpdate(documentOf(a, b)),
  validate: (value): value is Uint8Array => value instanceof Uint8Array && isUpdate(value),
}

/** Edits of the document go into the bucket, and what others write comes out of it, until the signal. */
export async function share(
  document: Y.Doc,
  texts: TypedBucket<Uint8Array>,
  key: string,
  signal: AbortSignal,
): Promise<void> {
  const write = (_edit: Uint8Array, origin: unknown): void => {
    if (origin === texts) return
    void texts.update(key, (value) => text.merge(value, Y.encodeStateAsUpdate(document)))
  }
  document.on('update', write)
  try {
    await texts.follow(key)
    for await (const { value } of texts.watch(key, { signal })) {
      Y.applyUpdate(document, value, texts)
    }
  } finally {
    document.off('update', write)
  }
}

function documentOf(...updates: readonly Uint8Array[]): Y.Doc {
  const document = new Y.Doc()
  for (const update of updates) Y.applyUpdate(document, update)
  return document
}

function isUpdate(bytes: Uint8Array): boolean {
  try {
    documentOf(bytes)
    return true
  } catch {
    return false
  }
}
