/** Links: they come on demand, one a pair, are numbered, and take with them what was on its way when they go. */
import { ensure, sameBytes, sameList, type ContractCase } from './case.ts'
import { utf8, type Bytes } from '../data/bytes.ts'
import { eventually, fails, introduce, Peer, stall, withTwo } from './transport-peers.ts'
import type { TransportSubject } from './transport-subject.ts'

export function linkingCases(subject: TransportSubject): ContractCase[] {
  return [
    {
      name: 'a dialled address tells who is there, and a bad one that nobody is',
      run: () =>
        withTwo(subject, async (one, other) => {
          const stranger = new Peer(await subject.open())
          const [address = ''] = other.transport.addresses
          const answered = await stranger.transport.dial(address)
          ensure(answered === other.id, `${answered} answered`)
          ensure((await stranger.transport.dial(address)) === other.id, 'the same again')
          ensure(stranger.transport.links().length === 1, 'one link is enough')
          await fails(one.transport.dial('nowhere at all'), 'unreachable', false, 'no address')
          await stranger.transport.close()
        }),
    },
    {
      name: 'a link is told before its first message and after its last, by one session',
      run: () =>
        withTwo(subject, async (one, other) => {
          await one.ask(other)
          other.transport.setGate(false)
          await eventually(() => one.news.length === 2, 'the asker hears of the end')
          const [session] = one.sessions()
          sameList(one.news, [`up ${session}`, `down ${session}`], 'what the asker hears')
          const [theirs] = other.sessions()
          const news = [`up ${theirs}`, 'request', `down ${theirs}`]
          await eventually(() => other.news.length === 3, 'the asked hears of the end')
          sameList(other.news, news, 'what the asked hears')
        }),
    },
    {
      name: 'a peer may ask at the moment it hears of a link, and is answered',
      run: () =>
        withTwo(subject, async (one, other) => {
          const answers: Promise<unknown>[] = []
          other.linked = () => void answers.push(other.ask(one, utf8('at once')))
          await one.ask(other)
          sameBytes((await Promise.all(answers))[0] as Bytes, utf8('at once'), 'the reply')
        }),
    },
    {
      name: 'a lost link fails what waits for a reply at once, as sent',
      run: () =>
        withTwo(subject, async (one, other) => {
          await one.ask(other)
          stall(other)
          const pending = [one.ask(other), one.ask(other, utf8('b'), { lane: 'background' })]
          await eventually(() => other.requests === 3, 'the requests arrive')
          const startedAt = performance.now()
          other.transport.setGate(false)
          for (const each of pending) await fails(each, 'link-lost', true, 'a lost link')
          ensure(performance.now() - startedAt < 2000, 'at once, not at the deadline')
        }),
    },
    {
      name: 'sessions with a peer grow from link to link, on both sides',
      run: () =>
        withTwo(subject, async (one, other) => {
          for (let round = 1; round <= 4; round++) {
            const [asker, asked] = round % 2 === 0 ? [one, other] : [other, one]
            await asker.ask(asked)
            one.transport.setGate(false)
            await eventually(() => other.transport.links().length === 0, 'the other side hears')
            one.transport.setGate(true)
          }
          for (const { news } of [one, other]) {
            const sessions = news.filter((it) => it.startsWith('up')).map((it) => it.slice(3))
            const growing = sessions.every(
              (it, i) => i === 0 || Number(it) > Number(sessions[i - 1]),
            )
            ensure(sessions.length === 4 && growing, `sessions ${sessions.join(', ')}`)
          }
        }),
    },
    {
      name: 'the links that stand are listed, with a round trip after a heartbeat',
      run: () =>
        withTwo(subject, async (one, other) => {
          sameList(one.transport.links(), [], 'no links at first')
          await one.ask(other)
          const link = () => one.transport.links()[0]
          ensure(link()?.peer === other.id, 'the link names its peer')
          ensure(link()?.session === one.sessions()[0], 'and the session that was told')
          ensure((link()?.address ?? '') !== '', 'and an address')
          await eventually(() => link()?.roundTripMs !== undefined, 'a round trip is measured')
          ensure(link()!.roundTripMs! < 5000, `a round trip of ${link()!.roundTripMs} ms`)
        }),
    },
    {
      name: 'when both dial at once one link is left, and no request is lost',
      run: () =>
        withTwo(subject, async (one, other) => {
          for (let round = 0; round < 12; round++) {
            const bodies = [utf8(`one ${round}`), utf8(`other ${round}`)] as const
            const askers = [one.ask(other, bodies[0]), other.ask(one, bodies[1])] as const
            sameBytes(await askers[0], bodies[0], 'the reply to one')
            sameBytes(await askers[1], bodies[1], 'the reply to the other')
            await eventually(() => stands(one, other) && stands(other, one), 'one link stands')
            one.transport.setGate(false)
            await eventually(() => other.transport.links().length === 0, 'the other side hears')
            one.transport.setGate(true)
          }
          ensure(one.requests === 12 && other.requests === 12, 'each request was seen once')
        }),
    },
    {
      name: 'many who ask at once while there is no link share one dial',
      run: () =>
        withTwo(subject, async (one, other) => {
          await Promise.all(Array.from({ length: 50 }, () => one.ask(other)))
          ensure(other.sessions().length === 1, `${other.sessions().length} links were made`)
        }),
    },
    ...(subject.openElsewhere === undefined ? [] : [wrongRing(subject)]),
  ]
}

function stands(one: Peer, other: Peer): boolean {
  const links = one.transport.links()
  return links.length === 1 && links[0]!.peer === other.id
}

function wrongRing(subject: TransportSubject): ContractCase {
  return {
    name: 'a peer of another ring is refused, and the error says so',
    run: () =>
      withTwo(subject, async (one) => {
        const foreign = new Peer(await subject.openElsewhere!())
        foreign.transport.serve(foreign)
        introduce(one, foreign)
        introduce(foreign, one)
        const [address = ''] = foreign.transport.addresses
        await fails(one.transport.dial(address), 'wrong-ring', false, 'a dial')
        await fails(one.ask(foreign), 'wrong-ring', false, 'a request')
        await fails(foreign.ask(one), 'wrong-ring', false, 'the other way')
        sameList(foreign.news, [], 'what the foreign peer hears')
        await foreign.transport.close()
      }),
  }
}
