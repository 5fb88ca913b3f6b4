import { describe, expect, onTestFinished, test } from 'vitest'
import { lateTransport } from '../../src/adapters/late-transport.ts'
import { memoryNetwork } from '../../src/adapters/memory-transport.ts'
import { transportContract } from '../../src/contract/transport.ts'
import { fails, Peer } from '../../src/contract/transport-peers.ts'
import { utf8 } from '../../src/data/bytes.ts'
import { limits } from '../../src/protocol/limits.ts'
import type { RequestOptions, Transport } from '../../src/ports.ts'

const quick = { ...limits, heartbeatMs: 200 }
const patient: RequestOptions = { lane: 'foreground', deadlineMs: 10_000 }

let opened = 0

/** A peer whose transport waits until it is let in, and another one that is there already. */
function lateAndEarly() {
  const network = memoryNetwork(quick)
  const early = new Peer(network.open(`early-${++opened}`))
  early.transport.serve(early)
  const self = `late-${opened}`
  const loads: PromiseWithResolvers<Transport>[] = []
  const load = (): Promise<Transport> => {
    const loading = Promise.withResolvers<Transport>()
    loads.push(loading)
    return loading.promise
  }
  const late = new Peer(lateTransport({ self, limits: { ...quick, requestsInFlight: 3 }, load }))
  late.transport.serve(late)
  onTestFinished(async () => {
    await late.transport.close()
    await early.transport.close()
  })
  const arrive = (): Transport => {
    const transport = network.open(self)
    loads.at(-1)!.resolve(transport)
    return transport
  }
  return { late, early, loads, arrive }
}

describe('a transport that has come', () => {
  const network = memoryNetwork(quick)
  const open = async (): Promise<Transport> => {
    const self = `peer-${++opened}`
    const transport = network.open(self)
    const late = lateTransport({ self, limits: quick, load: async () => transport })
    await Promise.resolve()
    return late
  }
  test.for(transportContract({ limits: quick, open }))('$name', ({ run }) => run())
})

describe('until it has come', () => {
  test('a peer has its name and no link, and tells nobody anything', () => {
    const { late, early, loads } = lateAndEarly()
    expect(loads).toHaveLength(1)
    expect(late.transport.self).toBe(late.id)
    expect([late.transport.links(), late.transport.addresses]).toEqual([[], []])
    late.transport.notify(early.id, utf8('lost'), 'foreground')
  })

  test('requests and dials wait, and what was said before counts when it comes', async () => {
    const { late, early, arrive } = lateAndEarly()
    late.transport.learn(early.id, ['memory:nowhere'])
    late.transport.learn(early.id, early.transport.addresses)
    const asking = late.ask(early, utf8('hello'))
    const dialling = late.transport.dial(early.transport.addresses[0]!)
    arrive()
    expect(await asking).toEqual(utf8('hello'))
    expect(await dialling).toBe(early.id)
    expect(late.transport.links().map(({ peer }) => peer)).toEqual([early.id])
    expect(await early.ask(late, utf8('and back'))).toEqual(utf8('and back'))
    expect(late.sessions()).toHaveLength(1)
  })

  test('a gate that was closed meanwhile lets nothing through', async () => {
    const { late, early, arrive } = lateAndEarly()
    late.transport.learn(early.id, early.transport.addresses)
    late.transport.setGate(false)
    const asking = late.ask(early)
    arrive()
    await fails(asking, 'unreachable', false, 'a request behind a closed gate')
    late.transport.setGate(true)
    expect(await late.ask(early, utf8('open'))).toEqual(utf8('open'))
  })

  test('a request waits no longer than its deadline, and no more than so many wait', async () => {
    const { late, early } = lateAndEarly()
    const soon = { ...patient, deadlineMs: 20 }
    const waiting = [1, 2, 3].map(() => late.transport.request(early.id, utf8('?'), soon))
    const failing = waiting.map((each) => fails(each, 'deadline', false, 'a request that waited'))
    await fails(late.ask(early), 'overloaded', false, 'the fourth')
    await Promise.all(failing)
  })

  test('a request has what is left of its time when the code comes', async () => {
    const { late, early, arrive } = lateAndEarly()
    late.transport.learn(early.id, early.transport.addresses)
    early.answer = () => new Promise(() => {})
    const startedAt = performance.now()
    const asking = late.ask(early, utf8('?'), { deadlineMs: 300 })
    setTimeout(arrive, 150)
    await fails(asking, 'deadline', true, 'a request that is not answered')
    expect(performance.now() - startedAt).toBeGreaterThan(290)
    expect(early.requests).toBe(1)
  })

  test('code that did not come is fetched again by the next request', async () => {
    const { late, early, loads, arrive } = lateAndEarly()
    late.transport.learn(early.id, early.transport.addresses)
    const asking = late.ask(early)
    loads[0]!.reject(new TypeError('Failed to fetch'))
    await fails(asking, 'unreachable', false, 'a request without the code')
    const again = late.ask(early, utf8('again'))
    expect(loads).toHaveLength(2)
    arrive()
    expect(await again).toEqual(utf8('again'))
  })

  test('closing does not wait, and what comes afterwards is closed at once', async () => {
    const { late, early, arrive } = lateAndEarly()
    late.transport.learn(early.id, early.transport.addresses)
    const asking = late.ask(early)
    await late.transport.close()
    await fails(late.ask(early), 'closed', false, 'a request after closing')
    const transport = arrive()
    await fails(asking, 'closed', false, 'a request that waited')
    await fails(transport.request(early.id, utf8('?'), patient), 'closed', false, 'what came')
  })
})
