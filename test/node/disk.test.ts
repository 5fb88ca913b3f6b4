import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import fc from 'fast-check'
import { afterAll, afterEach, describe, expect, test } from 'vitest'
import { openDisk } from '../../node/disk.ts'
import { prepareFile } from '../../node/disk-file.ts'
import { packWrites, unpackWrites } from '../../node/packed-writes.ts'
import { bytes, bytesOf, increment, put } from '../../src/contract/storage-content.ts'
import { storageContract } from '../../src/contract/storage.ts'
import type { Write } from '../../src/ports.ts'
import { StorageError } from '../../src/protocol/errors.ts'
import type { Answer, Ask } from './disk-child.ts'

const root = mkdtempSync(join(tmpdir(), 'ringlet-disk-'))
const folderOf = (name: string) => join(root, name)
let folders = 0
const freshFolder = () => folderOf(`store-${folders++}`)

const children: Child[] = []
afterEach(() => {
  for (const child of children.splice(0)) child.kill()
})
afterAll(() => rmSync(root, { recursive: true, force: true }))

describe('the disk store keeps the storage contract', () => {
  const cases = storageContract({
    open: (name) => openDisk(folderOf(name)),
    openGated: (name, gate) => openDisk(folderOf(name), { beforeCommit: gate }),
  })
  test.each(cases)('$name', ({ run }) => run())
})

test('every commit is synced: the settings are read back, and a file that cannot have them is refused', () => {
  using database = new DatabaseSync(join(root, 'settings.db'))
  prepareFile(database, root)
  expect(database.prepare('pragma synchronous').get()).toEqual({ synchronous: 2 })
  expect(database.prepare('pragma journal_mode').get()).toEqual({ journal_mode: 'wal' })
  using memory = new DatabaseSync(':memory:')
  expect(() => prepareFile(memory, root)).toThrow(
    expect.objectContaining({ code: 'store-not-writable' }),
  )
})

test('a packed batch unpacks to the same writes, in a buffer of any size', () => {
  const anyBytes = fc.uint8Array({ maxLength: 300 })
  const writes = fc.array(
    fc.record({ key: anyBytes, value: fc.option(anyBytes, { nil: undefined }) }),
  )
  fc.assert(
    fc.property(writes, fc.nat(20_000), (batch, spareBytes) => {
      const unpacked: Write[] = []
      const packed = packWrites(batch, new ArrayBuffer(spareBytes))
      unpackWrites(packed, (key, value) => unpacked.push({ key, value }))
      expect(unpacked).toEqual(batch)
    }),
  )
})

describe('a data folder', () => {
  test('is refused while another process holds it, and free again when that is killed', async () => {
    const folder = freshFolder()
    const holder = new Child()
    await holder.ask({ act: 'open', folder })
    await holder.ask({ act: 'put', key: 1, size: 10 })
    await expectRefusal(openDisk(folder), 'store-locked')
    await holder.killed()
    await using storage = disposable(await openDisk(folder))
    expect((await storage.get(bytesOf(1)))?.length).toBe(10)
  })

  test('is refused while this process holds it, and free again when that store is closed', async () => {
    const folder = freshFolder()
    const holder = await openDisk(folder)
    await expectRefusal(openDisk(folder), 'store-locked')
    await holder.close()
    await (await openDisk(folder)).close()
  })

  test('that cannot be written, or is a file, is refused', async () => {
    const folder = freshFolder()
    mkdirSync(folder)
    chmodSync(folder, 0o555)
    chmodSync(root, 0o755)
    const nobody = new Child(process.getuid?.() === 0 ? { uid: 65_534 } : {})
    expect(await nobody.ask({ act: 'open', folder })).toMatchObject({
      code: 'store-not-writable',
      remedy: expect.stringContaining('.'),
    })
    writeFileSync(folderOf('a-file'), '')
    await expectRefusal(openDisk(folderOf('a-file')), 'store-not-writable')
    await expectRefusal(openDisk(join(folderOf('a-file'), 'under')), 'store-not-writable')
  })

  test('of a newer format is refused, and left as it is', async () => {
    const folder = freshFolder()
    await (await openDisk(folder)).close()
    const path = join(folder, 'store.db')
    const newer = new DatabaseSync(path)
    newer.exec('pragma user_version = 2')
    newer.close()
    const before = readFileSync(path)
    await expectRefusal(openDisk(folder), 'store-format')
    expect(readFileSync(path).equals(before)).toBe(true)
    expect(readdirSync(folder).toSorted()).toEqual(['store.db', 'store.lock'])
  })

  test('with nonsense, or another program’s database, in place of the store is refused', async () => {
    const folder = freshFolder()
    mkdirSync(folder)
    writeFileSync(join(folder, 'store.db'), 'nonsense'.repeat(1000))
    await expectRefusal(openDisk(folder), 'store-corrupt')
    const other = freshFolder()
    mkdirSync(other)
    const foreign = new DatabaseSync(join(other, 'store.db'))
    foreign.exec('create table bookmarks (address text)')
    foreign.close()
    await expectRefusal(openDisk(other), 'store-corrupt')
  })

  test('with a bit flipped in its schema is refused as damaged', async () => {
    const folder = freshFolder()
    await (await openDisk(folder)).close()
    const path = join(folder, 'store.db')
    const bytes = readFileSync(path)
    const column = bytes.indexOf('value blob')
    expect(column).toBeGreaterThan(0)
    bytes[column + 4]! ^= 4
    writeFileSync(path, bytes)
    await expectRefusal(openDisk(folder), 'store-corrupt')
  })

  test('can be opened and closed thirty times, and keeps no log behind', async () => {
    const folder = freshFolder()
    for (let round = 1; round <= 30; round++) {
      const storage = await openDisk(folder)
      expect(await increment(storage, bytes(1))).toBe(round)
      await storage.close()
    }
    expect(readdirSync(folder).toSorted()).toEqual(['store.db', 'store.lock'])
  })
})

