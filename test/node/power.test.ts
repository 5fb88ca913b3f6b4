/**
 * Nothing acknowledged is lost when the power goes, and a failed sync ends a store (P1), on the real adapter and real peers.
 *
 * A few of each here; `node test/node/power/main.ts` does it in full, and says how. On a machine where nobody may mount
 * these are skipped, which counts as a failure where it matters (`test/run.js`).
 */
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import type { SyncSum } from './power/failed-syncs.ts'
import type { Asked } from './power/main.ts'
import type { RefillSum } from './power/ring-refill.ts'
import type { CutSum } from './power/store-cuts.ts'

const canMount = existsSync('/dev/fuse') && spawnSync('unshare', ['-m', 'true']).status === 0

/** For a busy machine. */
const timeout = 300_000

describe.runIf(canMount)('on a disk that forgets what was not synced', () => {
  test('no acknowledged write of a store is lost in 6 power cuts', { timeout }, async () => {
    const sum = await power<CutSum>('store=6')
    expect(sum).toMatchObject({ cuts: 6, lost: 0, cutsWithLoss: 0, complaints: [] })
    expect(sum.acknowledged).toBeGreaterThan(100)
  })

  test(
    'of buffered writes 6 power cuts take the last, tear none, and leave what was synced after them',
    { timeout },
    async () => {
      const sum = await power<CutSum>('buffered=6')
      expect(sum).toMatchObject({ cuts: 6, lost: 0, cutsWithLoss: 0, complaints: [] })
      expect(sum.takenBack).toBeGreaterThan(0)
    },
  )

  test('with syncing off the same store loses at each cut', { timeout }, async () => {
    const sum = await power<CutSum>('unsynced=3')
    expect(sum).toMatchObject({ cuts: 3, cutsUnderLoad: 3, cutsWithLoss: 3 })
    expect(sum.lost).toBeGreaterThan(0)
  })

  test('what a ring acknowledged stands on W disks after all lost power', { timeout }, async () => {
    const sum = await power<CutSum>('ring=2')
    expect(sum).toMatchObject({ cuts: 2, lost: 0, cutsWithLoss: 0, complaints: [] })
    expect(sum.acknowledged).toBeGreaterThan(50)
  })

  test('a failed sync ends the store, and the next begins empty', { timeout }, async () => {
    const sum = await power<SyncSum>('syncs=5')
    expect(sum).toMatchObject({ failed: 5, lost: 0, complaints: [] })
    expect(sum.ended + sum.needless).toBe(5)
  })

  test(
    'a store that does not hear of a failed sync, or tries again, is noticed',
    { timeout },
    async () => {
      for (const control of ['deaf=1', 'stubborn=1'] as const) {
        const { complaints } = await power<SyncSum>(control)
        expect(complaints).toContainEqual(expect.stringContaining('the store goes on'))
      }
    },
  )

  test('a peer whose sync failed stops, begins anew, and is refilled', { timeout }, async () => {
    const sum = await power<RefillSum>('refill=1')
    expect(sum.complaints).toEqual([])
    expect(sum.refilled).toBeGreaterThan(100)
  })
})

/** What a part of `power/main.ts` found. */
async function power<T>(part: Asked): Promise<T> {
  const program = join(import.meta.dirname, 'power', 'main.ts')
  const child = spawn(process.execPath, [program, '--json', part], {
    stdio: ['ignore', 'pipe', 'inherit'],
    timeout,
  })
  let out = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => (out += text))
  const [code] = (await once(child, 'close')) as [number | null]
  if (code !== 0) throw new Error(`${part} ended with ${code}: ${out}`)
  console.log(part, out)
  return JSON.parse(out) as T
}
