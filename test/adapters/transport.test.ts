import { describe, test } from 'vitest'
import { memoryNetwork } from '../../src/adapters/memory-transport.ts'
import { transportContract } from '../../src/contract/transport.ts'
import { limits } from '../../src/protocol/limits.ts'
import { FakeNetwork } from './wires.ts'

const quick = { ...limits, heartbeatMs: 200 }

describe('a transport in memory', () => {
  const network = memoryNetwork(quick)
  let opened = 0
  const open = async () => network.open(`peer-${++opened}`)
  test.for(transportContract({ limits: quick, open }))('$name', ({ run }) => run())
})

describe('a switchboard over wires that a test holds', () => {
  const network = new FakeNetwork(quick)
  let opened = 0
  const open = async () => network.open(`peer-${++opened}`)
  test.for(transportContract({ limits: quick, open }))('$name', ({ run }) => run())
})
