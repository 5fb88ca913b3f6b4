/**
 * The disk's own thread: takes a packed batch, commits it, says so. A sync blocks whoever asks for it; here it
 * blocks nobody else.
 */
import { DatabaseSync } from 'node:sqlite'
import { parentPort, workerData, type MessagePort } from 'node:worker_threads'
import { losesDisk, plainFailure, storageErrorOf, type PlainFailure } from './disk-errors.ts'
import {
  Checkpoint,
  CommitSync,
  deleteEntry,
  insertEntry,
  makeFile,
  prepareFile,
  writeFormat,
} from './disk-file.ts'
import { markLost } from './disk-folder.ts'
import type { Durability } from '../src/ports.ts'
import { unpackWrites } from './packed-writes.ts'

export interface DiskWorkerData {
  readonly folder: string
  readonly path: string
  /** How long to wait for somebody who looks into the file with a tool. */
  readonly busyMs: number
}

/** A batch to commit; or nothing, to close. */
export type DiskRequest =
  | { readonly batch: ArrayBuffer; readonly durability: Durability }
  | undefined

/** What came of the opening, of a batch or of the closing; the batch's buffer comes back. */
export interface DiskReply {
  readonly failure?: PlainFailure
  readonly buffer?: ArrayBuffer
}

if (parentPort) serve(parentPort, workerData)

function serve(port: MessagePort, { folder, path, busyMs }: DiskWorkerData): void {
  const opening = attempt(folder, () => {
    makeFile(path)
    const database = new DatabaseSync(path, { timeout: busyMs })
    try {
      prepareFile(database, folder)
      // A damaged schema shows only now; it is the file's fault, and must not look like this thread's.
      for (const statement of [insertEntry, deleteEntry]) database.prepare(statement)
      return database
    } catch (error) {
      database.close()
      throw error
    }
  })
  if (opening.failure) {
    port.postMessage({ failure: opening.failure } satisfies DiskReply)
    return
  }
  const database = opening.result
  const checkpoint = new Checkpoint(database)
  const commit = committer(database, checkpoint)
  let isLost = false
  port.on('message', (request: DiskRequest) => {
    if (request === undefined) {
      // What the log holds is synced; that it is in the file too is not asked of a lost disk.
      const { failure } = attempt(folder, () => isLost || checkpoint.now())
      attempt(folder, () => database.close())
      port.postMessage((failure ? { failure } : {}) satisfies DiskReply)
      port.close()
      return
    }
    const { failure } = attempt(folder, () => commit(request))
    if (failure?.code === 'store-lost') isLost = true
    const buffer = request.batch
    port.postMessage({ ...(failure && { failure }), buffer } satisfies DiskReply, [buffer])
  })
  port.postMessage({} satisfies DiskReply)
}

function committer(
  database: DatabaseSync,
  checkpoint: Checkpoint,
): (request: NonNullable<DiskRequest>) => void {
  const [begin, commit] = [database.prepare('begin immediate'), database.prepare('commit')]
  const [insert, remove] = [database.prepare(insertEntry), database.prepare(deleteEntry)]
  const sync = new CommitSync(database)
  return ({ batch, durability }) => {
    sync.set(durability)
    try {
      begin.run()
      let isEmpty = true
      unpackWrites(batch, (key, value) => {
        isEmpty = false
        if (value === undefined) remove.run(key)
        else insert.run(key, value)
      })
      // A commit that writes nothing would sync nothing.
      if (isEmpty) database.exec(writeFormat)
      commit.run()
    } catch (error) {
      if (database.isTransaction) database.exec('rollback')
      throw error
    }
    checkpoint.whenDue()
  }
}

type Attempt<T> = { readonly result: T; readonly failure?: undefined } | { failure: PlainFailure }

/** A disk that failed is marked; what no disk is to blame for is thrown, and ends the thread. */
function attempt<T>(folder: string, act: () => T): Attempt<T> {
  try {
    return { result: act() }
  } catch (error) {
    const failure = plainFailure(storageErrorOf(error, folder))
    if (failure === undefined) throw error
    if (losesDisk(error)) markLost(folder)
    return { failure }
  }
}
