/** This side of the disk's thread: one batch at a time goes over, and its buffer comes back for the next. */
import { Worker } from 'node:worker_threads'
import type { Durability, Write } from '../src/ports.ts'
import { StorageError } from '../src/protocol/errors.ts'
import { fromPlainFailure } from './disk-errors.ts'
import type { DiskReply, DiskRequest, DiskWorkerData } from './disk-worker.ts'
import { packWrites } from './packed-writes.ts'

/** A buffer above this is not kept: a rare large batch must not hold its memory for ever. */
const largestSpareBytes = 4 * 1024 * 1024

/** The same file in the sources and in the package that is built from them. */
const workerFile = import.meta.url.endsWith('.ts') ? './disk-worker.ts' : './disk-worker.js'

export class DiskWriter implements AsyncDisposable {
  readonly #worker: Worker
  readonly #exited: Promise<void>
  #spare: ArrayBuffer | undefined
  #waiting: { resolve(): void; reject(error: unknown): void } | undefined
  /** Set once the thread has ended, whatever ended it. */
  #ended: StorageError | undefined

  /** Opens the file, or rejects with why not. */
  static async open(data: DiskWorkerData): Promise<DiskWriter> {
    const writer = new DiskWriter(data)
    try {
      await writer.#reply()
      return writer
    } catch (error) {
      await writer.#exited
      throw error
    }
  }

  private constructor(data: DiskWorkerData) {
    // Without the flags of the process: some, like `--input-type`, are not for a file.
    const options = { workerData: data, execArgv: [] }
    this.#worker = new Worker(new URL(workerFile, import.meta.url), options)
    let cause: unknown
    this.#worker.on('message', (reply: DiskReply) => this.#settle(reply))
    this.#worker.on('error', (error) => {
      cause = error
    })
    this.#exited = new Promise((resolve) => {
      this.#worker.on('exit', () => {
        this.#ended = endedError(data.folder, cause)
        this.#waiting?.reject(this.#ended)
        resolve()
      })
    })
  }

  /** Resolves once all of `writes` are committed, and synced if they ask for it; called again only once that has settled. */
  commit(writes: readonly Write[], durability: Durability): Promise<void> {
    if (this.#ended !== undefined) return Promise.reject(this.#ended)
    const packed = packWrites(writes, this.#spare)
    this.#spare = undefined
    const committed = this.#reply()
    this.#worker.postMessage({ batch: packed, durability } satisfies DiskRequest, [packed])
    return committed
  }

  /** Rejects if the disk fails at the last. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#ended !== undefined) return
    const closed = this.#reply()
    this.#worker.postMessage(undefined satisfies DiskRequest)
    try {
      await closed
    } finally {
      await this.#exited
    }
  }

  #reply(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject }
    })
  }

  #settle({ failure, buffer }: DiskReply): void {
    if (buffer && buffer.byteLength <= largestSpareBytes) this.#spare = buffer
    const waiting = this.#waiting
    this.#waiting = undefined
    if (failure === undefined) waiting?.resolve()
    else waiting?.reject(fromPlainFailure(failure))
  }
}

function endedError(folder: string, cause: unknown): StorageError {
  return new StorageError('store-lost', `The thread that writes to ${folder} ended.`, {
    outcome: 'unknown',
    remedy: 'Restart the peer.',
    cause,
  })
}
