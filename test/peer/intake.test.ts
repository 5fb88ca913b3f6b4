/** A member begins so much at one time, and refuses the rest at once, in words. */
import { describe, expect, it, onTestFinished } from 'vitest'
import { makeKey } from '../../src/data/key.ts'
import { makeValue } from '../../src/data/siblings.ts'
import { nothingSeen } from '../../src/data/vector.ts'
import { peerOfEdge } from '../../src/peer/application.ts'
import { Intake } from '../../src/peer/intake.ts'
import { TransportError } from '../../src/protocol/errors.ts'
import { decodeRequest, encodeRequest, type Request } from '../../src/protocol/message.ts'
import { type TestMember, quick, testRing, until } from './ring.ts'

const few = { ...quick, requestsUnderWay: 2, ownUnderWay: 20, underWayBytes: 1000 }
const key = makeKey('n', 'k')
const get = encodeRequest({ type: 'get', key, r: 2 })

function put(length: number, direct = false): Uint8Array {
  return encodeRequest({ ...putOf(length), type: 'put', direct })
}

function putOf(length: number): Omit<Extract<Request, { type: 'put' }>, 'type' | 'direct'> {
  const value = makeValue(new Uint8Array(length), 1)
  const request = crypto.getRandomValues(new Uint8Array(16))
  return { key, request, context: nothingSeen, value, w: 2, origin: undefined }
}

/** Work that ends when told to. */
function work() {
  const { promise, resolve } = Promise.withResolvers<string>()
  return { run: () => promise, end: () => resolve('done') }
}

describe('an intake', () => {
  it('has room again for each that ends, well or not', async () => {
    const intake = new Intake(few)
    const one = work()
    const other = work()
    const first = intake.serve(get, false, one.run)
    const second = intake.serve(get, false, () =>
      other.run().then(() => Promise.reject(new Error('no'))),
    )
    expect(intake.refuses(get, false)).toBe(true)
    one.end()
    await first
    expect(intake.refuses(get, false)).toBe(false)
    other.end()
    await expect(second).rejects.toThrow('no')
    expect(intake).toMatchObject({ underWay: 0, refused: 1 })
  })

  it('bounds what the requests weigh, but takes one that comes alone', () => {
    const intake = new Intake(few)
    expect(intake.refuses(put(5000), false)).toBe(false)
    void intake.serve(put(600), false, work().run)
    expect(intake.refuses(put(600), false)).toBe(true)
    expect(intake.refuses(put(50), false)).toBe(false)
  })

  it('takes from members, however full, what is half of a request that was admitted', () => {
    const intake = new Intake(few)
    for (let i = 0; i < 2; i++) void intake.serve(get, false, work().run)
    const read = encodeRequest({ type: 'read', key, have: undefined })
    const ping = encodeRequest({ type: 'ping' })
    for (const body of [read, ping, get]) expect(intake.refuses(body, true)).toBe(false)
    // A whole write that another member could not coordinate: that is more work, not the other half.
    expect(intake.refuses(put(10, true), true)).toBe(true)
    expect(intake.refuses(ping, false)).toBe(false)
    expect(intake.refuses(new Uint8Array([99, 99]), false)).toBe(false)
  })

  it('begins fewer while its process comes round late, never none, and as many again later', () => {
    const intake = new Intake({ ...quick, requestsUnderWay: 512, ownerMs: 1000 })
    for (let i = 0; i < 10; i++) intake.cameRound(200)
    expect(intake.most).toBe(512)
    for (let i = 0; i < 3; i++) intake.cameRound(400)
    expect(intake.most).toBe(175)
    for (let i = 0; i < 175; i++) void intake.serve(get, false, work().run)
    expect(intake.refuses(get, false)).toBe(true)
    for (let i = 0; i < 30; i++) intake.cameRound(400)
    expect(intake.most).toBe(32)
    for (let i = 0; i < 30; i++) intake.cameRound(0)
    expect(intake.most).toBe(512)
    expect(intake.refuses(get, false)).toBe(false)
  })

  it('that may begin only a few at any time begins as many however late', () => {
    const intake = new Intake(few)
    for (let i = 0; i < 9; i++) intake.cameRound(5000)
    expect(intake.most).toBe(few.requestsUnderWay)
  })

  it('refuses this process’s own application in the same words', async () => {
    const intake = new Intake(few)
    // Of which there may be more: it is no crowd.
    for (let i = 0; i < few.ownUnderWay; i++) void intake.admit(work().run)
    await expect(intake.admit(work().run)).rejects.toMatchObject({
      code: 'overloaded',
      outcome: 'refused',
      remedy: expect.stringMatching(/a second/),
    })
  })
})

