/**
 * What both doors of the package share: the mergeable types, the errors, and the types of the API. `open` comes from
 * the door of the host, `web/index.ts` or `node/index.ts`.
 */
export type {
  Bucket,
  BucketOptions,
  Entry,
  Holding,
  ListenOptions,
  ListOptions,
  Location,
  MemberReport,
  HintSpaceStatus,
  LoadStatus,
  MemberStatus,
  Peer,
  PeerStatus,
  PlainBucket,
  PlainRead,
  ReadOptions,
  Receipt,
  RefusedWrite,
  RingSnapshot,
  Stage,
  TypedBucket,
  TypedRead,
  WriteOptions,
} from './peer/api.ts'
export type { KeyPath } from './data/key.ts'
export { type ErrorCode, type Outcome, RingletError, StorageError } from './protocol/errors.ts'
export { limits, type Limits } from './protocol/limits.ts'
export { readRingFile, type RingFile } from './protocol/ring-file.ts'
export { cart, type Cart, type CartItem } from './values/cart.ts'
export { counter, type Counter } from './values/counter.ts'
export { lastWrite } from './values/last-write.ts'
export { map, type TextMap } from './values/map.ts'
export { set, type TextSet } from './values/set.ts'
export { BadArgumentError, type MergeableType, type WriteId } from './values/type.ts'
