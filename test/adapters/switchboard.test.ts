import { afterEach, describe, expect, test, vi } from 'vitest'
import { TransportError } from '../../src/protocol/errors.ts'
import type { RequestOptions } from '../../src/ports.ts'
import type { Switchboard } from '../../src/adapters/switchboard.ts'
import { utf8 } from '../../src/data/bytes.ts'
import { FakeNetwork, pause } from './wires.ts'

const patient: RequestOptions = { lane: 'foreground', deadlineMs: 4000 }
const networks: FakeNetwork[] = []

function network(limits: ConstructorParameters<typeof FakeNetwork>[0] = {}): FakeNetwork {
  const made = new FakeNetwork({ heartbeatMs: 10_000, ...limits })
  networks.push(made)
  return made
}

afterEach(async () => {
  for (const { boards } of networks.splice(0)) {
    for (const board of boards.values()) await board.close()
  }
})

/** A peer that echoes, and the news it heard of its links. */
function peer(at: FakeNetwork, name: string, knows: readonly string[] = []) {
  const board = at.open(name)
  const news: string[] = []
  const seen: string[] = []
  board.serve({
    request: async (_from, body) => {
      seen.push(new TextDecoder().decode(body))
      return body
    },
    notice: () => {},
    up: (who, session) => void news.push(`up ${who} ${session}`),
    down: (who, session) => void news.push(`down ${who} ${session}`),
  })
  for (const other of knows) board.learn(other, [`@${other}`])
  return { board, news, seen }
}

async function failureOf(promise: Promise<unknown>): Promise<string> {
  const error = await promise.then(
    () => 'no failure',
    (it: unknown) => it,
  )
  if (!(error instanceof TransportError)) throw new Error(`not a TransportError: ${String(error)}`)
  return `${error.failure}, ${error.sent ? 'sent' : 'not sent'}: ${error.message}`
}

const verb = (news: string) => news.split(' ')[0]

const ask = (board: Switchboard, to: string, text = '?', options = patient) =>
  board.request(to, utf8(text), options)

describe('when two dial each other at the same time', () => {
  /** Delays that put the two hellos into every order: during connecting, on the way, after a welcome. */
  const delays = [0, 0, 1, 3, 6, 10, 15]
  const schedules = Array.from({ length: 40 }, (_, seed) => {
    const draw = (salt: number) => delays[(seed * 7 + salt * (seed + 3)) % delays.length]!
    return [seed, draw(1), draw(2), draw(3), draw(4), draw(5)] as const
  })

  test.each(schedules)(
    'schedule %i (%i %i %i %i %i): one link is left, and each request is answered once',
    async (_seed, connectAB, connectBA, travelAB, travelBA, headStart) => {
      const at = network()
      at.connectMs = (from) => (from === 'a' ? connectAB : connectBA)
      at.travelMs = (from) => (from === 'a' ? travelAB : travelBA)
      const a = peer(at, 'a', ['b'])
      const b = peer(at, 'b', ['a'])
      const fromA = ask(a.board, 'b', 'from a')
      await pause(headStart)
      const fromB = ask(b.board, 'a', 'from b')
      await Promise.all([fromA, fromB])
      await pause(40)
      expect([a.board.links().length, b.board.links().length]).toEqual([1, 1])
      expect([a.seen, b.seen]).toEqual([['from b'], ['from a']])
      expect([a.news.length, b.news.length]).toEqual([1, 1])
      await Promise.all([ask(a.board, 'b'), ask(b.board, 'a')])
      expect(at.problems).toEqual([])
    },
  )

  test('and the smaller’s own dial gets nowhere, the larger’s, which waited, becomes the link', async () => {
    const at = network({ heartbeatMs: 100 })
    at.travelMs = (from) => (from === 'a' ? 20 : 0)
    const a = peer(at, 'a', ['b'])
    const b = peer(at, 'b', ['a'])
    const fromA = ask(a.board, 'b', 'from a')
    await vi.waitFor(() => expect(at.dials).toHaveLength(1), { interval: 1 })
    // The hello of a never arrives.
    at.dials[0]!.cable.cut()
    const fromB = ask(b.board, 'a', 'from b')
    await Promise.all([fromA, fromB])
    expect(a.seen).toEqual(['from b'])
    expect(b.seen).toEqual(['from a'])
  })
})

