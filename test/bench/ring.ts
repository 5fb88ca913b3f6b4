/**
 * The real thing: a member in this process, which coordinates, and two more peers in processes of their own, over real
 * disks and libp2p on TCP. What is measured is what an application's call costs: its key is made and checked, its value
 * encoded, its checksum taken, its write minted, stored and replicated.
 */
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { makeValue } from '../../src/data/siblings.ts'
import { encodeStructured } from '../../src/data/structured.ts'
import { nothingSeen } from '../../src/data/vector.ts'
import { makeCheckedKey } from '../../src/protocol/arguments.ts'
import type { Member } from '../../src/peer/member.ts'
import { startNodePeer } from '../../node/node-peer.ts'
import { createRingFile, newRingIdentity } from '../../node/ring-file.ts'
import { forkUntil } from './children.ts'
import type { Contestant } from './measure.ts'

const program = join(import.meta.dirname, '..', '..', 'node', 'main.ts')

export interface BenchRing extends Contestant {
  /** The member in this process. */
  readonly member: Member
  /** The processes of the others. */
  readonly others: readonly number[]
  /** Like `put`, into a buffered bucket. */
  putBuffered(i: number): Promise<void>
}

export async function startRing(folder: string, value: Uint8Array): Promise<BenchRing> {
  const identity = newRingIdentity({ name: 'bench' })
  const own = await startNodePeer({
    ring: { identity, bootstrap: [] },
    data: join(folder, 'peer-1'),
    listen: ['/ip4/127.0.0.1/tcp/0'],
    host: 'bench-1',
  })
  const path = join(folder, 'ring.json')
  createRingFile(path, { identity, bootstrap: own.addresses })
  const children = await Promise.all(
    [2, 3].map((i) =>
      forkUntil(program, [
        'peer',
        ...words({ ring: path, data: join(folder, `peer-${i}`), host: `bench-${i}` }),
        ...words({ tcp: '0', ws: '0', control: '0' }),
      ]),
    ),
  )
  const { member } = own
  const { clock, random } = member.world
  const put = (i: number, w: number, buffered = false): Promise<unknown> =>
    member.write({
      kind: 'mint',
      key: makeCheckedKey('bench', `key ${i}`),
      context: nothingSeen,
      value: makeValue(encodeStructured(value), clock.now()),
      w,
      buffered,
      origin: member.id,
      request: random.bytes(16),
    })
  await untilItWorks(() => put(0, 3))
  return {
    member,
    others: children.map(({ child }) => child.pid!),
    put: async (i) => void (await put(i, 2)),
    putBuffered: async (i) => void (await put(i, 2, true)),
    get: async (i) => {
      await member.get(makeCheckedKey('bench', `key ${i}`), 2)
    },
    close: async () => {
      for (const { child } of children) child.disconnect()
      await own.close()
    },
  }
}

/** The peers need a moment to know each other. */
async function untilItWorks(act: () => Promise<unknown>): Promise<void> {
  const deadlineMs = performance.now() + 20_000
  for (;;) {
    try {
      await act()
      return
    } catch (error) {
      if (performance.now() > deadlineMs) throw error
      await wait(100)
    }
  }
}

function words(values: Readonly<Record<string, string>>): string[] {
  return Object.entries(values).flatMap(([name, value]) => [`--${name}`, value])
}
