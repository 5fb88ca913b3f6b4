/** What flows: notices in order, a bounded load, a background that gives way, and ends that leave nothing hanging. */
import { utf8 } from '../data/bytes.ts'
import { TransportError } from '../protocol/errors.ts'
import { ensure, rejection, sameBytes, sameList, type ContractCase } from './case.ts'
import { eventually, fails, introduce, pattern, Peer, stall, withTwo } from './transport-peers.ts'
import type { TransportSubject } from './transport-subject.ts'

export function flowCases(subject: TransportSubject): ContractCase[] {
  return [...noticeCases(subject), ...loadCases(subject), ...endCases(subject)]
}

function noticeCases(subject: TransportSubject): ContractCase[] {
  const { limits } = subject
  return [
    {
      name: 'notices of one lane arrive once and in order, long ones among them',
      run: () =>
        withTwo(subject, async (one, other) => {
          await one.ask(other)
          const lengths = [3, limits.flushBytes * 3, 5, 0, limits.flushBytes * 2, 7, 1]
          const sent = lengths.map((length, i) => pattern(length, i))
          for (const body of sent) one.transport.notify(other.id, body, 'foreground')
          await eventually(() => other.notices.length >= sent.length, 'they arrive')
          await one.ask(other)
          ensure(other.notices.length === sent.length, `${other.notices.length} arrived`)
          other.notices.forEach((body, i) => sameBytes(body, sent[i], `notice ${i}`))
        }),
    },
    {
      name: 'a notice without a link is dropped, and dials nobody',
      run: () =>
        withTwo(subject, async (one, other) => {
          one.transport.notify(other.id, utf8('lost'), 'foreground')
          await one.ask(other)
          one.transport.notify(other.id, utf8('found'), 'background')
          await eventually(() => other.notices.length > 0, 'the second arrives')
          sameBytes(other.notices[0], utf8('found'), 'what arrives')
        }),
    },
    {
      name: 'what arrives before a peer serves waits for it',
      async run() {
        const [one, other] = [new Peer(await subject.open()), new Peer(await subject.open())]
        one.transport.serve(one)
        introduce(one, other)
        const reply = one.ask(other, utf8('early'))
        await eventually(() => one.transport.links().length === 1, 'the link stands')
        sameList(other.news, [], 'nothing is told before')
        other.transport.serve(other)
        sameBytes(await reply, utf8('early'), 'the reply')
        sameList(other.news, [`up ${other.sessions()[0]}`, 'request'], 'what is told then')
        await Promise.all([one.transport.close(), other.transport.close()])
      },
    },
  ]
}

function loadCases(subject: TransportSubject): ContractCase[] {
  const { limits } = subject
  return [
    {
      name: 'above the limit in flight a request is refused at once, as not sent, and the others are answered',
      run: () =>
        withTwo(subject, async (one, other) => {
          await one.ask(other)
          const { release } = stall(other)
          const within = Array.from({ length: limits.requestsInFlight }, () => one.ask(other))
          await fails(one.ask(other), 'overloaded', false, 'one too many')
          release()
          await Promise.all(within)
          await one.ask(other)
        }),
    },
    {
      name: 'what the receiver has no room for is refused as not sent, and not handed over',
      run: () =>
        withTwo(subject, async (one, other) => {
          other.isFull = ([first]) => first === 1
          await fails(one.ask(other, Uint8Array.of(1, 2)), 'overloaded', false, 'no room for it')
          ensure(other.requests === 0, 'nothing was handed over')
          sameBytes(await one.ask(other, Uint8Array.of(2)), Uint8Array.of(2), 'the other one')
        }),
    },
    {
      name: 'the background does not keep the foreground waiting',
      run: () =>
        withTwo(subject, async (one, other) => {
          await one.ask(other)
          let isTransferring = true
          const body = pattern(limits.frameBytes)
          const transfers = Array.from({ length: 8 }, () =>
            one.ask(other, body, { lane: 'background' }),
          )
          const transfer = Promise.all(transfers).then(() => (isTransferring = false))
          let during = 0
          for (; isTransferring; during++) {
            const startedAt = performance.now()
            await one.ask(other, utf8('urgent'))
            const tookMs = performance.now() - startedAt
            ensure(tookMs < 2000, `a request took ${tookMs} ms beside a transfer`)
          }
          await transfer
          ensure(during >= 2, `${during} requests were answered during the transfer`)
        }),
    },
    {
      name: 'a link that carries a large transfer is not taken for dead',
      run: () =>
        withTwo(subject, async (one, other) => {
          await one.ask(other)
          const body = pattern(limits.frameBytes)
          const until = performance.now() + 4 * limits.heartbeatMs
          while (performance.now() < until) {
            await Promise.all([one.ask(other, body), one.ask(other, body, { lane: 'background' })])
          }
          ensure(one.sessions().length === 1, 'the link stood throughout')
        }),
    },
  ]
}

function endCases(subject: TransportSubject): ContractCase[] {
  return [
    {
      name: 'a closed gate refuses both ways, and an open one lets through again',
      run: () =>
        withTwo(subject, async (one, other) => {
          await one.ask(other)
          one.transport.setGate(false)
          sameList(one.transport.links(), [], 'links behind a closed gate')
          await eventually(() => other.transport.links().length === 0, 'the other side hears')
          await fails(one.ask(other), 'unreachable', false, 'out through a closed gate')
          const inwards = await rejection(
            other.ask(one, utf8('?'), { deadlineMs: 1000 }),
            'in through a closed gate',
          )
          ensure(inwards instanceof TransportError && !inwards.sent, `inwards: ${String(inwards)}`)
          ensure(one.requests === 0, 'nothing came in')
          one.transport.setGate(true)
          await one.ask(other)
          await other.ask(one)
        }),
    },
    {
      name: 'close fails what waits, refuses what comes after, and is heard on the other side',
      run: () =>
        withTwo(subject, async (one, other) => {
          await one.ask(other)
          stall(other)
          const pending = one.ask(other)
          await eventually(() => other.requests === 2, 'the request arrives')
          const closed = one.transport.close()
          await fails(pending, 'closed', true, 'what waited')
          await closed
          await one.transport.close()
          await fails(one.ask(other), 'closed', false, 'a request after close')
          one.transport.notify(other.id, utf8('late'), 'foreground')
          await eventually(() => other.transport.links().length === 0, 'the other side hears')
        }),
    },
  ]
}
