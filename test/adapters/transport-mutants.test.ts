/**
 * The transport contract is shown to catch what it forbids: each mutant is a transport in memory with one rule broken, and
 * the case that guards the rule must fail on it.
 */
import { describe, expect, test } from 'vitest'
import { memoryNetwork } from '../../src/adapters/memory-transport.ts'
import type { ContractCase } from '../../src/contract/case.ts'
import { transportContract } from '../../src/contract/transport.ts'
import { TransportError } from '../../src/protocol/errors.ts'
import { limits } from '../../src/protocol/limits.ts'
import type { Receiver, Transport } from '../../src/ports.ts'

const quick = { ...limits, heartbeatMs: 50, requestsInFlight: 100, messageBytes: 8 * 2 ** 20 }

type Mutate = (honest: Transport) => Partial<Transport>

/** A transport that is honest but for what `mutate` replaces. */
function mutant(honest: Transport, mutate: Mutate): Transport {
  const broken = mutate(honest)
  return new Proxy(honest, {
    get(target, name) {
      const value: unknown = Reflect.get(name in broken ? broken : target, name)
      return typeof value === 'function' ? value.bind(name in broken ? broken : target) : value
    },
  })
}

/** A receiver that hears something else than it should. */
const deaf =
  (change: (receiver: Receiver) => Partial<Receiver>): Mutate =>
  (honest) => ({
    serve: (receiver) =>
      honest.serve({
        request: (from, body) => receiver.request(from, body),
        notice: (from, body) => receiver.notice(from, body),
        up: (peer, session) => receiver.up(peer, session),
        down: (peer, session) => receiver.down(peer, session),
        ...change(receiver),
      }),
  })

const withError =
  (change: (error: TransportError) => TransportError): Mutate =>
  (honest) => ({
    request: (to, body, options) =>
      honest.request(to, body, options).catch((error: TransportError) => {
        throw change(error)
      }),
  })

const mutants: readonly [what: string, caughtBy: RegExp, mutate: Mutate][] = [
  [
    'ignores deadlines',
    /fails at its deadline/,
    (honest) => ({
      request: (to, body, options) => honest.request(to, body, { ...options, deadlineMs: 60_000 }),
    }),
  ],
  [
    'says that nothing was sent',
    /fails at its deadline/,
    withError((it) => new TransportError(it.failure, false)),
  ],
  [
    'says that everything was sent',
    /is unreachable/,
    withError((it) => new TransportError(it.failure, true)),
  ],
  [
    'calls every failure a lost link',
    /is unreachable/,
    withError((it) => new TransportError('link-lost', it.sent)),
  ],
  [
    'gives a reply to the question before',
    /each its own reply/,
    (honest) => {
      let former: Promise<Uint8Array> | undefined
      return {
        request: (to, body, options) => {
          const reply = honest.request(to, body, options)
          const given = former ?? reply
          former = reply
          reply.catch(() => {})
          return given
        },
      }
    },
  ],
  [
    'delivers requests twice',
    /no request is lost/,
    deaf((receiver) => ({
      request: (from, body) => {
        receiver.request(from, body).catch(() => {})
        return receiver.request(from, body)
      },
    })),
  ],
  [
    'delivers notices twice',
    /arrive once and in order/,
    deaf((receiver) => ({
      notice: (from, body) => {
        receiver.notice(from, body)
        receiver.notice(from, body)
      },
    })),
  ],
  [
    'lets later notices overtake long ones',
    /arrive once and in order/,
    deaf((receiver) => ({
      notice: (from, body) => {
        if (body.length < 1000) receiver.notice(from, body)
        else setTimeout(() => receiver.notice(from, body), 5)
      },
    })),
  ],
  [
    'numbers every session alike',
    /grow from link to link/,
    deaf((receiver) => ({
      up: (peer) => receiver.up(peer, 1),
      down: (peer) => receiver.down(peer, 1),
    })),
  ],
  [
    'tells of links too late',
    /before its first message/,
    deaf((receiver) => ({
      up: (peer, session) => void setTimeout(() => receiver.up(peer, session), 5),
    })),
  ],
  ['tells of no end of a link', /before its first message/, deaf(() => ({ down: () => {} }))],
  ['leaves the gate open', /a closed gate/, () => ({ setGate: () => {} })],
  [
    'never opens the gate again',
    /a closed gate/,
    (honest) => ({
      setGate: (open) => {
        if (!open) honest.setGate(false)
      },
    }),
  ],
  [
    'drops links at a closed gate, but still dials',
    /a closed gate/,
    (honest) => ({
      setGate: (open) => {
        honest.setGate(open)
        honest.setGate(true)
      },
    }),
  ],
  ['closes nothing', /close fails what waits/, () => ({ close: () => Promise.resolve() })],
  [
    'dials for a notice',
    /dials nobody/,
    (honest) => ({
      notify: (to, body, lane) => {
        honest.notify(to, body, lane)
        void honest
          .request(to, body, { lane, deadlineMs: 100 })
          .then(() => honest.notify(to, body, lane))
          .catch(() => {})
      },
    }),
  ],
  [
    'takes messages of any size',
    /above the limit is refused, and its link/,
    (honest) => ({
      request: (to, body, options) => {
        const part = body.length > quick.messageBytes ? body.subarray(0, 10) : body
        return honest.request(to, part, options)
      },
    }),
  ],
  [
    'cuts long replies short',
    /larger than a frame/,
    (honest) => ({
      request: async (to, body, options) => {
        const reply = await honest.request(to, body, options)
        return reply.length > quick.frameBytes ? reply.subarray(0, quick.frameBytes) : reply
      },
    }),
  ],
  [
    'keeps the foreground waiting behind the background',
    /keep the foreground waiting/,
    (honest) => {
      let transfers: Promise<unknown> = Promise.resolve()
      return {
        request: (to, body, options) => {
          if (options.lane === 'foreground') {
            return transfers.then(() => honest.request(to, body, options))
          }
          const slow = new Promise((resolve) => {
            setTimeout(resolve, 1200)
          })
          const reply = slow.then(() => honest.request(to, body, options))
          transfers = reply.catch(() => {})
          return reply
        },
      }
    },
  ],
  ['lists no links', /are listed/, () => ({ links: () => [] })],
]

/** A case that hangs has failed too. */
async function failureOf({ run }: ContractCase): Promise<string | undefined> {
  const hangs = new Promise<string>((resolve) => {
    setTimeout(resolve, 3000, 'it hangs')
  })
  return Promise.race([run().then(() => undefined, String), hangs])
}

function casesFor(mutate: Mutate): readonly ContractCase[] {
  const network = memoryNetwork(quick)
  let opened = 0
  const open = async () => mutant(network.open(`peer-${++opened}`), mutate)
  return transportContract({ limits: quick, open })
}

describe('the contract catches a transport that', () => {
  test.concurrent.each(mutants)('%s', async (_what, caughtBy, mutate) => {
    const cases = casesFor(mutate).filter(({ name }) => caughtBy.test(name))
    expect(cases).toHaveLength(1)
    expect(await failureOf(cases[0]!)).toBeDefined()
  })

  test('and not one that breaks nothing', async () => {
    for (const honest of casesFor(() => ({}))) expect(await failureOf(honest)).toBeUndefined()
  })
})
