/**
 * Nothing acknowledged is lost while random peers are killed and stopped under load (P1), on real processes and disks.
 *
 * `RINGLET_KILLS=20` runs it in full: so many kills, and a stop of 20 s to every fifth of them. By default it is short.
 */
import { setTimeout as wait } from 'node:timers/promises'
import { expect, test } from 'vitest'
import type { RingStatus } from '../../node/control-status.ts'
import { emptyFolder, TestRing, until } from './dev-ring.ts'
import { Load } from './load.ts'

const asked = Number(process.env['RINGLET_KILLS'] ?? 0)
const kills = asked || 5
const stops = asked ? Math.ceil(asked / 5) : 1
/** Longer than a link takes to be found dead. */
const stopMs = asked ? 20_000 : 6000
const writers = 64

test(
  `every acknowledged put outlives ${kills} kills and ${stops} stops of ${stopMs / 1000} s under load`,
  { timeout: 60_000 + kills * 20_000 + stops * 3 * stopMs },
  async () => {
    using folder = emptyFolder()
    await using ring = await TestRing.start(folder.path)
    const load = new Load(ring.ports.peers.map(({ control }) => control))
    load.start(writers)
    await wait(500)
    for (const blow of shuffled(kills, stops)) await (blow === 'kill' ? kill(ring) : stop(ring))
    await load.stop()

    await until('every peer to be up', async () => {
      const { members } = await ring.ask<RingStatus>('status')
      return members.every(({ state }) => state === 'up')
    })
    const keys = await load.readBack(writers)
    load.close()
    const { acknowledged, unknown, refused, read } = load.sums
    console.log(
      `${kills} kills, ${stops} stops: ${acknowledged} puts acknowledged, ${unknown} in doubt, ` +
        `${refused} refused; ${keys} keys read back, ${read} reads in all`,
    )
    expect(load.violations).toEqual([])
    // Enough to mean something, on a machine that is busy with other things too.
    expect(acknowledged).toBeGreaterThan(300)
    expect(keys).toBeGreaterThan(200)
  },
)

/** Kills a random peer, and starts it again a little later, which the next blow does not wait for. */
async function kill(ring: TestRing): Promise<void> {
  const number = await randomPeer(ring)
  await ring.kill(number)
  await wait(200 + 1500 * Math.random())
  await until('the launcher to start it again', async () => {
    const url = `${ring.ports.launcher}/peers/${number}/start`
    await fetch(url, { method: 'POST' })
    return (await ring.processOf(number)) !== undefined
  })
  await wait(2000 * Math.random())
}

async function stop(ring: TestRing): Promise<void> {
  const number = await randomPeer(ring)
  await ring.kill(number, 'SIGSTOP')
  await wait(stopMs)
  await ring.kill(number, 'SIGCONT')
  await wait(1000)
}

/** One that runs. */
async function randomPeer(ring: TestRing): Promise<number> {
  for (;;) {
    const number = 1 + Math.floor(Math.random() * 3)
    if ((await ring.processOf(number)) !== undefined) return number
  }
}

function shuffled(killCount: number, stopCount: number): ('kill' | 'stop')[] {
  const blows = [
    ...Array.from({ length: killCount }, () => 'kill' as const),
    ...Array.from({ length: stopCount }, () => 'stop' as const),
  ]
  return blows
    .map((blow) => ({ blow, at: Math.random() }))
    .sort((a, b) => a.at - b.at)
    .map(({ blow }) => blow)
}