test('a damaged page is an error with a remedy for whoever reads it', async () => {
  const folder = freshFolder()
  const first = await openDisk(folder)
  for (let i = 0; i < 100; i++) await put(first, [bytesOf(i), new Uint8Array(1000)])
  await first.close()
  const path = join(folder, 'store.db')
  const content = readFileSync(path)
  // All but the first page, which says what the file is.
  content.fill(0xee, 4096)
  writeFileSync(path, content)
  await expectRefusal(
    openDisk(folder).then(async (storage) => {
      await using held = disposable(storage)
      await held.getMany(Array.from({ length: 100 }, (_, i) => bytesOf(i)))
    }),
    'store-corrupt',
  )
})

test('usage counts what is stored against what the disk has left', async () => {
  await using storage = disposable(await openDisk(freshFolder()))
  await put(storage, [bytes(1), new Uint8Array(2 ** 20)])
  const { usedBytes = 0, quotaBytes = 0 } = await storage.usage()
  expect(usedBytes).toBeGreaterThan(2 ** 20)
  expect(quotaBytes).toBeGreaterThan(usedBytes)
})

test('no acknowledged write is lost when the process is killed under load', async () => {
  const folder = freshFolder()
  for (let round = 0; round < 3; round++) {
    const child = new Child()
    await child.ask({ act: 'open', folder })
    await child.ask({ act: 'load', inFlight: 64 })
    await child.hasDone(2000)
    await child.killed()
    await using storage = disposable(await openDisk(folder))
    const found = await storage.getMany(child.done.map(bytesOf))
    expect(found.filter((value) => value?.length !== 1024)).toEqual([])
  }
})

const canMount = spawnSync('unshare', ['-m', 'true']).status === 0

test.runIf(canMount)(
  'on a full disk reads go on, and writes resume when there is room',
  async () => {
    const disk = folderOf('small')
    mkdirSync(disk)
    // The mount is the child's alone, and goes when it does.
    const child = new Child({ shell: `mount -t tmpfs -o size=8m none ${disk}`, unshare: true })
    const folder = join(disk, 'store')
    await child.ask({ act: 'open', folder })
    await child.ask({ act: 'put', key: 0, size: 1024 })
    const full = await child.ask({ act: 'fill', key: 1, size: 100_000 })
    expect(full).toMatchObject({ result: { code: 'store-full' } })
    const { key } = (full as { result: { key: number } }).result
    expect(key).toBeGreaterThan(10)
    expect(await child.ask({ act: 'get', key: 0 })).toMatchObject({ result: 1024 })
    expect(await child.ask({ act: 'get', key: key - 1 })).toMatchObject({ result: 100_000 })
    expect(await child.ask({ act: 'get', key })).toMatchObject({ result: null })
    expect(await child.ask({ act: 'put', key, size: 100_000 })).toMatchObject({
      code: 'store-full',
    })
    child.run(`mount -o remount,size=32m ${disk}`)
    expect(await child.ask({ act: 'put', key, size: 100_000 })).toMatchObject({ result: null })
    expect(await child.ask({ act: 'get', key })).toMatchObject({ result: 100_000 })
  },
)

