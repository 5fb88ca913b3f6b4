/**
 * Looks into the slots' databases for what their marks do not tell.
 *
 * Marks stand in localStorage, which a browser writes to its disk when it pleases: one that was killed has forgotten the
 * last of them, while the writes that they tell of are in a database, durable. So each tab looks once into those that
 * nobody holds, and marks what it finds. It only reads, takes nothing from anybody, and gives way to whoever comes.
 */
import { promisifyRequest } from 'idb-keyval'
import { decode } from '../src/protocol/codec.ts'
import { edgeCopy } from '../src/protocol/copy.ts'
import { shelfRange } from '../src/protocol/record.ts'
import { databaseOf, markOwing, owingSlots, slotHolders, wholeNumber } from './slots.ts'

/** So many copies are read at a time. */
const batch = 200

/** Marks the slots that nobody holds and in whose databases something waits to be delivered. */
export async function markAbandoned(ring: string): Promise<void> {
  const marked = owingSlots(ring)
  // Some browsers do not list databases: there the marks have to do.
  const databases = (await indexedDB.databases?.()) ?? []
  for (const { name = '' } of databases) {
    const number = numberOf(ring, name)
    if (number === undefined || marked.includes(number)) continue
    if ((await slotHolders(ring)).has(number) || !(await owesSomething(name))) continue
    // Whoever has taken it meanwhile marks it as it is.
    if (!(await slotHolders(ring)).has(number)) markOwing(ring, number, true)
  }
}

function numberOf(ring: string, database: string): number | undefined {
  const prefix = databaseOf(ring, '')
  return database.startsWith(prefix) ? wholeNumber(database.slice(prefix.length)) : undefined
}

/** A database that cannot be read owes nothing that anybody could deliver. */
async function owesSomething(name: string): Promise<boolean> {
  const request = indexedDB.open(name)
  // It is gone: it must not be made anew.
  request.onupgradeneeded = () => request.transaction?.abort()
  let database: IDBDatabase | undefined
  try {
    database = await promisifyRequest(request)
    database.onversionchange = () => database?.close()
    return await hasPending(database)
  } catch {
    return false
  } finally {
    database?.close()
  }
}

async function hasPending(database: IDBDatabase): Promise<boolean> {
  const { from, to } = shelfRange('edge')
  const store = database.transaction('entries').objectStore('entries')
  let range = IDBKeyRange.bound(asKey(from), asKey(to), false, true)
  for (;;) {
    const [keys, copies] = await Promise.all([
      promisifyRequest(store.getAllKeys(range, batch)),
      promisifyRequest<Uint8Array[]>(store.getAll(range, batch)),
    ])
    if (copies.some(isPending)) return true
    if (keys.length < batch) return false
    range = IDBKeyRange.bound(keys.at(-1)!, asKey(to), true, true)
  }
}

function isPending(stored: Uint8Array): boolean {
  try {
    return decode(edgeCopy, stored).writes.some(({ stage }) => stage === 'device')
  } catch {
    return false
  }
}

function asKey(key: Uint8Array): Uint8Array<ArrayBuffer> {
  return key as Uint8Array<ArrayBuffer>
}
