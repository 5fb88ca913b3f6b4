/**
 * A process with a store under load, on a disk that may fail or lose its power at any moment.
 *
 *     node store-process.ts FOLDER SOURCES|- [buffered]
 *
 * It says what it knows in lines, each written before the next write begins, so that nothing that was acknowledged is
 * unsaid when it is killed: `opened`, `key HEX` (who it is), `held WRITER N` (what it found), `done WRITER N` (what was
 * acknowledged), `failed CODE OUTCOME` (an update that was not), `refused CODE` (it could not begin). It ends when
 * every writer was refused for good.
 *
 * The store comes from the sources of this program, or from a copy of them that was broken on purpose. `buffered`: all
 * writers ask for no sync, and one counter does, now and then.
 */
import { writeSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { pathToFileURL } from 'node:url'
import type * as Disk from '../../../node/disk.ts'
import type * as IdentityFile from '../../../node/identity-file.ts'
import type { Storage } from '../../../src/ports.ts'
import { counterKey, numbered, numberOf, shown, type Writer, writers } from './store-load.ts'

/** How a line begins. */
export type Word = 'opened' | 'key' | 'held' | 'done' | 'failed' | 'refused'

const [folder, from = '-', how] = process.argv.slice(2)
const sources = from === '-' ? join(import.meta.dirname, '..', '..', '..') : from
const isBuffered = how === 'buffered'
const durability = isBuffered ? 'buffered' : 'synced'
const { openDisk } = await use<typeof Disk>('disk.ts')
const { identitySeed } = await use<typeof IdentityFile>('identity-file.ts')

const counters = isBuffered ? 1 : 6
/** Between two syncs of a store whose writers ask for none. */
const syncsApartMs = 25

try {
  const storage = await openDisk(folder!)
  try {
    await load(storage)
  } finally {
    await storage.close()
  }
} catch (error) {
  say(`refused ${(error as { code?: string }).code ?? String(error)}`)
}

async function load(storage: Storage): Promise<void> {
  say('opened')
  say(`key ${Buffer.from(identitySeed(folder!)).toString('hex')}`)
  const held = await Promise.all(writers.map((writer) => shown(storage, writer)))
  for (const [i, { name }] of writers.entries()) say(`held ${name} ${held[i]}`)
  await Promise.all([
    ...writers.map((writer, i) => keepWriting(storage, writer, held[i]!)),
    ...Array.from({ length: counters }, () => keepCounting(storage)),
  ])
}

async function keepWriting(storage: Storage, writer: Writer, held: number): Promise<void> {
  for (let n = held + 1; ;) {
    const writes = writer.writes(n)
    const became = await told(
      storage.update([], () => ({ writes, result: n }), durability),
      writer.name,
    )
    if (became === 'lost') return
    if (became === 'done') n++
  }
}

async function keepCounting(storage: Storage): Promise<void> {
  for (;;) {
    if (isBuffered) await setTimeout(syncsApartMs)
    const counting = storage.update([counterKey], ([current]) => {
      const result = numberOf(current) + 1
      return { writes: [{ key: counterKey, value: numbered(result) }], result }
    })
    if ((await told(counting, 'counter')) === 'lost') return
  }
}

/** Says what came of an update. One for which the disk was too full may be tried again. */
async function told(update: Promise<number>, name: string): Promise<'done' | 'failed' | 'lost'> {
  try {
    const n = await update
    say(`done ${name} ${n}`)
    return 'done'
  } catch (error) {
    const { code, outcome } = error as { code?: string; outcome?: string }
    say(`failed ${code ?? String(error)} ${outcome}`)
    return code === 'store-full' ? 'failed' : 'lost'
  }
}

function say(line: Word | `${Word} ${string}`): void {
  const bytes = Buffer.from(`${line}\n`)
  for (let from = 0; from < bytes.length;) {
    try {
      from += writeSync(1, bytes, from)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error
      // Nobody has read for a while.
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1)
    }
  }
}

function use<T>(file: string): Promise<T> {
  return import(pathToFileURL(join(sources, 'node', file)).href) as Promise<T>
}
