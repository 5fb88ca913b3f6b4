/**
 * Power cuts and failed syncs under the real store and the real peers, on a real file system. By hand, in full:
 *
 *     node test/node/power/main.ts
 *     node test/node/power/main.ts --seed mine store=100 unsynced=20
 *
 * `store` cuts the power of a store under load, `buffered` of one whose writers ask for no sync, `ring` of three peers at
 * once; `unsynced` and `lying` are their controls: the
 * same store with syncing off, the same ring on a disk that only says that it syncs. `syncs` lets syncs fail; its controls
 * leave checkpoints to SQLite (`deaf`) and try a failed sync again (`stubborn`). `refill` fails a sync under one peer of
 * three. The number says how often. With `--json` each part answers with a line.
 *
 * Why a file system of our own. `kill -9` proves nothing about syncs: the kernel has what was written, and writes it back in
 * its own time. To forget, something must stand below the store, and it should be as little of our own making as can be:
 *
 * - Hooks in the adapter, or in a virtual file system of SQLite's, leave out whatever does not pass through them, and make
 *   the tested thing another one.
 * - A preloaded library sees what libc is asked for, if there is a compiler, and not what a mapped page becomes; a trace of
 *   system calls has to be understood after the fact, and slows its process tenfold.
 * - Device mapper's targets and network block devices are not in every kernel; this one has none of them.
 * - FUSE is in every kernel, and needs no library: a device, the `mount` that every machine has, and a few messages. The
 *   store runs unchanged, with its real threads, locks and mapped memory; each of its writes, syncs and renames arrives
 *   here as the kernel hands it on, in order, and the power can go between any two, or while one is under way. A failed sync
 *   is a real `EIO` of a real system call.
 *
 * It takes root, for the mounts are made in a namespace of their own, which goes with its last process: a test that dies
 * leaves nothing mounted and nobody running. What the disk forgets is said in `forgetful-disk.ts`.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { seededRandom } from '../../../src/simulation/random.ts'
import { type Break, brokenCopy, deaf, stubborn, unsynced } from './broken-copy.ts'
import { allCases, checkpoints, commits, failSyncs } from './failed-syncs.ts'
import { PluggedDisk } from './plugged-disk.ts'
import { cutRing } from './ring-cuts.ts'
import { refill } from './ring-refill.ts'
import { cutStore } from './store-cuts.ts'

interface Stage {
  readonly disk: PluggedDisk
  readonly place: string
  readonly seed: string
  broken(breaks: readonly Break[]): string
}

type Part = (stage: Stage, count: number) => Promise<unknown>

const parts = {
  store: (stage, cuts) => cutStore({ ...stage, cuts }),
  unsynced: (stage, cuts) => cutStore({ ...stage, cuts, sources: stage.broken(unsynced) }),
  buffered: (stage, cuts) => cutStore({ ...stage, cuts, buffered: true }),
  ring: (stage, cuts) => cutRing({ ...stage, cuts }),
  lying: (stage, cuts) => cutRing({ ...stage, cuts, lies: true }),
  syncs: (stage, count) => failSyncs({ ...stage, cases: allCases(stage.seed).slice(0, count) }),
  deaf: (stage, count) =>
    failSyncs({ ...stage, cases: checkpoints.slice(0, count), sources: stage.broken(deaf) }),
  stubborn: (stage, count) =>
    failSyncs({
      ...stage,
      cases: commits(seededRandom(stage.seed)).slice(0, count),
      sources: stage.broken(stubborn),
    }),
  refill: (stage, count) => refill({ ...stage, ...refills[count % refills.length]! }),
} satisfies Record<string, Part>

/** `store=8`: a part, and how often. */
export type Asked = `${keyof typeof parts}=${number}`

const refills = [
  { at: 1, path: '/store.db$' },
  { at: 10, path: '/store.db-wal$' },
]

const usual: readonly Asked[] = [
  ...(['store=50', 'buffered=20', 'ring=10', 'unsynced=50', 'lying=10'] as const),
  ...(['syncs=20', 'deaf=3', 'stubborn=6', 'refill=1', 'refill=2'] as const),
]

/** Longer than any part takes: one that hangs must not hold its mounts for ever. */
const patienceMs = 15 * 60_000

const inside = 'RINGLET_POWER_INSIDE'

if (process.env[inside] === undefined) await goInside()
else await run()

/** A namespace of its own for mounts and processes. */
async function goInside(): Promise<void> {
  const args = ['-m', '-p', '-f', '--mount-proc', '--kill-child', process.execPath]
  const child = spawn('unshare', [...args, ...process.argv.slice(1)], {
    stdio: 'inherit',
    env: { ...process.env, [inside]: '1' },
  })
  // With it goes everything inside.
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.on(signal, () => child.kill('SIGKILL'))
  const [code] = (await once(child, 'exit')) as [number | null]
  process.exitCode = code ?? 1
}

async function run(): Promise<void> {
  const { values, positionals } = parseArgs({
    options: {
      seed: { type: 'string', default: 'ringlet' },
      json: { type: 'boolean', default: false },
    },
    allowPositionals: true,
  })
  const asked = positionals.length > 0 ? positionals : usual
  for (const each of asked) {
    const [name, count] = each.split('=') as [string, string | undefined]
    const part = Object.entries<Part>(parts).find(([known]) => known === name)?.[1]
    if (part === undefined) throw new Error(`There is no part ${name}.`)
    const started = performance.now()
    const tooLate = setTimeout(() => process.exit(1), patienceMs)
    const sum = await onStage(values.seed, (stage) => part(stage, Number(count ?? 1)))
    clearTimeout(tooLate)
    const seconds = ((performance.now() - started) / 1000).toFixed(1)
    if (values.json) console.log(JSON.stringify(sum))
    else console.log(`${each}, ${seconds} s:`, sum)
  }
}

async function onStage<T>(seed: string, play: (stage: Stage) => Promise<T>): Promise<T> {
  const root = mkdtempSync(join(tmpdir(), 'ringlet-power-'))
  const disk = new PluggedDisk()
  const place = join(root, 'disks')
  mkdirSync(place)
  const broken = (breaks: readonly Break[]): string => brokenCopy(join(root, 'sources'), breaks)
  try {
    return await play({ disk, place, seed, broken })
  } finally {
    await disk[Symbol.asyncDispose]()
    rmSync(root, { recursive: true, force: true })
  }
}
