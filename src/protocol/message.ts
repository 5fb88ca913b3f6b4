/**
 * Everything that peers say to each other: this file is the wire's specification.
 *
 * A message is a version byte, a tag and its fields in the order below. Tags are never reused; fields are only ever
 * added at the end, where an older peer ignores them. A request gets one reply; a notice gets none. A request of a kind
 * or version that the receiver does not know is refused as `not-understood`, which is no verdict on it.
 */
import { type Bytes, Reader, Writer } from '../data/bytes.ts'
import { digestLength } from '../data/hash.ts'
import {
  boolean,
  bytes,
  type Codec,
  type Decoded,
  fixed,
  late,
  list,
  NotUnderstoodError,
  oneOf,
  optional,
  seldom,
  struct,
  text,
  union,
  varint,
} from './codec.ts'
import { signedRecord, signedRecords } from './membership.ts'
import { actor, dot, key, seen, state, value } from './state.ts'

export const wireVersion = 1

const digest = fixed(digestLength)
/** 128 random bits that name one request of one origin. */
const requestId = fixed(16)
export const stored = struct({ key, state })
/** In a strict request: the digest of the lists of the key's owners, as the asker's view has them. */
const lists = late(optional(digest), undefined)
/**
 * Whether the answerer counts as one that holds the key, whether its lists are those of the question, and whether its
 * store is known to have lost nothing.
 */
const standing = {
  ready: late(boolean, true),
  agrees: late(boolean, false),
  whole: late(boolean, true),
}
/** What else a write asks for: `pw` answers of owners, `dw` of durable members, strictness. */
const writeDemands = { pw: late(varint, 0), dw: late(varint, 0), strict: late(boolean, false) }
/** And whether all but one of those who take it may keep it in a buffer at first. */
const bufferedDemand = { buffered: late(boolean, false) }
/** The life of a member's process, and how often it has begun anew in that to count what it sends. */
export const sessionCodec = struct({ life: fixed(8), number: varint })
/** In what one member sends another that may carry something written: late copies of an old session are discarded. */
const sent = { session: late(optional(sessionCodec), undefined) }

export const request = union({
  /** Store this state as a replica; `insteadOf` names the owner that the receiver stands in for. */
  replicate: [
    1,
    struct({
      key,
      state,
      minter: optional(actor),
      insteadOf: optional(text),
      lists,
      ...sent,
      /** `durable`: one that is buffered elsewhere is synced here before it is answered. */
      keeping: late(oneOf('synced', 'buffered', 'durable'), 'synced'),
    }),
  ],
  /** What do you hold of this key? `have` is the asker's digest. */
  read: [2, struct({ key, have: optional(digest), lists })],
  /**
   * Coordinate this put. `direct`: coordinate it yourself, pass it on to nobody. `origin`: whose request it is, where a
   * member passes it on.
   */
  put: [
    3,
    struct({
      key,
      request: requestId,
      context: seen,
      value,
      w: varint,
      direct: boolean,
      origin: optional(text),
      ...writeDemands,
      ...sent,
      ...bufferedDemand,
    }),
  ],
  /** Coordinate this get of R answers, `pr` of them from owners. */
  get: [4, struct({ key, r: varint, pr: late(varint, 0), strict: late(boolean, false) })],
  /**
   * Coordinate a write that an edge has minted. `seed` shows that the dot's generation is the sender's own; `attempt` is
   * drawn for each sending of it.
   */
  deliver: [
    5,
    struct({
      key,
      dot,
      context: seen,
      value,
      origin: text,
      seed: fixed(16),
      w: varint,
      direct: boolean,
      ...writeDemands,
      attempt: late(varint, 0),
      ...sent,
      ...bufferedDemand,
    }),
  ],
  /** Which owners cover this dot durably? `direct`: only you yourself. */
  covers: [6, struct({ key, dot, direct: boolean })],
  /** Batches of states for owners: a debt paid, a repair. What the receiver does not own it does not take. */
  handoff: [7, struct({ items: list(stored), ...sent })],
  /** Anti-entropy: the folds of these partitions' digests, in as many parts. */
  folds: [8, struct({ from: varint, to: varint, parts: varint, salt: bytes })],
  /**
   * The keys of one partition, or of one slot of it, and their digests: or the slots' folds, if there are more than `most`.
   * Of those in `also` as many follow as fit into one list.
   */
  keys: [
    9,
    struct({
      partition: varint,
      slot: optional(varint),
      salt: bytes,
      most: varint,
      also: late(list(varint), []),
    }),
  ],
  /** States both ways: the receiver takes these and answers with what it then knows more. */
  exchange: [10, struct({ items: list(stored), ...sent })],
  /** What each side's table holds, versions first; an edge has no record of its own to show. */
  gossip: [
    11,
    struct({
      self: optional(signedRecord),
      versions: list(struct({ peer: text, version: varint })),
    }),
  ],
  /** Records that the receiver asked for, or that changed just now. */
  records: [12, struct({ records: signedRecords })],
  /** An edge follows these keys here, as many as there is room for: changes come as notices while the link stands. */
  follow: [13, struct({ keys: list(key) })],
  unfollow: [14, struct({ keys: list(key) })],
  /** What a peer says of itself to operators. */
  status: [15, struct({})],
  ping: [16, struct({})],
  /**
   * Coordinate this listing with R owners: a page of the keys that begin with `prefix`, from the first behind `after`.
   * `direct`: what you yourself hold of them.
   */
  list: [
    17,
    struct({
      prefix: key,
      after: optional(key),
      r: varint,
      direct: boolean,
      lists,
      strict: late(boolean, false),
    }),
  ],
  /** Which of these copies are not what you own? A digest of zeros stands for a copy of nothing. */
  fresh: [18, struct({ copies: list(struct({ key, digest })) })],
  /** Of which of these partitions are your lists the same as these? With a key: only as far as it is concerned. */
  vouch: [
    19,
    struct({
      lists: list(struct({ partition: varint, digest })),
      key: optional(key),
    }),
  ],
  /** What members ask of each other before a deleted key is forgotten: `reaping-message.ts` says how it reads. */
  reaping: [20, struct({ body: bytes })],
  /** What members tell each other of the ring's changes: `changing-message.ts` says how it reads. */
  changing: [21, struct({ body: bytes })],
})

