/**
 * The bare pipeline: what the parts can do when nothing is promised, as the ceiling to measure the real thing against.
 *
 * Three processes on one machine. A put is synced here, sent to two replicas, and done when one of them has synced it; a
 * get reads here and asks one replica. No vectors, no codec, no membership.
 */
import { join } from 'node:path'
import { multiaddr } from '@multiformats/multiaddr'
import { BareChannel, protocol, startBarePeer } from './bare-channel.ts'
import { getType, keyBytes, putType } from './bare-replica.ts'
import { openBareStore } from './bare-store.ts'
import { forkUntil } from './children.ts'
import type { Contestant } from './measure.ts'

const replica = join(import.meta.dirname, 'bare-replica.ts')

export async function startBare(folder: string, value: Uint8Array): Promise<Contestant> {
  const store = await openBareStore(join(folder, 'bare-0.db'))
  const peer = await startBarePeer()
  const children = await Promise.all(
    [1, 2].map((i) => forkUntil<{ address: string }>(replica, [join(folder, `bare-${i}.db`)])),
  )
  const channels: BareChannel[] = []
  for (const { news } of children) {
    channels.push(new BareChannel(await peer.dialProtocol(multiaddr(news.address), protocol)))
  }
  return {
    put: async (i) => {
      const key = keyOf(i)
      const body = new Uint8Array(keyBytes + value.length)
      body.set(key)
      body.set(value, keyBytes)
      await store.put(key, value)
      await Promise.race(channels.map((channel) => channel.request(putType, body)))
    },
    get: async (i) => {
      const key = keyOf(i)
      store.get(key)
      await channels[i & 1]!.request(getType, key)
    },
    close: async () => {
      for (const { child } of children) child.disconnect()
      await peer.stop()
      await store.close()
    },
  }
}

function keyOf(i: number): Uint8Array {
  const key = new Uint8Array(keyBytes)
  new DataView(key.buffer).setUint32(0, i)
  return key
}
