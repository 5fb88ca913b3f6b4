/**
 * What members say to each other before a deleted key is forgotten. Apart from the other messages, within which it
 * travels, because an edge neither asks nor answers any of it, and need not load it.
 */
import {
  boolean,
  type Decoded,
  fixed,
  late,
  list,
  optional,
  struct,
  text,
  union,
  varint,
} from './codec.ts'
import { sessionCodec, stored } from './message.ts'

/** One round of reaping, of the member that asks. */
const round = { life: fixed(8), round: varint }

export const reapingRequest = union({
  /** Discard what comes late of what I sent in earlier sessions than this. */
  session: [1, struct({ session: sessionCodec })],
  /**
   * Take these tombstones into what you hold of their keys, and keep them until I end the round. With `entries` these are
   * keys that live, of which the dead entries of what was seen are to go.
   */
  lend: [2, struct({ ...round, items: list(stored), entries: late(boolean, false) })],
  /** Is all over that you had begun before, and discarded wherever it may still come? Asked again until it is. */
  settle: [3, struct(round)],
  /** The round is over: drop these of its keys, by their places, unless they have moved; keep nothing for the others. */
  reap: [4, struct({ ...round, keys: list(varint) })],
})

export const reapingReply = union({
  done: [1, struct({})],
  /** By their places, the tombstones that are held here now, and that no edge may still deliver against. */
  lent: [2, struct({ held: list(varint), view: text })],
  /** `moved`: by their places, keys that are not any more what was lent. */
  settled: [
    3,
    struct({
      view: text,
      known: boolean,
      clean: boolean,
      moved: list(varint),
      waitsFor: optional(text),
    }),
  ],
})

export type ReapingRequest = Decoded<typeof reapingRequest>
export type ReapingReply = Decoded<typeof reapingReply>
export type ReapingReplyOf<T extends ReapingReply['type']> = Extract<ReapingReply, { type: T }>
