/**
 * Ports that are not as promised: a storage or a transport with some of its methods replaced, and messages changed on
 * their way out or in, as a build would send or understand them that had the defect.
 */
import type { Bytes } from '../../data/bytes.ts'
import {
  decodeReply,
  decodeRequest,
  encodeReply,
  encodeRequest,
  type Reply,
  type Request,
} from '../../protocol/message.ts'
import { decodeObject, keyOfStored, type Shelf, shelfRange } from '../../protocol/record.ts'
import type { ActorId } from '../../data/vector.ts'
import type { Receiver, RequestOptions, Storage, Transport, Write } from '../../ports.ts'

/** The same object with some of its methods replaced. */
export function wrap<T extends object>(inner: T, changed: Partial<T>): T {
  return new Proxy(inner, {
    get: (target, name) => {
      const own: unknown = Reflect.get(changed, name)
      if (own !== undefined) return own
      const value: unknown = Reflect.get(target, name, target)
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
}

export interface Tampering {
  /** What is sent in place of a request; a reply, and nothing is sent at all. */
  ask?(request: Request): Request | Reply
  /** What is understood of a reply. */
  hear?(reply: Reply, request: Request): Reply
  /** What is understood when there is none. */
  miss?(request: Request): Reply | undefined
  /** What is answered at once; the request is then served behind it (`after`), or not at all. */
  serve?(request: Request): { readonly reply: Reply; readonly after: boolean } | undefined
  /** What is understood of a request. */
  take?(request: Request): Request
  /** What is answered to it. */
  tell?(reply: Reply, request: Request): Reply
}

/** A build whose messages are changed so. */
export function tampering(how: Tampering): (transport: Transport) => Transport {
  return (transport) => tamper(transport, how)
}

function tamper(transport: Transport, tampering: Tampering): Transport {
  const { ask, hear, miss } = tampering
  const request = async (to: string, body: Bytes, options: RequestOptions): Promise<Bytes> => {
    const meant = decodeRequest(body)
    const sent = ask?.(meant) ?? meant
    if (isReply(sent)) return encodeReply(sent)
    const encoded = sent === meant ? body : encodeRequest(sent)
    try {
      const answer = await transport.request(to, encoded, options)
      return hear === undefined ? answer : encodeReply(hear(decodeReply(answer), meant))
    } catch (error) {
      const reply = miss?.(meant)
      if (reply === undefined) throw error
      return encodeReply(reply)
    }
  }
  const serving = (receiver: Receiver): void => transport.serve(serveAs(receiver, tampering))
  return wrap(transport, { request, serve: serving })
}

function serveAs(receiver: Receiver, { serve, take, tell }: Tampering): Receiver {
  const answer: Receiver['request'] = async (from, body) => {
    const asked = decodeRequest(body)
    const early = serve?.(asked)
    if (early === undefined) {
      const taken = take?.(asked) ?? asked
      const reply = await receiver.request(from, taken === asked ? body : encodeRequest(taken))
      return tell === undefined ? reply : encodeReply(tell(decodeReply(reply), asked))
    }
    if (early.after) void receiver.request(from, body.slice())
    return encodeReply(early.reply)
  }
  return wrap(receiver, { request: answer })
}

/** Whether a record of this kind is stored under this key. */
export function isOn(shelf: Shelf, storedKey: Bytes): boolean {
  return storedKey[0] === shelfRange(shelf).from[0]
}

/** Under whom the next write is minted, by this record: nobody, if it is none. */
export function minterIn(storedKey: Bytes, value: Bytes | undefined): ActorId | undefined {
  if (!isOn('object', storedKey) || value === undefined) return undefined
  try {
    return decodeObject(keyOfStored(storedKey), value).minter
  } catch {
    return undefined
  }
}

/** Changes what is written, on its way to the disk; `all` is what is written in the same step. */
export function rewriting(
  storage: Storage,
  change: (write: Write, all: readonly Write[]) => Write[],
): Storage {
  return wrap(storage, {
    update: (keys, decide, durability) =>
      storage.update(
        keys,
        (current) => {
          const { writes, result } = decide(current)
          return { writes: writes.flatMap((write) => change(write, writes)), result }
        },
        durability,
      ),
  })
}

/** Changes what is read, on its way from the disk. */
export function rereading(
  storage: Storage,
  change: (key: Bytes, value: Bytes) => Bytes | undefined,
): Storage {
  const read = (key: Bytes, value: Bytes | undefined): Bytes | undefined =>
    value === undefined ? undefined : change(key, value)
  return wrap(storage, {
    get: async (key) => read(key, await storage.get(key)),
    getMany: async (keys) => (await storage.getMany(keys)).map((value, i) => read(keys[i]!, value)),
    range: async (from, to, limit) =>
      (await storage.range(from, to, limit)).flatMap(({ key, value }) => {
        const changed = read(key, value)
        return changed === undefined ? [] : [{ key, value: changed }]
      }),
    update: (keys, decide, durability) =>
      storage.update(
        keys,
        (current) => decide(current.map((value, i) => read(keys[i]!, value))),
        durability,
      ),
  })
}

export function refusal(): Reply {
  return {
    type: 'refused',
    code: 'overloaded',
    message: 'this build does not do that',
    outcome: 'refused',
    remedy: undefined,
    needed: 0,
    got: 0,
    answers: [],
  }
}

/** Requests and replies share some names, so a reply is known by what only replies are called. */
function isReply(message: Request | Reply): message is Reply {
  return replies.has(message.type)
}

const replies: ReadonlySet<string> = new Set([
  'stored',
  'written',
  'covered',
  'taken',
  'exchanged',
  'done',
  'refused',
])