describe('a link that died unnoticed on one side', () => {
  test.each(['a', 'b'])(
    'is replaced when %s, who dialled it, lost it and dials again',
    async (it) => {
      const at = network()
      const [dialler, other] = it === 'a' ? ['a', 'b'] : ['b', 'a']
      const one = peer(at, dialler!, [other!])
      const two = peer(at, other!)
      await ask(one.board, other!)
      at.dials[0]!.cable.cut()
      one.board.setGate(false)
      one.board.setGate(true)
      expect(two.board.links()).toHaveLength(1)
      await ask(one.board, other!)
      expect(two.news).toEqual([`up ${dialler} 1`, `down ${dialler} 1`, `up ${dialler} 2`])
    },
  )

  test.each(['a', 'b'])(
    'is replaced when %s, who was dialled, lost it and dials back',
    async (it) => {
      const at = network()
      const [dialled, dialler] = it === 'a' ? ['a', 'b'] : ['b', 'a']
      const one = peer(at, dialled!, [dialler!])
      const two = peer(at, dialler!, [dialled!])
      await ask(two.board, dialled!)
      at.dials[0]!.cable.cut()
      one.board.setGate(false)
      one.board.setGate(true)
      await ask(one.board, dialler!)
      expect(two.news).toEqual([`up ${dialled} 1`, `down ${dialled} 1`, `up ${dialled} 2`])
      await ask(two.board, dialled!)
    },
  )

  test.each(['a', 'b'])('is replaced when %s comes back as a new run', async (it) => {
    const at = network()
    const [old, other] = it === 'a' ? ['a', 'b'] : ['b', 'a']
    const former = peer(at, old!)
    const two = peer(at, other!, [old!])
    await ask(two.board, old!)
    at.dials[0]!.cable.cut()
    await former.board.close()
    const next = peer(at, old!, [other!])
    await ask(next.board, other!)
    expect(two.news).toEqual([`up ${old} 1`, `down ${old} 1`, `up ${old} 2`])
  })

  test.each(['foreground', 'background'] as const)(
    'in the %s before anyone listened is told as what it was: no link, or a beginning and an end',
    async (lane) => {
      const at = network()
      at.whenOpened = ({ near }) => near[lane].close()
      const a = peer(at, 'a', ['b'])
      const b = peer(at, 'b')
      expect(await failureOf(ask(a.board, 'b'))).toMatch(/not sent/)
      await pause(20)
      for (const { news } of [a, b]) expect(['', 'up,down']).toContain(news.map(verb).join())
      at.whenOpened = () => {}
      a.board.learn('b', ['@b', '@b'])
      await ask(a.board, 'b')
    },
  )

  test('is found out by its silence, and requests fail as sent', async () => {
    const at = network({ heartbeatMs: 30 })
    const a = peer(at, 'a', ['b'])
    peer(at, 'b')
    await ask(a.board, 'b')
    await pause(150)
    expect(a.news).toEqual(['up b 1'])
    expect(a.board.links()[0]!.roundTripMs).toBeLessThan(1000)
    at.dials[0]!.cable.cut()
    const startedAt = performance.now()
    expect(await failureOf(ask(a.board, 'b'))).toMatch(/^link-lost, sent: .*silent/)
    expect(performance.now() - startedAt).toBeLessThan(1000)
    expect(a.news).toEqual(['up b 1', 'down b 1'])
  })

  test('brings nothing late: what arrives after its end is not looked at', async () => {
    const at = network()
    const a = peer(at, 'a', ['b'])
    const b = peer(at, 'b')
    await ask(a.board, 'b')
    at.travelMs = () => 0
    for (const wire of at.dials[0]!.cable.ends) wire.delayMs = 30
    const late = failureOf(ask(a.board, 'b', 'late'))
    await pause(10)
    b.board.setGate(false)
    await pause(60)
    expect(b.seen).toEqual(['?'])
    a.board.setGate(false)
    expect(await late).toMatch(/^link-lost, sent/)
  })
})