describe('a ring whose disks have stopped', () => {
  it('refuses at once what is too much, says so, and takes all when they go on', async () => {
    const ring = await testRing(few).start(3)
    const edge = await ring.startEdge(1, undefined, { limits: few })
    await until('linked', () => edge.world.transport.links().length === 3)
    const { transport } = edge.world
    const goOn = ring.members.map(stopDisk)
    const options = { lane: 'foreground', deadlineMs: 10_000 } as const
    const taken = ring.members.flatMap(({ member }) => {
      return [1, 2].map(() => transport.request(member.id, put(10, true), options))
    })
    const full = (): boolean =>
      ring.members.every(({ member: { intake } }) => intake.underWay === 2)
    await until('all is taken that may be', full)
    const refusedAt = performance.now()
    for (const { member } of ring.members) {
      const refusal = { failure: 'overloaded', sent: false }
      await expect(transport.request(member.id, put(10, true), options)).rejects.toMatchObject(
        refusal,
      )
    }
    const asked: string[] = []
    const request = transport.request.bind(transport)
    transport.request = (to, body, how) => {
      if (decodeRequest(body).type === 'get') asked.push(to)
      return request(to, body, how)
    }
    const peer = peerOfEdge(edge, { r: 2, w: 2, warnings: [], close: async () => {} })
    await expect(peer.bucket('n').get('k')).rejects.toMatchObject({
      code: 'overloaded',
      outcome: 'refused',
      remedy: expect.stringMatching(/a second/),
    })
    // A crowd that asked all of them would be three crowds.
    expect(asked).toHaveLength(2)
    // Long before any deadline.
    expect(performance.now() - refusedAt).toBeLessThan(quick.requestMs / 2)
    for (const each of goOn) each()
    await Promise.allSettled(taken)
    const calm = (): boolean =>
      ring.members.every(({ member: { intake } }) => intake.underWay === 0)
    await until('all is done', calm)
    await until('it serves again', async () => {
      const read = await peer
        .bucket('n')
        .get('k')
        .catch(() => undefined)
      return read?.found === true
    })
  })
})

describe('one member that is full', () => {
  it('is asked after the others for a while', async () => {
    const ring = await testRing(few).start(3)
    const edge = await ring.startEdge(1, undefined, { limits: few })
    await until('linked', () => edge.world.transport.links().length === 3)
    const { transport, links } = edge.world
    const [full, ...others] = ring.members.map(({ member }) => member.id)
    for (const peer of others) links.answered(peer, 50)
    const goOn = stopDisk(ring.members[0]!)
    const options = { lane: 'foreground', deadlineMs: 10_000 } as const
    const taken = Promise.allSettled(
      [1, 2].map(() => transport.request(full!, put(10, true), options)),
    )
    const { intake } = ring.members[0]!.member
    await until('it is full', () => intake.underWay === 2)
    const asked: string[] = []
    const request = transport.request.bind(transport)
    transport.request = (to, body, how) => {
      if (decodeRequest(body).type === 'get') asked.push(to)
      return request(to, body, how)
    }
    const notes = peerOfEdge(edge, { r: 2, w: 2, warnings: [], close: async () => {} }).bucket('n')
    for (let i = 0; i < 3; i++) await notes.get('k')
    expect(asked[0]).toBe(full)
    expect(asked.slice(1)).not.toContain(full)
    goOn()
    await taken
  })
})

describe('a tab whose delivery is turned away', () => {
  it('rests for a time of its own, or all tabs would come back at once', async () => {
    const ring = await testRing(few).start(3)
    const edge = await ring.startEdge(1, undefined, { limits: few })
    await until('linked', () => edge.world.transport.links().length === 3)
    const { random } = edge.world
    const { fraction } = random
    random.fraction = () => 0.99
    onTestFinished(() => {
      random.fraction = fraction
    })
    const { transport } = edge.world
    const times: number[] = []
    const request = transport.request.bind(transport)
    transport.request = (to, body, how) => {
      if (decodeRequest(body).type !== 'deliver') return request(to, body, how)
      times.push(performance.now())
      return Promise.reject(new TransportError('overloaded', false))
    }
    const notes = peerOfEdge(edge, { r: 2, w: 2, warnings: [], close: async () => {} }).bucket('n')
    await notes.follow('k')
    await notes.put('k', 1, { ack: 'device' })
    // Two members are asked each time.
    await until('it has come back thrice', () => times.length >= 8, 20_000)
    const rests = [2, 4, 6].map((i) => times[i]! - times[i - 1]!)
    for (const [i, restMs] of [250, 500, 1000].entries()) {
      expect(rests[i]).toBeGreaterThan(1.4 * restMs)
    }
  }, 30_000)
})

/** Its writes are taken, and end when the function that is returned is called. */
function stopDisk({ member }: TestMember): () => void {
  const { storage } = member.world
  const { promise, resolve } = Promise.withResolvers<void>()
  const update = storage.update.bind(storage)
  storage.update = async (...asked) => {
    await promise
    return update(...asked)
  }
  return () => {
    storage.update = update
    resolve()
  }
}
