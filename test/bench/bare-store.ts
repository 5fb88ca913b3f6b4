/**
 * The bare store: SQLite (WAL, FULL) in a worker with group commit, 16-byte keys, and nothing more.
 */
import { DatabaseSync } from 'node:sqlite'
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads'

interface Entry {
  readonly key: Uint8Array
  readonly value: Uint8Array
  readonly done: () => void
}

export interface BareStore {
  put(key: Uint8Array, value: Uint8Array): Promise<void>
  get(key: Uint8Array): Uint8Array | undefined
  close(): Promise<void>
}

if (!isMainThread && typeof workerData?.barePath === 'string') serve(workerData.barePath as string)

/** Writes that arrive while one commit runs join the next. */
export async function openBareStore(path: string): Promise<BareStore> {
  const worker = new Worker(new URL(import.meta.url), { workerData: { barePath: path } })
  await new Promise((resolve) => {
    worker.once('message', resolve)
  })
  const select = new DatabaseSync(path, { readOnly: true }).prepare('select v from t where k = ?')
  let queue: Entry[] = []
  let busy = false
  const flush = (): void => {
    if (busy || queue.length === 0) return
    busy = true
    const batch = queue
    queue = []
    worker.once('message', () => {
      busy = false
      flush()
      for (const { done } of batch) done()
    })
    worker.postMessage({
      keys: batch.map(({ key }) => key),
      values: batch.map(({ value }) => value),
    })
  }
  return {
    put: (key, value) =>
      new Promise((done) => {
        queue.push({ key, value, done })
        if (!busy) queueMicrotask(flush)
      }),
    get: (key) => select.get(key)?.['v'] as Uint8Array | undefined,
    close: async () => void (await worker.terminate()),
  }
}

function serve(path: string): void {
  const database = new DatabaseSync(path)
  database.exec('pragma journal_mode = wal; pragma synchronous = full')
  database.exec('create table if not exists t(k blob primary key, v blob) without rowid')
  const insert = database.prepare('insert or replace into t values(?, ?)')
  parentPort!.on('message', ({ keys, values }: { keys: Uint8Array[]; values: Uint8Array[] }) => {
    database.exec('begin')
    for (const [i, key] of keys.entries()) insert.run(key, values[i]!)
    database.exec('commit')
    parentPort!.postMessage(0)
  })
  parentPort!.postMessage(0)
}
