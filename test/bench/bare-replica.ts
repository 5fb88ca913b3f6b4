/**
 * A replica of the bare pipeline, in a process of its own: stores what it is sent, and shows what it has.
 */
import { BareChannel, protocol, startBarePeer } from './bare-channel.ts'
import { openBareStore } from './bare-store.ts'

export const putType = 1
export const getType = 2
export const keyBytes = 16

const path = process.argv[2]
if (path !== undefined && process.send !== undefined) await serve(path)

async function serve(storePath: string): Promise<void> {
  const store = await openBareStore(storePath)
  const peer = await startBarePeer()
  await peer.handle(protocol, (stream) => {
    void new BareChannel(stream, async (type, body, reply) => {
      const key = body.slice(0, keyBytes)
      if (type === getType) return reply(store.get(key))
      await store.put(key, body.slice(keyBytes))
      reply()
    })
  })
  process.on('disconnect', () => process.exit())
  process.send!({ address: peer.getMultiaddrs()[0]!.toString() })
}
