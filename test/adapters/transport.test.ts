import { describe, test } from 'vitest'
import { memoryNetwork } from '../../src/adapters/memory-transport.ts'
import { transportContract } from '../../src/contract/transport.ts'
import { limits } from '../../src/protocol/limits.ts'

describe('a transport in memory', () => {
  const quick = { ...limits, heartbeatMs: 100 }
  const network = memoryNetwork(quick)
  let opened = 0
  const open = async () => network.open(`peer-${++opened}`)
  test.for(transportContract({ limits: quick, open }))('$name', ({ run }) => run())
})
