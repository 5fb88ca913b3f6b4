/**
 * What one process sees of its disk: the `Storage` port.
 *
 * Nothing settles after the process has died, and nothing is shared with it: bytes are copied on their way in and out, so
 * that a peer that changes what it has read changes nothing but its own copy.
 */
import { type Bytes, toBinaryText } from '../data/bytes.ts'
import { StorageError } from '../protocol/errors.ts'
import type { Change, Durability, Storage, StoredEntry, Write } from '../ports.ts'
import { copyOf } from './copy.ts'
import { type Disk, lostError } from './disk.ts'
import type { Life } from './life.ts'

/** Throws `store-locked` while another living process holds the disk. */
export function openStorage(disk: Disk, life: Life): Storage {
  disk.hold(life)
  return new SimulatedStorage(disk, life)
}

class SimulatedStorage implements Storage {
  readonly medium: string
  readonly #disk: Disk
  readonly #life: Life
  #closed = false

  constructor(disk: Disk, life: Life) {
    this.#disk = disk
    this.#life = life
    this.medium = disk.name
  }

  get(key: Bytes): Promise<Bytes | undefined> {
    const text = toBinaryText(key)
    return this.#read(() => copyIfAny(this.#disk.read(text)))
  }

  getMany(keys: readonly Bytes[]): Promise<(Bytes | undefined)[]> {
    const texts = keys.map(toBinaryText)
    return this.#read(() => texts.map((text) => copyIfAny(this.#disk.read(text))))
  }

  range(from: Bytes, to: Bytes, limit: number): Promise<StoredEntry[]> {
    const [low, high] = [toBinaryText(from), toBinaryText(to)]
    return this.#read(() => this.#disk.slice(low, high, limit).map(copyEntry))
  }

  update<T>(
    keys: readonly Bytes[],
    change: Change<T>,
    durability: Durability = 'synced',
  ): Promise<T> {
    const texts = keys.map(toBinaryText)
    if (this.#closed) return Promise.reject(closedError(this.#disk.name))
    return new Promise((resolve, reject) => {
      this.#disk.takeTurn(this.#life, () => {
        if (this.#disk.isLost) return reject(lostError(this.#disk.name))
        try {
          const { writes, result } = change(texts.map((text) => copyIfAny(this.#disk.newest(text))))
          const done = (): void => resolve(result)
          this.#disk.enqueue({ writes: writes.map(copyWrite), durability, done, fail: reject })
        } catch (error) {
          reject(error as Error)
        }
      })
    })
  }

  usage(): Promise<{ readonly usedBytes?: number; readonly quotaBytes?: number }> {
    // What a file system says of itself takes no turn of the disk.
    if (this.#closed) return Promise.reject(closedError(this.#disk.name))
    return Promise.resolve({ usedBytes: this.#disk.usedBytes })
  }

  /** Waits for what is queued, as an update that changes nothing does. */
  async close(): Promise<void> {
    if (this.#closed) return
    const flushed = this.update([], () => ({ writes: [], result: undefined }))
    this.#closed = true
    await flushed
    this.#disk.crash(false)
  }

  #read<T>(read: () => T): Promise<T> {
    if (this.#closed) return Promise.reject(closedError(this.#disk.name))
    return new Promise((resolve, reject) => {
      this.#life.after(this.#disk.readDelayMs(), () => {
        if (this.#disk.isLost) reject(lostError(this.#disk.name))
        else resolve(read())
      })
    })
  }
}

function copyIfAny(bytes: Bytes | undefined): Bytes | undefined {
  return bytes && copyOf(bytes)
}

function copyEntry({ key, value }: StoredEntry): StoredEntry {
  return { key: copyOf(key), value: copyOf(value) }
}

/** What is to stay gets bytes of its own. */
function copyWrite({ key, value }: Write): Write {
  return { key: key.slice(), value: value?.slice() }
}

function closedError(name: string): StorageError {
  return new StorageError('closed', `${name} was closed`)
}
