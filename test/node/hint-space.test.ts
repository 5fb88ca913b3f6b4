/** The room for hints, as an operator says it. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { hintSpaceFrom, limitsWith } from '../../node/hint-space.ts'
import { newRingIdentity, open } from '../../node/index.ts'
import { limits } from '../../src/protocol/limits.ts'

test('is a quarter of the disk, a share that is given, or so many bytes', () => {
  expect(limitsWith(undefined)).toBe(limits)
  expect(limitsWith('12.5%')).toMatchObject({
    foreignShare: 0.125,
    foreignBytes: limits.foreignBytes,
  })
  expect(limitsWith(0)).toMatchObject({ foreignShare: 1, foreignBytes: 0 })
  expect(limitsWith(5_000_000)).toMatchObject({ foreignBytes: 5_000_000 })
})

test('comes from a command line as text', () => {
  expect(hintSpaceFrom(undefined)).toBeUndefined()
  expect(hintSpaceFrom('5000')).toBe(5000)
  expect(hintSpaceFrom('10%')).toBe('10%')
})

test.for(['101%', '%', 'much', '-1', '1e3', -1, 0.5, Number.NaN])('%s is none', (space) => {
  const given = typeof space === 'string' ? hintSpaceFrom(space) : space
  expect(() => limitsWith(given)).toThrow(expect.objectContaining({ code: 'bad-argument' }))
})

test('a member shows it, and how much of it is taken', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'ringlet-hints-'))
  try {
    const identity = newRingIdentity({ name: 'one', n: 1, q: 16 })
    const ring = { identity, bootstrap: [] }
    const listen = ['/ip4/127.0.0.1/tcp/0']
    const options = { data: join(folder, 'a'), listen }
    await using peer = await open(ring, { ...options, hintSpace: 4096 })
    expect(peer.status.storage.hints).toEqual({ usedBytes: 0, limitBytes: 4096, refused: 0 })
    await using other = await open(ring, { ...options, data: join(folder, 'b') })
    // A quarter of the disk, once it has been asked.
    const { hints } = other.status.storage
    expect(hints!.limitBytes).toBeGreaterThan(4096)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
})
