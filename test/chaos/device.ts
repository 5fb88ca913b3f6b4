/**
 * A device on a host of its own: an edge of the ring with a disk, as an application's process is one. It does what it is
 * asked, and tells what becomes of writes that it has acknowledged by itself.
 */
import { openDisk } from '../../node/disk.ts'
import { identitySeed } from '../../node/identity-file.ts'
import { openNodeTransport } from '../../node/libp2p.ts'
import { loadRingFile } from '../../node/ring-file.ts'
import { systemClock, systemRandom } from '../../src/adapters/system.ts'
import { identityFromSeed } from '../../src/data/identity.ts'
import { makeKey } from '../../src/data/key.ts'
import { makeValue } from '../../src/data/siblings.ts'
import type { Receipt } from '../../src/peer/api.ts'
import { startEdge } from '../../src/peer/edge.ts'
import { openRingSide } from '../../src/peer/ring-side.ts'
import { contextFromText, contextToText } from '../../src/protocol/context.ts'
import { ringHash } from '../../src/protocol/view.ts'
import { answerBy, failureOf, tellNews } from './talk.ts'
import {
  bucket,
  type DeviceAnswer,
  type DeviceAsked,
  type DeviceNews,
  type DeviceOptions,
} from './words.ts'

await serve(JSON.parse(process.argv[2]!) as DeviceOptions)

async function serve({ ring, data }: DeviceOptions): Promise<void> {
  const { identity, bootstrap } = loadRingFile(ring)
  const storage = await openDisk(data)
  const seed = identitySeed(data)
  const transport = await openNodeTransport({ seed, ringHash: ringHash(identity), listen: [] })
  const edge = await startEdge({
    ringSide: openRingSide,
    ring: identity,
    identity: identityFromSeed(seed),
    transport,
    storage,
    clock: systemClock,
    random: systemRandom,
    trace: () => {},
    bootstrap,
    r: 2,
    w: 2,
  })

  answerBy<DeviceAsked, DeviceAnswer>(async (asked) => {
    if (asked.do === 'count pending') return { pending: edge.pendingWrites }
    const key = makeKey(bucket, asked.key)
    if (asked.do === 'follow') {
      await edge.follow(key)
      return {}
    }
    if (asked.do === 'read') {
      const { state } = await edge.read(key, asked.from)
      return { state, context: contextToText(key, state.seen) }
    }
    const context = contextFromText(key, asked.context)
    const value = makeValue(asked.bytes, asked.writtenAt)
    const { ack, strict } = asked
    const demands = strict ? { demands: { strict } } : {}
    const receipt = await edge.write({ key, context, value, ack, ...demands })
    // How it goes on is told after the answer, without which the write has no name yet.
    if (ack === 'device') setImmediate(() => void follow(asked.operation, receipt))
    return { context: receipt.context }
  })
}

async function follow(operation: number, receipt: Receipt): Promise<void> {
  try {
    for (const reached of ['quorum', 'everywhere'] as const) {
      await receipt.reached(reached)
      tellNews({ operation, reached } satisfies DeviceNews)
    }
  } catch (error) {
    tellNews({ operation, ...failureOf(error) } satisfies DeviceNews)
  }
}
