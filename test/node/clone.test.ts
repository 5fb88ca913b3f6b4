/**
 * A data folder that was copied, on real processes and disks: what somebody sees who starts the copy beside the original.
 */
import { cpSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { RingStatus } from '../../node/control-status.ts'
import { emptyFolder, ringlet, TestRing, until } from './dev-ring.ts'

/** Each step starts processes, on a machine that may be busy. */
const timeout = 240_000

test(
  'the copy of a running peer stops, says why and what to do; the original goes on',
  { timeout },
  async () => {
    using folder = emptyFolder()
    await using ring = await TestRing.start(folder.path)
    await ring.run('put', 'carts', 'ann', '{"mug":1}')
    const copy = await copyOfStopped(ring)
    expect((await ring.run('start', '2')).exit).toBe(0)
    // The elder goes on: so the original must stand before its copy begins.
    await until('the original to be up', async () => {
      const { members } = await ring.ask<RingStatus>('status')
      return members.length === 3 && members.every(({ state }) => state === 'up')
    })
    const original = await ring.processOf(2)

    const { id } = ring.ports.peers[1]!
    const ran = await startCopy(ring, copy)
    expect(ran.exit).toBe(3)
    expect(ran.error).toContain(
      `ringlet: another peer runs with the identity ${id} (identity-in-use)\n` +
        "  If this data folder is a copy of that peer's, start this one on an empty folder",
    )
    expect(await ring.processOf(2)).toBe(original)
    await until('every peer to be up', async () => {
      const { members } = await ring.ask<RingStatus>('status')
      return members.length === 3 && members.every(({ state }) => state === 'up')
    })
    expect((await ring.run('get', 'carts', 'ann')).out).toBe('{"mug":1}\n')
    expect((await ring.run('put', 'carts', 'ann', '{"mug":2}', '--w', '3')).exit).toBe(0)
    // Started once more, it is told once more.
    expect((await startCopy(ring, copy)).exit).toBe(3)
  },
)

test('a copy that takes the place of its original is that peer', { timeout }, async () => {
  using folder = emptyFolder()
  await using ring = await TestRing.start(folder.path)
  await ring.run('put', 'carts', 'ann', '{"mug":1}')
  const copy = await copyOfStopped(ring)
  const ending = new AbortController()
  const running = startCopy(ring, copy, ending.signal)
  await until('every peer to be up', async () => {
    const { members } = await ring.ask<RingStatus>('status')
    return members.length === 3 && members.every(({ state }) => state === 'up')
  })
  expect((await ring.run('put', 'carts', 'ann', '{"mug":2}', '--w', '3')).exit).toBe(0)
  ending.abort()
  expect((await running).exit).toBe(0)
})

/** Stops the second peer, and copies its folder. */
async function copyOfStopped(ring: TestRing): Promise<string> {
  await ring.run('stop', '2')
  await until('the peer to be gone', async () => (await ring.processOf(2)) === undefined)
  const copy = join(ring.cwd, 'copy')
  cpSync(join(ring.folder, 'peer-2'), copy, { recursive: true })
  return copy
}

function startCopy(ring: TestRing, data: string, signal?: AbortSignal) {
  const file = join(ring.folder, 'ring.json')
  const ports = ['--tcp', '0', '--ws', '0', '--control', '0']
  return ringlet(ring.cwd, ['peer', '--ring', file, '--data', data, ...ports], '', signal)
}
