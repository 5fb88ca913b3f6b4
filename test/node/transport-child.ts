/** A peer in a process of its own: answers with what it was asked, and ends with its parent. */
import { openNodeTransport } from '../../node/libp2p.ts'
import { limits } from '../../src/protocol/limits.ts'

const [heartbeatMs] = process.argv.slice(2).map(Number)
const transport = await openNodeTransport({
  seed: crypto.getRandomValues(new Uint8Array(32)),
  ringHash: '0123456789abcdef',
  listen: ['/ip4/127.0.0.1/tcp/0'],
  limits: { ...limits, heartbeatMs: heartbeatMs! },
})
transport.serve({
  request: (_from, body) => Promise.resolve(body),
  notice: () => {},
  up: () => {},
  down: () => {},
})
process.on('disconnect', () => process.exit())
process.send!({ peer: transport.self, addresses: transport.addresses })
