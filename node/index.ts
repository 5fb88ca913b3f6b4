/**
 * The package's door for Node, `ringlet/node`: what both doors share, `open`, and durable peers to run.
 */
export * from '../src/index.ts'
export type { HintSpace } from './hint-space.ts'
export { open, type OpenOptions } from './open.ts'
export { type NodePeer, type NodePeerOptions, startNodePeer } from './node-peer.ts'
export {
  type MemberPlan,
  type NewMember,
  planChange,
  type RingChange,
  type RingPlan,
} from '../src/protocol/plan.ts'
export type { Spread } from '../src/data/spread.ts'
export { createRingFile, loadRingFile, newRingIdentity } from './ring-file.ts'
