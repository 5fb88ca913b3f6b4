/**
 * What a tab needs to speak to the ring, and not before: the side of its edge that faces the ring, and libp2p.
 */
export { openRingSide } from '../src/peer/ring-side.ts'
export { openWebTransport } from './libp2p.ts'