export const reply = union({
  /**
   * Durable here, or buffered where it is not `synced`. `highest` is the greatest counter seen here of the minting actor,
   * before this write.
   */
  stored: [
    1,
    struct({ highest: varint, generation: text, ...standing, synced: late(boolean, true) }),
  ],
  /** `state` undefined: the same as yours. `owner`: whether the answerer owns the key. */
  read: [2, struct({ state: optional(state), owner: boolean, ...standing })],
  /** A put or delivery has W answers; those in `buffered` had it in a buffer only. */
  written: [
    3,
    struct({
      dot,
      acks: list(text),
      hints: list(struct({ holder: text, owner: text })),
      highest: varint,
      buffered: late(list(text), []),
    }),
  ],
  got: [4, struct({ state, answers: list(text), missing: varint, ready: boolean })],
  /** The owners that cover the dot, of `owners` in all. */
  covered: [
    5,
    struct({
      by: list(text),
      owners: varint,
      highest: varint,
      /** How many owners hold nothing of the key at all. */
      without: late(varint, 0),
    }),
  ],
  /** For each item, whether it is durable here now. */
  taken: [6, struct({ taken: list(boolean), generation: text })],
  folds: [7, struct({ digests: list(digest) })],
  /**
   * `slots`: there were too many keys for one list; these are the folds of their 64 slots. `also`: how many more of the
   * partitions that were asked for are in the list.
   */
  keys: [
    8,
    struct({ keys: list(struct({ key, digest })), slots: list(digest), also: late(varint, 0) }),
  ],
  /** `cut`: not all that is known more fitted in. */
  exchanged: [9, struct({ items: list(stored), taken: list(boolean), cut: late(boolean, false) })],
  /** `gone`: whom a tab may let go of: it is told of no changes of the ring. */
  gossip: [10, struct({ records: signedRecords, wanted: list(text), gone: seldom(list(text)) })],
  done: [11, struct({})],
  status: [
    12,
    struct({
      hints: varint,
      keys: varint,
      suspects: list(text),
      /** Whom the reaping of deleted keys waits for. */
      reapingWaitsFor: late(optional(text), undefined),
      /** How far it is with what a change of the ring makes its own, in partitions. */
      filling: late(optional(struct({ done: varint, of: varint })), undefined),
    }),
  ],
  /**
   * A page in the order of the keys, tombstones included: all there is up to and including `upTo`, or to the end.
   * `missing`: how many of the R answers; `owner`: whether the answerer owns the keys.
   */
  listed: [
    13,
    struct({
      items: list(stored),
      upTo: optional(key),
      missing: varint,
      owner: boolean,
      ...standing,
    }),
  ],
  /** By their places in the question: copies that are not what is owned here, and keys that are not owned here. */
  compared: [14, struct({ differ: list(varint), elsewhere: list(varint) })],
  /** Not done. `unknown`: the outcome of a write that some peer may hold. */
  refused: [
    15,
    struct({
      code: text,
      message: text,
      outcome: oneOf('refused', 'unknown'),
      remedy: optional(text),
      needed: varint,
      got: varint,
      answers: list(struct({ peer: text, answer: text })),
    }),
  ],
  /** Changes of the first `taken` of these keys will be told; there is no room for more. */
  following: [16, struct({ taken: varint })],
  /** The partitions with the same lists, and the keys of each whose records were found damaged here. */
  vouched: [17, struct({ vouched: list(struct({ partition: varint, except: list(key) })) })],
  reaping: [18, struct({ body: bytes })],
  changing: [19, struct({ body: bytes })],
})

export const notice = union({
  /** A followed key changed. */
  changed: [1, struct({ key, state })],
  /** This peer is about to go: no need to wait for its heartbeat. */
  goodbye: [2, struct({})],
  /** The sender's table changed. */
  records: [3, struct({ records: signedRecords })],
})

export type Request = Decoded<typeof request>
export type Reply = Decoded<typeof reply>
export type Notice = Decoded<typeof notice>
export type Refusal = Extract<Reply, { type: 'refused' }>
/** The reply that a request of this type gets, if it is not refused. */
export type ReplyOf<T extends Reply['type']> = Extract<Reply, { type: T }>

export const encodeRequest = encoderOf(request)
export const encodeReply = encoderOf(reply)
export const encodeNotice = encoderOf(notice)
export const decodeRequest = decoderOf(request)
export const decodeReply = decoderOf(reply)
export const decodeNotice = decoderOf(notice)

/** What a message asks for, by its first two bytes; undefined when it is nothing that is known. */
export function requestTypeOf(message: Bytes): Request['type'] | undefined {
  return message[0] === wireVersion ? request.typeOf(message[1] ?? 0) : undefined
}

function encoderOf<T>(codec: Codec<T>): (message: T) => Bytes {
  return (message) => {
    const writer = new Writer().u8(wireVersion)
    codec.write(writer, message)
    return writer.finish()
  }
}

function decoderOf<T>(codec: Codec<T>): (from: Bytes) => T {
  return (from) => {
    const reader = new Reader(from)
    const version = reader.u8()
    if (version !== wireVersion) {
      throw new NotUnderstoodError(`a message of wire version ${version}`)
    }
    return codec.read(reader)
  }
}
