import { describe, expect, onTestFinished, test } from 'vitest'
import { LateTransport } from '../../src/adapters/late-transport.ts'
import { memoryNetwork } from '../../src/adapters/memory-transport.ts'
import { transportContract } from '../../src/contract/transport.ts'
import { fails, Peer } from '../../src/contract/transport-peers.ts'
import { utf8 } from '../../src/data/bytes.ts'
import { limits } from '../../src/protocol/limits.ts'
import type { RequestOptions, Transport } from '../../src/ports.ts'

const quick = { ...limits, heartbeatMs: 200 }
const patient: RequestOptions = { lane: 'foreground', deadlineMs: 10_000 }

let opened = 0

/** A peer whose transport has not come yet, and another one that is there already. */
function lateAndEarly() {
  const network = memoryNetwork(quick)
  const early = new Peer(network.open(`early-${++opened}`))
  early.transport.serve(early)
  const transport = new LateTransport(`late-${opened}`)
  const late = new Peer(transport)
  transport.serve(late)
  transport.learn(early.id, ['memory:nowhere'])
  transport.learn(early.id, early.transport.addresses)
  onTestFinished(async () => {
    await transport.close()
    await early.transport.close()
  })
  const arrive = async (): Promise<Transport> => {
    const arrived = network.open(transport.self)
    await transport.arrive(arrived)
    return arrived
  }
  return { late, early, arrive }
}

describe('a transport that has come', () => {
  const network = memoryNetwork(quick)
  const open = async (): Promise<Transport> => {
    const late = new LateTransport(`peer-${++opened}`)
    await late.arrive(network.open(late.self))
    return late
  }
  test.for(transportContract({ limits: quick, open }))('$name', ({ run }) => run())
})

describe('until it has come', () => {
  test('a peer has its name and no link, and reaches nobody', async () => {
    const { late, early } = lateAndEarly()
    expect(late.transport.self).toBe(late.id)
    expect([late.transport.links(), late.transport.addresses]).toEqual([[], []])
    late.transport.notify(early.id, utf8('lost'), 'foreground')
    await fails(late.ask(early), 'unreachable', false, 'a request')
    const [address = ''] = early.transport.addresses
    await fails(late.transport.dial(address), 'unreachable', false, 'a dial')
  })

  test('what is said counts when it comes', async () => {
    const { late, early, arrive } = lateAndEarly()
    await arrive()
    expect(await late.ask(early, utf8('hello'))).toEqual(utf8('hello'))
    expect(await early.ask(late, utf8('and back'))).toEqual(utf8('and back'))
    expect(late.sessions()).toHaveLength(1)
  })

  test('a gate that is closed meanwhile lets nothing through', async () => {
    const { late, early, arrive } = lateAndEarly()
    late.transport.setGate(false)
    await arrive()
    await fails(late.ask(early), 'unreachable', false, 'a request behind a closed gate')
    late.transport.setGate(true)
    expect(await late.ask(early, utf8('open'))).toEqual(utf8('open'))
  })

  test('closing does not wait, and what comes afterwards is closed too', async () => {
    const { late, early, arrive } = lateAndEarly()
    await late.transport.close()
    await fails(late.ask(early), 'closed', false, 'a request after closing')
    const arrived = await arrive()
    await fails(arrived.request(early.id, utf8('?'), patient), 'closed', false, 'what came')
  })
})
