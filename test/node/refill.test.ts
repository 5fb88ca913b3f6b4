/**
 * A disk that was lost, on real ones: the folder of one of three peers is emptied but for its key, and the ring goes on.
 */
import { readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { RingStatus } from '../../node/control-status.ts'
import { seededRandom } from '../../src/simulation/random.ts'
import { Store } from '../chaos/store.ts'
import { emptyFolder, TestRing, until as untilWithin } from './dev-ring.ts'

const until = (what: string, isSo: () => Promise<boolean>): Promise<void> =>
  untilWithin(what, isSo, 90_000)

const readinessOf = async (ring: TestRing, number: number): Promise<string | undefined> => {
  const { members } = await ring.ask<RingStatus>('status')
  return members.find(({ id }) => id === ring.ports.peers[number - 1]!.id)?.readiness
}

const allReady = async (ring: TestRing): Promise<boolean> => {
  const { members } = await ring.ask<RingStatus>('status')
  return members.every(({ readiness }) => readiness === 'ready')
}

/** Each step starts processes, on a machine that may be busy. */
const longestMs = 240_000

/** Everything goes but the key that says who the peer is. */
function emptyDisk(folder: string): void {
  for (const name of readdirSync(folder)) {
    if (name !== 'identity.key') rmSync(join(folder, name), { recursive: true })
  }
}

test(
  'a peer whose folder was emptied counts for strict requests only once it is refilled',
  async () => {
    using folder = emptyFolder()
    await using ring = await TestRing.start(folder.path)
    await until('all to be ready', () => allReady(ring))
    expect((await ring.run('put', 'stock', 'mugs', '7', '--strict')).exit).toBe(0)

    // One of the others is away, so that the emptied one cannot hear from as many as it needs.
    await ring.run('stop', '2')
    await ring.run('stop', '3')
    emptyDisk(join(ring.folder, 'peer-2'))
    await ring.run('start', '2')
    await until('peer 2 to refill', async () => (await readinessOf(ring, 2)) === 'refilling')
    expect((await ring.run('status')).out).toMatch(/^peer-2 +up, refilling /m)
    const refused = await ring.run('get', 'stock', 'mugs', '--strict')
    expect(refused.exit).toBe(3)
    expect(refused.error).toMatch(/quorum-not-reached/)
    await until('a sloppy read', async () => (await ring.run('get', 'stock', 'mugs')).out === '7\n')

    await ring.run('start', '3')
    await until('peer 2 to be whole', () => allReady(ring))
    await ring.run('stop', '1')
    const { control } = ring.ports.peers[1]!
    await until('the other two to answer strictly', async () => {
      const read = await ring.run('get', 'stock', 'mugs', '--strict', '--peer', control)
      return read.out === '7\n'
    })
  },
  longestMs,
)

test(
  'an operator ends the waiting where two of three have lost their disks',
  async () => {
    using folder = emptyFolder()
    await using ring = await TestRing.start(folder.path)
    await until('all to be ready', () => allReady(ring))
    expect((await ring.run('put', 'stock', 'mugs', '7', '--strict', '--w', '3')).exit).toBe(0)
    for (const number of ['2', '3']) {
      await ring.run('stop', number)
      emptyDisk(join(ring.folder, `peer-${number}`))
    }
    for (const number of ['2', '3']) await ring.run('start', number)
    await until('both to refill', async () => {
      const words = await Promise.all([2, 3].map((number) => readinessOf(ring, number)))
      return words.every((word) => word === 'refilling')
    })
    expect((await ring.run('status')).out).toMatch(/Strict requests are refused for 4096 of/)
    expect((await ring.run('get', 'stock', 'mugs', '--strict')).exit).toBe(3)
    expect((await ring.run('trust')).exit).toBe(2)
    const { control } = ring.ports.peers[1]!
    expect(await ring.run('trust', '--peer', control)).toMatchObject({
      exit: 0,
      out: 'peer-2 counts as whole from now on.\n',
    })
    await until('all to be ready', () => allReady(ring))
    await until('a strict read', async () => {
      return (await ring.run('get', 'stock', 'mugs', '--strict')).out === '7\n'
    })
  },
  longestMs,
)

test(
  'a record that is damaged at two of three is in doubt there, and says so, until an operator ends it',
  async () => {
    using folder = emptyFolder()
    await using ring = await TestRing.start(folder.path)
    await until('all to be ready', () => allReady(ring))
    expect((await ring.run('put', 'stock', 'mugs', '7', '--strict', '--w', '3')).exit).toBe(0)
    for (const number of ['2', '3']) {
      await ring.run('stop', number)
      const store = new Store(join(ring.folder, `peer-${number}`))
      expect(store.flipRecords(seededRandom(number), 1)).toBe(1)
      await ring.run('start', number)
    }
    for (const number of [2, 3]) {
      const { control } = ring.ports.peers[number - 1]!
      await until(`peer ${number} to find the damage`, async () => {
        await ring.run('get', 'stock', 'mugs', '--peer', control)
        const { out } = await ring.run('status', '--peer', control)
        return out.includes(`peer-${number} found its record of stock/mugs damaged, and counts for`)
      })
    }
    expect((await ring.run('status')).out).not.toContain('damaged')
    expect((await ring.run('get', 'stock', 'mugs', '--strict')).exit).toBe(3)
    const { control } = ring.ports.peers[1]!
    expect((await ring.run('trust', '--peer', control)).exit).toBe(0)
    expect((await ring.run('status', '--peer', control)).out).not.toContain('damaged')
    await until('a strict read', async () => {
      return (await ring.run('get', 'stock', 'mugs', '--strict')).out === '7\n'
    })
  },
  longestMs,
)
