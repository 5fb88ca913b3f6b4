/**
 * The parts of the page that are not in its first picture: what may be needed soon follows at once, what few look at comes
 * when it is first wanted.
 */
import type { LazyParts } from './shown.ts'

export const lazyParts = {
  Soon: async (): Promise<LazyParts> => (await import('./soon.ts')).parts,
  Ring: async (): Promise<LazyParts> => ({ Ring: (await import('./ring/panel.tsx')).RingPanel }),
  Carts: async (): Promise<LazyParts> => ({ Carts: (await import('./carts/dialog.tsx')).Carts }),
}