test('a disk that fails a write is lost: nothing goes on, and the next start begins empty', async () => {
  const folder = freshFolder()
  // A file may not grow beyond this many kibibytes: the kernel then fails the write, as a broken disk would.
  const child = new Child({ shell: 'ulimit -f 1024' })
  await child.ask({ act: 'open', folder })
  const failed = await child.ask({ act: 'fill', key: 0, size: 10_000 })
  expect(failed).toMatchObject({ result: { code: 'store-lost' } })
  expect(await child.ask({ act: 'get', key: 0 })).toMatchObject({ code: 'store-lost' })
  expect(await child.ask({ act: 'put', key: 0, size: 1 })).toMatchObject({
    code: 'store-lost',
    remedy: expect.stringContaining('Restart'),
  })
  await child.killed()
  await using storage = disposable(await openDisk(folder))
  expect(await storage.get(bytesOf(0))).toBeUndefined()
  expect(readdirSync(folder)).toContain('lost-store.db')
  await put(storage, [bytesOf(0), bytes(1)])
})

async function expectRefusal(opening: Promise<unknown>, code: string): Promise<void> {
  const error = await opening.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  expect(error).toBeInstanceOf(StorageError)
  expect(error).toMatchObject({ code, remedy: expect.stringMatching(/\.$/) })
}

function disposable<T extends { close(): Promise<void> }>(store: T): T & AsyncDisposable {
  return Object.assign(store, { [Symbol.asyncDispose]: () => store.close() })
}

interface ChildOptions {
  /** Runs in a shell that then becomes the child. */
  readonly shell?: string
  /** In a mount namespace of its own. */
  readonly unshare?: boolean
  readonly uid?: number
}

/** A process of `disk-child.ts`. */
class Child {
  readonly done: number[] = []
  readonly #process: ChildProcess
  readonly #asked = new Map<number, (answer: Answer) => void>()
  #numbers = 0
  #doneEnough: (() => void) | undefined

  constructor({ shell = ':', unshare = false, uid }: ChildOptions = {}) {
    const script = `${shell} && exec "$0" "$@"`
    const command = [
      'sh',
      '-c',
      script,
      process.execPath,
      join(import.meta.dirname, 'disk-child.ts'),
    ]
    const [program, ...args] = unshare ? ['unshare', '-m', ...command] : command
    this.#process = spawn(program!, args, {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      ...(uid === undefined ? {} : { uid, gid: uid }),
    })
    this.#process.on('message', (answer: Answer) => this.#take(answer))
    children.push(this)
  }

  ask(ask: Ask): Promise<Answer> {
    const number = this.#numbers++
    this.#process.send({ number, ask })
    return new Promise((resolve) => {
      this.#asked.set(number, resolve)
    })
  }

  hasDone(count: number): Promise<void> {
    return new Promise((resolve) => {
      this.#doneEnough = () => {
        if (this.done.length >= count) resolve()
      }
    })
  }

  /** Runs a command where the child runs. */
  run(command: string): void {
    const { status } = spawnSync('nsenter', [
      '-m',
      '-t',
      `${this.#process.pid}`,
      'sh',
      '-c',
      command,
    ])
    expect(status).toBe(0)
  }

  kill(): void {
    this.#process.kill('SIGKILL')
  }

  /** Kills it, and waits until the kernel has let go of its locks. */
  killed(): Promise<void> {
    const exited = new Promise<void>((resolve) => {
      this.#process.once('exit', () => resolve())
    })
    this.kill()
    return exited
  }

  #take(answer: Answer): void {
    if ('done' in answer) {
      this.done.push(answer.done)
      this.#doneEnough?.()
      return
    }
    this.#asked.get(answer.number)?.(answer)
    this.#asked.delete(answer.number)
  }
}
