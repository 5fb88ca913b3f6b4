/**
 * Every bound of the system, each with its reason. Nothing grows without one of these (P9): at a limit there is a
 * clear error, or the oldest and least harmful thing is shed. No module has defaults of its own.
 */

const second = 1000
const kibibyte = 1024
const mebibyte = 1024 * kibibyte

export const limits = {
  /** A value is one object in memory, on the wire and in a transaction; larger things belong in blobs beside it. */
  valueBytes: mebibyte,
  /** A key is hashed and compared on every request. */
  keyBytes: 512,
  bucketBytes: 64,
  /** More live siblings than this is a client that never reads; the next blind put is refused, sync never. */
  siblings: 32,
  /** A dropped loose dot is at worst a false sibling; an unbounded context would be a way in. */
  looseDots: 64,
  /** Nobody has honestly read a key that so many have written: beyond it a context is an attack. */
  contextActors: 4096,
  /** A signature takes about a millisecond to verify: more news than this waits for the next message. */
  recordsVerified: 64,
  /** No actor ever gets here honestly: 2^48 writes of one key. */
  counter: 2 ** 48,
  /** What a peer reads in one go; a state of 32 siblings of 1 MiB still fits. */
  messageBytes: 48 * mebibyte,
  /** Room for all longer ones, which travel in pieces and are served when they are whole. */
  piecesBytes: 256 * mebibyte,
  /** Longer messages travel as several frames, so that a heartbeat never waits behind more than one. */
  frameBytes: 4 * mebibyte,
  /** How much is handed to a link at once. */
  flushBytes: 64 * kibibyte,
  /** Above this, a request is refused at once rather than queued for longer than its deadline. */
  requestsInFlight: 1024,
  /**
   * Reads and writes that a member coordinates at one time for others. Group commit pays from a few dozen on, and what is
   * above waits for the same disk and the same thread: 512 of them take a fifth of a second where a machine does 2500.
   */
  requestsUnderWay: 512,
  /** Those that this process's own application asks for: it is no crowd, and may ask for much at one time. */
  ownUnderWay: 1024,
  /** What these may weigh together, in values of a mebibyte as well as in small ones. */
  underWayBytes: 64 * mebibyte,
  members: 4096,
  /** Changes of the members that are open at one time: one is completed, the others are withdrawn and proposed again. */
  changes: 64,
  /** A joiner that holds nothing of what it is to own by then withdraws, and tries again. */
  changeMs: 600 * second,
  /** A joiner that nobody has reached for so long is given up by the others. */
  awayMs: 60 * second,
  /** Completed changes are remembered: a peer that was away for no more follows them one by one, and knows whom to believe. */
  steps: 16,
  edgesPerMember: 4096,
  /** A tab with 5000 followed keys is told of every change, with room to spare; one of more asks about the rest. */
  watchesPerPeer: 8192,
  /** Keys that all edges of a member follow together: up to 300 bytes each, 150 MB in all. */
  watchesPerMember: 2 ** 19,
  /** The whole of one request, retries and fallbacks included. */
  requestMs: 5 * second,
  /** How long one owner may take before a fallback stands in. */
  ownerMs: second,
  /** Extra requests for reads that take long: a tenth more load buys a tail that is nobody's pause. */
  hedgesPerRead: 0.1,
  /** Fewer answers of a peer say nothing about how long it usually takes. */
  hedgedAfterReads: 20,
  /** As many as wait for one peer when it begins to pause. */
  hedgesAtOnce: 64,
  /** The 99th percentile of a member's own part of reads and writes that background work is to leave room for. */
  foregroundMs: 50,
  /** No background work rests longer than this, or its asker would give it up. */
  restMs: 2 * second,
  /** What is buffered is synced by then. One owner does so at once, or another for it: this is for the others. */
  bufferedMs: 5 * second,
  /** Syncs that durable writes of buffered buckets ask for: soon, and far enough apart for the disk to be free between. */
  syncsApartMs: 10,
  /** A silent link is dead after two missed heartbeats. */
  heartbeatMs: 2 * second,
  /** A suspect is tried again this often. */
  probeMs: second,
  gossipMs: second,
  /** How often a peer offers what it owes. */
  handoffMs: second,
  /** A target that would not take what it is owed is left alone so long. */
  handoffRestMs: 5 * second,
  /**
   * How much of its space a store keeps for others: enough to stand in for owners over a night, and three quarters left
   * for what is owned. What is kept for others is never dropped; at the limit, more of it is refused.
   */
  foreignShare: 0.25,
  /** And so many bytes at most; by default the share alone decides. */
  foreignBytes: Number.MAX_SAFE_INTEGER,
  /** A store that does not say how much it may hold (one in memory) is taken for one of this size. */
  unknownSpaceBytes: 1024 * mebibyte,
  /** An edge asks about a followed copy this often, or less often if they are many: notices may be lost. */
  freshMs: 10 * second,
  /** Mean pause between two exchanges with the same neighbour. */
  antiEntropyMs: 10 * second,
  /** Mean pause between two rounds in which a first owner asks whether its tombstones may go. */
  reapMs: 30 * second,
  /** How often a member is asked whether what it did before is over. */
  reapPollMs: second,
  /** So many records are looked at in one round, in search of tombstones. */
  reapScan: 2048,
  /** A vector of more entries than this is looked through for those that stand for nothing any more. */
  vectorEntries: 50,
  /** Once so many have written a key, a device that is not among them has a member write for it while it can reach one. */
  vectorActors: 1000,
  /** So long after an edge raised a record, in awake time of who holds it, it may deliver again; then it is late. */
  evictAfterMs: 7 * 24 * 3600 * second,
  /** Refused puts are remembered, so that a copy that comes late is refused as well: half a megabyte. */
  refusalsRemembered: 4096,
  /** A request id is remembered for ten deadlines, and no retry comes later. */
  requestMemoryMs: 50 * second,
  /** One batch of background work: large enough to pay for its round trip, small enough to let others by. */
  batchBytes: 512 * kibibyte,
  batchItems: 64,
  /** Keys of a partition that travel as one list; above it, by slots. */
  listedKeys: 512,
  /** While few keys differ, the folds of 64 slots weigh less than a list of more keys than this. */
  fewKeys: 48,
  /** Keys on one page of a listing, if their states do not fill a batch before. */
  pageKeys: 512,
  /** Copies that an edge asks about, or keys that it follows, in one message: a few dozen kilobytes. */
  comparedKeys: 512,
  /** An edge's deliveries on their way at one time. */
  deliveriesInFlight: 16,
} as const

/** The limits as a type, so that a test can run with others. */
export type Limits = { readonly [K in keyof typeof limits]: number }
