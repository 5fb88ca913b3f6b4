import { beforeEach, describe, expect, test } from 'vitest'
import { utf8 } from '../../src/data/bytes.ts'
import type { PeerId } from '../../src/protocol/membership.ts'
import type { Receiver } from '../../src/ports.ts'
import { Life } from '../../src/simulation/life.ts'
import { addressOf, Network } from '../../src/simulation/network.ts'
import { seededRandom } from '../../src/simulation/random.ts'
import { Scheduler } from '../../src/simulation/scheduler.ts'
import { SimulatedTransport } from '../../src/simulation/transport.ts'
import { networkSettings } from '../../src/simulation/weather.ts'

interface Seat {
  life: Life
  transport: SimulatedTransport
  heard: string[]
}

let scheduler: Scheduler
let network: Network
let seats: Map<PeerId, Seat>

/** A process of `peer` that answers each request with its echo. */
function start(peer: PeerId, receiver: Partial<Receiver> = {}): Seat {
  const life = new Life(scheduler)
  const transport = new SimulatedTransport(network, peer, life)
  const heard: string[] = []
  const text = (body: Uint8Array): string => new TextDecoder().decode(body)
  for (const other of ['a', 'b', 'c']) transport.learn(other, [addressOf(other)])
  transport.serve({
    request: (from, body) => {
      heard.push(`${from} asks ${text(body)}`)
      return Promise.resolve(utf8(`echo ${text(body)}`))
    },
    notice: (from, body) => heard.push(`${from} says ${text(body)}`),
    up: (other, session) => heard.push(`up ${other} ${session}`),
    down: (other, session) => heard.push(`down ${other} ${session}`),
    ...receiver,
  })
  const seat = { life, transport, heard }
  seats.set(peer, seat)
  return seat
}

/** What becomes of a request of five seconds: its reply or its failure. */
function ask(from: Seat, to: PeerId, body = 'hello', deadlineMs = 5000): { outcome: string } {
  const asked = { outcome: 'pending' }
  from.transport.request(to, utf8(body), { lane: 'foreground', deadlineMs }).then(
    (reply) => (asked.outcome = new TextDecoder().decode(reply)),
    (error) => (asked.outcome = `${error.failure} ${error.sent ? 'sent' : 'not sent'}`),
  )
  return asked
}

beforeEach(() => {
  scheduler = new Scheduler()
  const settings = { ...networkSettings, spikes: 0 }
  network = new Network(scheduler, seededRandom('network test'), () => {}, settings)
  seats = new Map()
})

