/** Asking: every request gets its own reply, or says in time why there is none and whether it may have been seen. */
import { utf8 } from '../data/bytes.ts'
import { ensure, sameBytes, type ContractCase } from './case.ts'
import { fails, pattern, pause, Peer, stall, withTwo } from './transport-peers.ts'
import type { TransportSubject } from './transport-subject.ts'

export function askingCases(subject: TransportSubject): ContractCase[] {
  const { limits } = subject
  return [
    {
      name: 'a request dials the peer that was learnt, and gets its reply',
      run: () =>
        withTwo(subject, async (one, other) => {
          sameBytes(await one.ask(other, utf8('hello')), utf8('hello'), 'the reply')
          sameBytes(await one.ask(other, utf8('')), utf8(''), 'the empty reply')
        }),
    },
    {
      name: 'either side asks over the one link, whoever dialled',
      run: () =>
        withTwo(subject, async (one, other) => {
          await one.ask(other)
          sameBytes(await other.ask(one, utf8('back')), utf8('back'), 'the reply')
          ensure(one.sessions().length === 1, 'one link is enough for both')
        }),
    },
    {
      name: 'a thousand requests at once get each its own reply, in whatever order they are answered',
      run: () =>
        withTwo(subject, async (one, other) => {
          const count = Math.min(1000, limits.requestsInFlight)
          other.answer = async (body) => {
            await pause(body[0]! % 8)
            return body
          }
          const bodies = Array.from({ length: count }, (_, i) => pattern(1 + (i % 300), i * 7))
          const replies = await Promise.all(bodies.map((body) => one.ask(other, body)))
          replies.forEach((reply, i) => sameBytes(reply, bodies[i], `reply ${i}`))
        }),
    },
    {
      name: 'messages larger than a frame arrive whole, both ways, side by side',
      run: () =>
        withTwo(subject, async (one, other) => {
          const large = pattern(limits.frameBytes + 12_345)
          const small = utf8('small')
          const replies = Promise.all([
            one.ask(other, large),
            other.ask(one, large),
            one.ask(other, small),
            one.ask(other, large, { lane: 'background' }),
            one.ask(other, large),
          ])
          const wanted = [large, large, small, large, large]
          ;(await replies).forEach((reply, i) => sameBytes(reply, wanted[i], `reply ${i}`))
        }),
    },
    {
      name: 'a message above the limit is refused, and its link stays',
      run: () =>
        withTwo(subject, async (one, other) => {
          await one.ask(other)
          const tooLarge = one.ask(other, new Uint8Array(limits.messageBytes + 1))
          await fails(tooLarge, 'too-large', false, 'a message above the limit')
          await one.ask(other)
          ensure(one.sessions().length === 1, 'the link stays')
        }),
    },
    {
      name: 'a request that is not answered fails at its deadline, as sent',
      run: () =>
        withTwo(subject, async (one, other) => {
          await one.ask(other)
          stall(other)
          const startedAt = performance.now()
          await fails(one.ask(other, utf8('?'), { deadlineMs: 150 }), 'deadline', true, 'no answer')
          const tookMs = performance.now() - startedAt
          ensure(tookMs > 140 && tookMs < 2000, `150 ms took ${tookMs} ms`)
        }),
    },
    {
      name: 'a reply after the deadline is dropped, and taken for no other',
      run: () =>
        withTwo(subject, async (one, other) => {
          await one.ask(other)
          const late = stall(other)
          await fails(one.ask(other, utf8('late'), { deadlineMs: 60 }), 'deadline', true, 'late')
          other.answer = (body) => Promise.resolve(body)
          const next = one.ask(other, utf8('next'))
          late.release()
          sameBytes(await next, utf8('next'), 'the next reply')
        }),
    },
    {
      name: 'a peer without an address, or at an address where nobody is, is unreachable: not sent',
      run: () =>
        withTwo(subject, async (one, other) => {
          const gone = new Peer(await subject.open())
          await fails(one.ask(gone), 'unreachable', false, 'a peer of no known address')
          one.transport.learn(gone.id, gone.transport.addresses)
          await gone.transport.close()
          await fails(one.ask(gone), 'unreachable', false, 'a peer that is gone')
          const startedAt = performance.now()
          await fails(one.ask(gone), 'unreachable', false, 'the same again')
          ensure(
            performance.now() - startedAt < 1000,
            'who has just failed is not waited for again',
          )
          await one.ask(other)
        }),
    },
    {
      name: 'a receiver that breaks its word and rejects leaves the asker with an error, and the link alive',
      run: () =>
        withTwo(subject, async (one, other) => {
          other.answer = () => Promise.reject(new Error('a defect'))
          await fails(one.ask(other), 'link-lost', true, 'a receiver that rejects')
          other.answer = (body) => Promise.resolve(body)
          await one.ask(other)
          ensure(one.sessions().length === 1, 'the link stays')
        }),
    },
  ]
}
