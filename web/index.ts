/**
 * The package's door for pages, `ringlet/web`: what both doors share, and `open` for a tab.
 */
export * from '../src/index.ts'
export { open, type OpenOptions } from './browser-peer.ts'
export { forgetRing } from './pinned-ring.ts'