describe('a healthy network', () => {
  test('a request dials, is answered, and both sides hear of one link', async () => {
    const [a, b] = [start('a'), start('b')]
    const [first, second] = [ask(a, 'b', 'one'), ask(b, 'a', 'two')]
    await scheduler.run(500)
    expect([first.outcome, second.outcome]).toEqual(['echo one', 'echo two'])
    expect(a.heard.filter((line) => line.startsWith('up'))).toEqual(['up b 1'])
    expect(a.transport.links()).toMatchObject([{ peer: 'b', session: 1, roundTripMs: undefined }])
    await scheduler.run(5000)
    expect(a.transport.links()[0]!.roundTripMs).toBeGreaterThan(0)
  })

  test('a bootstrap address is dialled without knowing who lives there', async () => {
    const [a, b] = [start('a'), start('b')]
    let reached = ''
    void a.transport.dial(addressOf('b')).then((peer) => (reached = peer))
    await scheduler.run(200)
    expect(reached).toBe('b')
    expect(b.heard).toEqual(['up a 1'])
  })

  test('what waits before a process serves is delivered once it does', async () => {
    const a = start('a')
    const transport = new SimulatedTransport(network, 'b', new Life(scheduler))
    const asked = ask(a, 'b')
    await scheduler.run(500)
    expect(asked.outcome).toBe('pending')
    const ups: string[] = []
    transport.serve({
      request: (_, body) => Promise.resolve(body),
      notice: () => {},
      up: (peer) => ups.push(peer),
      down: () => {},
    })
    await scheduler.run(1000)
    expect([asked.outcome, ups]).toEqual(['hello', ['a']])
  })

  test('of two processes of one name each takes the link from the other, who hears of it', async () => {
    const [first, other] = [start('a'), start('b')]
    const second = start('a')
    ask(first, 'b')
    await scheduler.run(500)
    const asked = ask(second, 'b', 'from a copy')
    await scheduler.run(1000)
    expect(asked.outcome).toBe('echo from a copy')
    expect(first.heard).toEqual(['up b 1', 'down b 1'])
    expect(other.heard.filter((line) => !line.includes('asks'))).toEqual([
      'up a 1',
      'down a 1',
      'up a 2',
    ])
    expect(ask(first, 'b').outcome).toBe('pending')
    await scheduler.run(2000)
    expect(second.heard.at(-1)).toBe('down b 1')
    expect(first.heard.at(-1)).toBe('up b 2')
  })

  test('two processes share no bytes', async () => {
    let kept: Uint8Array = utf8('')
    start('b', {
      request: (_, body) => {
        kept = body
        return Promise.resolve(body)
      },
    })
    const a = start('a')
    const body = utf8('mine')
    const reply = a.transport.request('b', body, { lane: 'foreground', deadlineMs: 1000 })
    body.fill(0)
    await scheduler.run(500)
    kept.fill(1)
    expect(new TextDecoder().decode(await reply)).toBe('mine')
  })

  test('an unknown peer, a dead one and an endless answer each fail with their own word', async () => {
    const a = start('a')
    const nobody = ask(a, 'x')
    const dead = ask(a, 'b')
    start('c', { request: () => new Promise(() => {}) })
    const slow = ask(a, 'c', 'hello', 700)
    await scheduler.run(699)
    expect(nobody.outcome).toBe('unreachable not sent')
    expect(dead.outcome).toBe('unreachable not sent')
    await scheduler.run(701)
    expect(slow.outcome).toBe('deadline sent')
  })

  test('a receiver that rejects is an offence of the run, not a crash of the simulator', async () => {
    const a = start('a')
    start('b', { request: () => Promise.reject(new Error('no')) })
    ask(a, 'b')
    await scheduler.run(500)
    expect(network.offences).toEqual(['b rejected a request: Error: no'])
  })
})

describe('a sick network', () => {
  test('a lost message meets its deadline; a notice just vanishes', async () => {
    const [a, b] = [start('a'), start('b')]
    ask(a, 'b')
    await scheduler.run(500)
    network.weather.loss = 1
    const asked = ask(a, 'b', 'lost', 1000)
    a.transport.notify('b', utf8('lost'), 'background')
    await scheduler.run(2000)
    expect(asked.outcome).toBe('deadline sent')
    expect(b.heard).toEqual(['up a 1', 'a asks hello'])
    expect(network.weather.hits.lost).toBe(2)
  })

  test('a duplicated request is served twice and answered once', async () => {
    const [a, b] = [start('a'), start('b')]
    network.weather.duplication = 1
    const asked = ask(a, 'b')
    await scheduler.run(500)
    a.transport.notify('b', utf8('again'), 'foreground')
    await scheduler.run(1000)
    expect(asked.outcome).toBe('echo hello')
    expect(b.heard.filter((line) => line === 'a asks hello')).toHaveLength(2)
    expect(b.heard.filter((line) => line === 'a says again')).toHaveLength(2)
  })

  test('a request that is turned away is served by none of its copies', async () => {
    let doors = 0
    const [a, b] = [start('a'), start('b', { refuses: () => ++doors === 1 })]
    network.weather.duplication = 1
    const asked = ask(a, 'b')
    await scheduler.run(1000)
    expect(asked.outcome).toBe('overloaded not sent')
    expect(b.heard.filter((line) => line === 'a asks hello')).toEqual([])
  })

  test('messages overtake each other', async () => {
    const [a, b] = [start('a'), start('b')]
    ask(a, 'b')
    await scheduler.run(500)
    for (let i = 10; i < 40; i++) a.transport.notify('b', utf8(String(i)), 'foreground')
    await scheduler.run(1500)
    const order = b.heard.filter((line) => line.startsWith('a says'))
    expect(order).toHaveLength(30)
    expect(order).not.toEqual(order.toSorted())
  })

  test('a cut way holds messages back, and a heal before detection brings them in one late burst', async () => {
    const [a, b] = [start('a'), start('b')]
    ask(a, 'b')
    await scheduler.run(500)
    const heal = network.cut((from, to) => from === 'a' && to === 'b')
    const late = ask(a, 'b', 'late')
    const there = ask(b, 'a', 'the other way is open, but its answer waits')
    await scheduler.run(2500)
    expect([late.outcome, there.outcome]).toEqual(['pending', 'pending'])
    expect(a.heard).toContain('b asks the other way is open, but its answer waits')
    heal()
    await scheduler.run(2600)
    expect(late.outcome).toBe('echo late')
    expect(there.outcome).toMatch(/^echo/)
    expect(b.heard).not.toContain('down a 1')
    expect(network.weather.hits.late).toBe(2)
  })

  test('a link that stays silent goes down on both ends, and a new one has a new session', async () => {
    const [a, b] = [start('a'), start('b')]
    ask(a, 'b')
    await scheduler.run(500)
    const heal = network.cut((from) => from === 'a')
    const lost = ask(a, 'b', 'lost', 20_000)
    await scheduler.run(10_000)
    expect(lost.outcome).toBe('link-lost sent')
    expect(a.heard).toContain('down b 1')
    expect(b.heard).toContain('down a 1')
    const dialled = ask(a, 'b', 'still cut', 20_000)
    await scheduler.run(14_000)
    expect(dialled.outcome).toBe('unreachable not sent')
    heal()
    const again = ask(a, 'b', 'healed')
    await scheduler.run(15_000)
    expect(again.outcome).toBe('echo healed')
    expect(b.heard).toContain('up a 2')
    expect(b.heard).not.toContain('a asks lost')
  })

  test('a slow peer is only slow', async () => {
    const a = start('a')
    start('b')
    ask(a, 'b')
    await scheduler.run(500)
    const mend = network.weather.slow((from, to) => (from === 'b' || to === 'b' ? 400 : 0))
    const asked = ask(a, 'b')
    await scheduler.run(1200)
    expect(asked.outcome).toBe('pending')
    await scheduler.run(1700)
    expect(asked.outcome).toBe('echo hello')
    mend()
    expect(network.weather.hits.slowed).toBe(2)
  })

  test('a reset breaks a link at once, on both sides', async () => {
    const [a, b] = [start('a'), start('b')]
    ask(a, 'b')
    await scheduler.run(500)
    const asked = ask(a, 'b')
    network.reset('a', 'b')
    await scheduler.run(501)
    expect(asked.outcome).toBe('link-lost sent')
    expect([a.heard.at(-1), b.heard.at(-1)]).toEqual(['down b 1', 'down a 1'])
  })
})

