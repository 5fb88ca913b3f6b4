/** The simulated ports promise what the real ones do: both keep the contracts, here on the host's own clock. */
import { afterAll, beforeAll, describe, test } from 'vitest'
import { storageContract } from '../../src/contract/storage.ts'
import { transportContract } from '../../src/contract/transport.ts'
import { limits } from '../../src/protocol/limits.ts'
import { Disk } from '../../src/simulation/disk.ts'
import { Life } from '../../src/simulation/life.ts'
import { Network } from '../../src/simulation/network.ts'
import { seededRandom } from '../../src/simulation/random.ts'
import { Scheduler } from '../../src/simulation/scheduler.ts'
import { openStorage } from '../../src/simulation/storage.ts'
import { SimulatedTransport } from '../../src/simulation/transport.ts'
import { networkSettings } from '../../src/simulation/weather.ts'

const scheduler = new Scheduler()
let stopped = false
let driver: Promise<void>

beforeAll(() => {
  const started = performance.now()
  const drive = async (): Promise<void> => {
    while (!stopped) await scheduler.run(performance.now() - started)
  }
  driver = drive()
})

afterAll(async () => {
  stopped = true
  await driver
})

describe.for([true, false])('the simulated disk, its updates at once: %s', (updatesAtOnce) => {
  const disks = new Map<string, Disk>()
  const settings = { readMs: 0.5, syncMs: 1, updatesAtOnce }
  const lives = new Map<string, Life>()
  const open = async (name: string) => {
    const disk =
      disks.get(name) ?? new Disk(name, scheduler, seededRandom(`contract ${name}`), settings)
    disks.set(name, disk)
    const life = new Life(scheduler)
    lives.set(name, life)
    return openStorage(disk, life)
  }
  const cutPower = async (name: string): Promise<void> => {
    lives.get(name)!.end()
    disks.get(name)!.crash(true)
  }
  test.for(storageContract({ open, cutPower }))('$name', ({ run }) => run())
})

describe('the simulated network', () => {
  const random = seededRandom('transport contract')
  // Real links keep the order of a lane; the simulated ones do so only without jitter.
  const even = { jitterMs: 0, spikes: 0, bytesPerMs: Infinity } as const
  const quiet = { ...networkSettings, ...even, delayMs: [0.3, 2] } as const
  const network = new Network(scheduler, random, () => {}, quiet)
  let opened = 0
  const open = async () => new SimulatedTransport(network, `peer-${++opened}`, new Life(scheduler))
  // Virtual time stands still while the host is busy, and a simulated link is never full: what the host's clock says
  // of a deadline, and how much gets past a long transfer, is no evidence here.
  const cases = transportContract({ limits, open }).filter(
    ({ name }) => !/at its deadline|the background does not/.test(name),
  )
  test.for(cases)('$name', ({ run }) => run())
})
