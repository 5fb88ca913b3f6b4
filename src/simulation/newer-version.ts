/**
 * A later version of Ringlet among peers of this one, as it may be by the rules of the wire: it says more than they know.
 *
 * Its messages have fields behind those that are known here, and so has the record in which it states itself; now and
 * then it sends messages of kinds that are not known here, or of a later wire version. What is known must be understood
 * all the same, what is signed must stay whole, and what is not known is refused in words: the link stands.
 */
import { type Bytes, concat, utf8 } from '../data/bytes.ts'
import { decodeReply, wireVersion } from '../protocol/message.ts'
import { signRecord } from '../protocol/membership.ts'
import type { MemberRules } from '../protocol/member-rules.ts'
import type { Lane, Receiver, Transport } from '../ports.ts'
import type { SeededRandom } from './random.ts'
import { wrap } from './mutants/wrap.ts'

/** No tag of this version is nearly as high. */
const unknownTags = [200, 255] as const
const trailer = utf8('and what a later version says')
/** So often a message is followed by one that nobody here knows. */
const strangeness = 0.03

/** What a later version has met, and what was done to it that may not be. */
export interface Encounters {
  /** Unknown requests that were refused as such. */
  refused: number
  /** What else came of one. */
  readonly offences: string[]
}

/** The same transport as a later version uses it. */
export function speakNewer(
  transport: Transport,
  random: SeededRandom,
  encounters: Encounters,
): Transport {
  const longer = (body: Bytes): Bytes =>
    concat(body, random.bytes(1 + random.whole(20)), random.chance(0.1) ? trailer : utf8(''))
  const strange = (): Bytes =>
    random.chance(0.3)
      ? concat(Uint8Array.of(wireVersion + 1), random.bytes(random.whole(30)))
      : concat(
          Uint8Array.of(wireVersion, random.between(...unknownTags)),
          random.bytes(random.whole(30)),
        )
  const probe = (to: string, lane: Lane): void => {
    if (!random.chance(strangeness)) return
    if (random.chance(0.5)) return transport.notify(to, strange(), lane)
    transport.request(to, strange(), { lane, deadlineMs: 5000 }).then(
      (reply) => note(to, reply, encounters),
      // A cut, a crash, a deadline: nothing to do with what was asked.
      () => {},
    )
  }
  const served = (receiver: Receiver): Receiver =>
    wrap(receiver, {
      request: async (from, body) => longer(await receiver.request(from, body)),
    })
  return wrap(transport, {
    request: (to, body, options) => {
      probe(to, options.lane)
      return transport.request(to, longer(body), options)
    },
    notify: (to, body, lane) => transport.notify(to, longer(body), lane),
    serve: (receiver) => transport.serve(served(receiver)),
  })
}

/** Its own record has a field more than is known here. */
export const newerRules: Pick<MemberRules, 'signRecord'> = {
  signRecord: (identity, ring, record) => {
    let signed = signRecord(identity, ring, record).signed
    const head = statementHead
    const sign = (statement: Bytes): Bytes => {
      const before = statement.subarray(0, statement.length - signed.length)
      signed = concat(signed, head)
      return identity.sign(concat(before, signed))
    }
    const { signature } = signRecord({ ...identity, sign }, ring, record)
    return { record, signed, signature }
  },
}

const statementHead = utf8('a field that is not known here')

function note(to: string, reply: Bytes, encounters: Encounters): void {
  const answer = decodeReply(reply)
  const code = answer.type === 'refused' ? answer.code : answer.type
  // An edge serves nobody, and one that starts or ends refuses before it reads.
  if (code === 'not-understood') encounters.refused++
  else if (code !== 'not-admitted' && code !== 'closed' && code !== 'identity-in-use') {
    encounters.offences.push(`${to} answers what it cannot know with ${code}`)
  }
}