describe('processes that die', () => {
  test('a killed process is hung up on soon; one without power is missed by its heartbeat', async () => {
    const [a, b] = [start('a'), start('b')]
    ask(a, 'b')
    await scheduler.run(500)
    b.life.end()
    network.vanish(seats.get('b')!.transport, false)
    await scheduler.run(1000)
    expect(a.heard.at(-1)).toBe('down b 1')

    start('b')
    ask(a, 'b')
    await scheduler.run(1500)
    seats.get('b')!.life.end()
    network.vanish(seats.get('b')!.transport, true)
    await scheduler.run(4000)
    expect(a.heard.at(-1)).toBe('up b 2')
    await scheduler.run(10_000)
    expect(a.heard.at(-1)).toBe('down b 2')
  })

  test('a dead process hears nothing, and no promise of it settles', async () => {
    const [a, b] = [start('a'), start('b')]
    ask(a, 'b')
    await scheduler.run(500)
    const [mine, theirs] = [ask(b, 'a'), ask(a, 'b')]
    b.life.end()
    network.vanish(seats.get('b')!.transport, false)
    await scheduler.run(20_000)
    expect(mine.outcome).toBe('pending')
    expect(theirs.outcome).toBe('link-lost sent')
    expect(b.heard).toEqual(['up a 1', 'a asks hello'])
  })

  test('a closed gate drops every link and refuses new ones, in both directions', async () => {
    const [a, b] = [start('a'), start('b')]
    ask(a, 'b')
    await scheduler.run(500)
    a.transport.setGate(false)
    await scheduler.run(1000)
    expect(b.heard.at(-1)).toBe('down a 1')
    const [out, back] = [ask(a, 'b'), ask(b, 'a')]
    await scheduler.run(2000)
    expect([out.outcome, back.outcome]).toEqual(['unreachable not sent', 'unreachable not sent'])
    a.transport.setGate(true)
    const open = ask(b, 'a')
    await scheduler.run(3000)
    expect(open.outcome).toBe('echo hello')
  })
})
