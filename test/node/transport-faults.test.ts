/** What only real sockets and real processes can show: ports that are taken, peers that are killed or frozen, liars. */
import { fork, type ChildProcess } from 'node:child_process'
import { connect } from 'node:net'
import { noise } from '@chainsafe/libp2p-noise'
import { yamux } from '@chainsafe/libp2p-yamux'
import { tcp } from '@libp2p/tcp'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { openNodeTransport, type NodeTransportOptions } from '../../node/libp2p.ts'
import { utf8 } from '../../src/data/bytes.ts'
import { RingletError, TransportError } from '../../src/protocol/errors.ts'
import { limits } from '../../src/protocol/limits.ts'
import type { Transport } from '../../src/ports.ts'

const heartbeatMs = 300
const tcpAnywhere = '/ip4/127.0.0.1/tcp/0'
const opened: Transport[] = []
const children: ChildProcess[] = []

afterEach(async () => {
  for (const child of children.splice(0)) child.kill('SIGKILL')
  await Promise.all(opened.splice(0).map((it) => it.close()))
})

async function open(options: Partial<NodeTransportOptions> = {}): Promise<Transport> {
  const transport = await openNodeTransport({
    seed: crypto.getRandomValues(new Uint8Array(32)),
    ringHash: '0123456789abcdef',
    listen: [],
    limits: { ...limits, heartbeatMs },
    ...options,
  })
  opened.push(transport)
  return transport
}

/** Serves with an echo; tells its links' ups and downs. */
function serve(transport: Transport): string[] {
  const news: string[] = []
  transport.serve({
    request: (_from, body) => Promise.resolve(body),
    notice: () => {},
    up: (_peer, session) => void news.push(`up ${session}`),
    down: (_peer, session) => void news.push(`down ${session}`),
  })
  return news
}

async function peerInProcess() {
  const child = fork(new URL('./transport-child.ts', import.meta.url), [`${heartbeatMs}`], {
    execArgv: ['--no-warnings'],
  })
  children.push(child)
  const told = await new Promise<{ peer: string; addresses: string[] }>((resolve) => {
    child.once('message', (it) => resolve(it as { peer: string; addresses: string[] }))
  })
  return { child, ...told }
}

const ask = (from: Transport, to: string, deadlineMs = 20_000) =>
  from.request(to, utf8('?'), { lane: 'foreground', deadlineMs })

async function errorOf(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => 'no error',
    (error: unknown) => error,
  )
}

describe('listening', () => {
  test.each(['', '/ws'])('at a port in use (%s) says so, and what to do', async (suffix) => {
    const [taken = ''] = (await open({ listen: [tcpAnywhere + suffix] })).addresses
    const address = taken.replace(/\/p2p\/.*/, '')
    const error = await errorOf(open({ listen: [address, tcpAnywhere] }))
    expect(error).toBeInstanceOf(RingletError)
    expect(error).toMatchObject({
      code: 'port-in-use',
      message: expect.stringContaining(address),
      remedy: expect.stringMatching(/another port/),
    })
    await opened.pop()!.close()
    await open({ listen: [address] })
  })

  test('leaves no other port open when one is in use', async () => {
    const [taken = ''] = (await open({ listen: [tcpAnywhere] })).addresses
    const probe = await open({ listen: [tcpAnywhere] })
    const free = probe.addresses[0]!.replace(/\/p2p\/.*/, '')
    await probe.close()
    await errorOf(open({ listen: [free, taken.replace(/\/p2p\/.*/, '')] }))
    await open({ listen: [free] })
  })

  test.each([['no multiaddr'], ['/ip4/203.0.113.7/tcp/0']])(
    'at %s is a bad argument',
    async (address) => {
      const error = await errorOf(open({ listen: [address] }))
      expect(error).toMatchObject({ code: 'bad-argument', remedy: expect.any(String) })
    },
  )

  test('tells the addresses that were announced instead of those listened at', async () => {
    const announce = ['/dns4/ringlet.example/tcp/443/wss']
    const transport = await open({ listen: [tcpAnywhere], announce })
    expect(transport.addresses).toEqual([`${announce[0]}/p2p/${transport.self}`])
  })

  test('takes the same seed to the same peer id, in base58', async () => {
    const seed = new Uint8Array(32).fill(7)
    const [one, other] = [await open({ seed }), await open({ seed })]
    expect(one.self).toBe(other.self)
    expect(one.self).toMatch(/^12D3KooW[1-9A-HJ-NP-Za-km-z]{44}$/)
    expect(await errorOf(open({ seed: new Uint8Array(31) }))).toMatchObject({
      code: 'bad-argument',
    })
  })
})

