/** What happens to a disk that lasts or does not, and what a test may make of it. */

import type { Luck } from './forgetful-file.ts'

/** A call that changes the disk or syncs it. */
export interface Deed {
  readonly operation: 'write' | 'resize' | 'sync' | 'names'
  /** `/peer-1/store.db-wal`, from the root of the disk. */
  readonly path: string
}

/**
 * What becomes of a deed: it is done; it fails; it is a sync that is answered and not done; or the power goes, with the
 * deed done or undone.
 */
export type Verdict = 'do' | 'fail' | 'lie' | 'cut-before' | 'cut-after'

export type Judge = (deed: Deed) => Verdict

/** Says what becomes of each deed, and what a sync that fails leaves of what it was to write. */
export interface Judgement {
  readonly judge: Judge
  readonly luck: Luck
}