describe('dialling', () => {
  test('a peer that has just failed is not dialled again for a moment, unless it has moved', async () => {
    const at = network({ probeMs: 200 })
    const a = peer(at, 'a', ['b'])
    let connects = 0
    at.connectMs = () => ((connects += 1), 0)
    expect(await failureOf(ask(a.board, 'b'))).toMatch(/^unreachable, not sent/)
    expect(await failureOf(ask(a.board, 'b'))).toMatch(/^unreachable, not sent/)
    expect(connects).toBe(1)
    await pause(120)
    expect(await failureOf(ask(a.board, 'b'))).toMatch(/^unreachable/)
    expect(connects).toBe(2)
    a.board.learn('b', ['@elsewhere'])
    expect(await failureOf(ask(a.board, 'b'))).toMatch(/^unreachable/)
    expect(connects).toBe(3)
  })

  test('a request gives up at its deadline while the dial goes on, as not sent', async () => {
    const at = network()
    at.connectMs = () => 100
    const a = peer(at, 'a', ['b'])
    const b = peer(at, 'b')
    const hasty = ask(a.board, 'b', 'hasty', { ...patient, deadlineMs: 30 })
    expect(await failureOf(hasty)).toMatch(/^deadline, not sent/)
    await ask(a.board, 'b', 'patient')
    expect(b.seen).toEqual(['patient'])
    expect(at.dials).toHaveLength(1)
  })

  test('a bare address and a name that lead to one peer end in one link', async () => {
    const at = network()
    at.connectMs = () => 5
    const a = peer(at, 'a', ['b'])
    const b = peer(at, 'b')
    const [dialled] = await Promise.all([a.board.dial('?b'), ask(a.board, 'b'), a.board.dial('@b')])
    expect(dialled).toBe('b')
    await pause(20)
    expect(b.board.links()).toHaveLength(1)
    expect([a.news, b.news]).toEqual([['up b 1'], ['up a 1']])
    expect(at.dials.length).toBeGreaterThan(1)
    expect(at.unclosed.size).toBe(1)
  })

  test('an inbound link serves the requests that wait for a dial which hangs', async () => {
    const at = network()
    at.connectMs = (from) => (from === 'a' ? 2000 : 0)
    const a = peer(at, 'a', ['b'])
    const b = peer(at, 'b', ['a'])
    const waiting = ask(a.board, 'b', 'waited')
    await pause(10)
    await ask(b.board, 'a')
    await waiting
    expect(b.seen).toEqual(['waited'])
  })

  test('a gate that closes during a dial ends it at once', async () => {
    const at = network()
    at.connectMs = () => 2000
    const a = peer(at, 'a', ['b'])
    const waiting = failureOf(ask(a.board, 'b'))
    await pause(5)
    a.board.setGate(false)
    expect(await waiting).toMatch(/^unreachable, not sent: the gate/)
    at.connectMs = () => 0
    peer(at, 'b')
    a.board.setGate(true)
    await ask(a.board, 'b')
  })

  test('one cannot dial oneself', async () => {
    const a = peer(network(), 'a', ['a'])
    expect(await failureOf(ask(a.board, 'a'))).toMatch(/^unreachable, not sent/)
  })

  test('visitors are forgotten, peers with an address are not', async () => {
    const at = network({ members: 2, edgesPerMember: 2, heartbeatMs: 20 })
    const a = peer(at, 'a', ['z'])
    for (let i = 0; i < 20; i++) {
      const visitor = peer(at, `visitor ${i}`, ['a'])
      await ask(visitor.board, 'a')
      await visitor.board.close()
    }
    peer(at, 'z')
    await pause(60)
    await ask(a.board, 'z')
    expect(a.board.links().map((it) => it.peer)).toEqual(['z'])
  })
})

describe('a peer that breaks the rules', () => {
  const malformed = Uint8Array.of(0, 0, 0, 1, 1)

  test('is cut off with a trace, and may come again', async () => {
    const at = network()
    const a = peer(at, 'a', ['b'])
    const b = peer(at, 'b')
    await ask(a.board, 'b')
    at.dials[0]!.cable.near.foreground.send(malformed)
    await vi.waitFor(() => expect(b.news).toEqual(['up a 1', 'down a 1']))
    expect(at.problems).toEqual([expect.stringMatching(/link with a is closed: it sent malformed/)])
    await vi.waitFor(() => expect(a.board.links()).toEqual([]))
    await ask(a.board, 'b')
  })

  test('by nonsense in place of a greeting has no link', async () => {
    const at = network()
    const b = peer(at, 'b')
    const connection = await at.connect('a', ['@b'])
    const { foreground } = await connection.open(new AbortController().signal)
    foreground.send(Uint8Array.of(0, 0, 0, 6, 0, 0, 0, 0, 0, 77))
    await vi.waitFor(() => expect(at.problems).toHaveLength(1))
    expect(b.news).toEqual([])
  })

  test('by a request before any greeting is not served', async () => {
    const at = network()
    const b = peer(at, 'b')
    const connection = await at.connect('a', ['@b'])
    const { foreground } = await connection.open(new AbortController().signal)
    foreground.send(Uint8Array.of(0, 0, 0, 6, 1, 0, 0, 0, 1, 77))
    await vi.waitFor(() => expect(at.problems).toHaveLength(1))
    expect(b.seen).toEqual([])
  })

  test('by silence after connecting is dropped', async () => {
    const at = network({ heartbeatMs: 20 })
    peer(at, 'b')
    const connection = await at.connect('a', ['@b'])
    const { foreground } = await connection.open(new AbortController().signal)
    const closed = vi.fn<(reason: string) => void>()
    foreground.listen({ received: () => {}, drained: () => {}, closed })
    await vi.waitFor(() => expect(closed).toHaveBeenCalled())
  })

  test('a receiver that throws at news of links breaks nothing', async () => {
    const at = network()
    const a = at.open('a')
    const broken = () => {
      throw new Error('a defect')
    }
    a.serve({ request: broken, notice: broken, up: broken, down: broken })
    const b = peer(at, 'b', ['a'])
    expect(await failureOf(ask(b.board, 'a'))).toMatch(/^link-lost, sent/)
    b.board.notify('a', utf8('?'), 'foreground')
    await vi.waitFor(() => expect(at.problems.length).toBeGreaterThanOrEqual(2))
    expect(b.board.links()).toHaveLength(1)
  })
})