describe('a peer in another process', () => {
  test('that is killed is found out at once', async () => {
    const transport = await open()
    const news = serve(transport)
    const { child, peer, addresses } = await peerInProcess()
    transport.learn(peer, addresses)
    await ask(transport, peer)
    child.kill('SIGKILL')
    await vi.waitFor(() => expect(news).toEqual(['up 1', 'down 1']), { timeout: 2000 })
    const error = await errorOf(ask(transport, peer))
    expect(error).toMatchObject({ failure: 'unreachable', sent: false })
  })

  test('that is stopped is dead after missed heartbeats, and back when it goes on', async () => {
    const transport = await open()
    const news = serve(transport)
    const { child, peer, addresses } = await peerInProcess()
    transport.learn(peer, addresses)
    await ask(transport, peer)
    child.kill('SIGSTOP')
    const startedAt = performance.now()
    const error = await errorOf(ask(transport, peer))
    expect(error).toMatchObject({ failure: 'link-lost', sent: true })
    expect(performance.now() - startedAt).toBeLessThan(6 * heartbeatMs)
    expect(await errorOf(ask(transport, peer, 400))).toBeInstanceOf(TransportError)
    child.kill('SIGCONT')
    await vi.waitFor(() => ask(transport, peer, 1000), { timeout: 15_000, interval: 50 })
    expect(news).toEqual(['up 1', 'down 1', 'up 2'])
    await new Promise((resolve) => {
      setTimeout(resolve, 4 * heartbeatMs)
    })
    expect(news).toHaveLength(3)
  })
})

describe('a peer that only dials, as a tab does', () => {
  test('is asked over its own link, and unreachable without', async () => {
    const member = await open({ listen: [`${tcpAnywhere}/ws`] })
    const news = serve(member)
    const edge = await open()
    serve(edge)
    expect(edge.addresses).toEqual([])
    expect(await edge.dial(member.addresses[0]!)).toBe(member.self)
    await ask(member, edge.self)
    edge.setGate(false)
    await vi.waitFor(() => expect(news).toEqual(['up 1', 'down 1']))
    expect(await errorOf(ask(member, edge.self))).toMatchObject({ failure: 'unreachable' })
    edge.setGate(true)
    await ask(edge, member.self)
    await ask(member, edge.self)
  })
})

describe('someone who breaks the rules', () => {
  const stranger = () =>
    createLibp2p({ transports: [tcp()], connectionEncrypters: [noise()], streamMuxers: [yamux()] })

  test('by malformed frames loses the link, and the peer says why', async () => {
    const problems: string[] = []
    const onProblem = (problem: string) => void problems.push(problem)
    const member = await open({ listen: [tcpAnywhere], onProblem })
    const news = serve(member)
    const liar = await stranger()
    const connection = await liar.dial(multiaddr(member.addresses[0]!))
    const lanes = ['foreground', 'background'].map((lane) => `/ringlet/1/0123456789abcdef/${lane}`)
    const streams = await Promise.all(lanes.map((it) => connection.newStream(it)))
    streams[0]!.send(Uint8Array.of(255, 255, 255, 255, 1, 2, 3))
    await vi.waitFor(() => expect(connection.status).not.toBe('open'))
    expect(problems).toEqual([expect.stringContaining('a frame above the limit')])
    expect(problems[0]).toContain(liar.peerId.toString())
    expect(news).toEqual([])
    const honest = await open()
    await honest.dial(member.addresses[0]!)
    await liar.stop()
  })

  test('by opening no stream is hung up on', async () => {
    const member = await open({ listen: [tcpAnywhere], limits: { ...limits, requestMs: 200 } })
    serve(member)
    const lurker = await stranger()
    const connection = await lurker.dial(multiaddr(member.addresses[0]!))
    await vi.waitFor(() => expect(connection.status).not.toBe('open'), { timeout: 5000 })
    await lurker.stop()
  })

  test('by not even speaking libp2p disturbs nobody', async () => {
    const member = await open({ listen: [tcpAnywhere, `${tcpAnywhere}/ws`] })
    serve(member)
    for (const address of member.addresses) {
      const port = Number(/tcp\/(\d+)/.exec(address)![1])
      const socket = connect(port, '127.0.0.1')
      socket.on('error', () => {})
      socket.write('GET / HTTP/1.1\r\n\r\n'.repeat(20))
      await new Promise((resolve) => {
        setTimeout(resolve, 50)
      })
      socket.destroy()
    }
    const honest = await open()
    for (const address of member.addresses) await honest.dial(address)
    await ask(honest, member.self)
  })
})
