/**
 * The parts of the page that few look at: loaded when they are first wanted, so that nobody else waits for them.
 */
import type { LazyParts } from './shown.ts'

export const lazyParts = {
  Ring: async (): Promise<LazyParts> => ({ Ring: (await import('./ring/panel.tsx')).RingPanel }),
  Carts: async (): Promise<LazyParts> => ({ Carts: (await import('./carts/dialog.tsx')).Carts }),
}
