/**
 * Three minutes of chaos, as `npm run chaos` makes it. Where this machine has no namespaces to give, it says so and is skipped.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { whyNoNetwork } from '../hosts/network.ts'
import type { Summary } from './summary.ts'

const program = join(import.meta.dirname, 'main.ts')
const why = whyNoNetwork()
if (why !== undefined) console.warn(why)

let child: ChildProcess | undefined

/** It clears away what it has made. */
afterEach(async () => {
  if (child === undefined || child.exitCode !== null) return
  child.kill('SIGTERM')
  await once(child, 'exit')
})

test.skipIf(why !== undefined)(
  'three minutes of cuts, kills, pauses and bad disks breaks no promise',
  { timeout: 480_000 },
  async () => {
    child = spawn(process.execPath, [program, '--minutes', '3', '--seed', '7', '--json'], {
      // By the channel it notices if this process is no more, and clears away what it has made.
      stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
    })
    let said = ''
    child.stdout!.on('data', (piece: Buffer) => (said += piece.toString()))
    await once(child, 'close')
    const { violations, operations, faults, convergedAfterMs, boundReads } = JSON.parse(
      said,
    ) as Summary
    expect(violations).toEqual([])
    expect(child.exitCode).toBe(0)
    expect(convergedAfterMs).toBeDefined()
    // A run in which nothing was done, or nothing struck, would show nothing.
    expect(operations['done']).toBeGreaterThan(300)
    expect(boundReads).toBeGreaterThan(30)
    expect(Object.values(faults).filter((count) => count > 0).length).toBeGreaterThan(12)
  },
)
