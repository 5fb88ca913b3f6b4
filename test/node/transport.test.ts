import { describe, test } from 'vitest'
import { openNodeTransport } from '../../node/libp2p.ts'
import { transportContract } from '../../src/contract/transport.ts'
import { limits } from '../../src/protocol/limits.ts'

const quick = { ...limits, heartbeatMs: 500 }

describe.each([
  ['TCP', '/ip4/127.0.0.1/tcp/0'],
  ['WebSockets', '/ip4/127.0.0.1/tcp/0/ws'],
])('libp2p over %s', (_name, listen) => {
  const openIn = (ringHash: string) =>
    openNodeTransport({
      seed: crypto.getRandomValues(new Uint8Array(32)),
      ringHash,
      listen: [listen],
      limits: quick,
    })
  const cases = transportContract({
    limits: quick,
    open: () => openIn('0123456789abcdef'),
    openElsewhere: () => openIn('fedcba9876543210'),
  })
  test.for(cases)('$name', ({ run }) => run())
})
