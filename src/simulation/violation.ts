/** What the checker reports: a promise, the key where it broke, and how. Types only. */

export type Promised = 'P1' | 'P2' | 'P3' | 'P5' | 'P7' | 'P9' | 'P10'

export interface Violation {
  readonly promise: Promised
  /** `bucket/path`; empty when it concerns no key. */
  readonly key: string
  readonly text: string
}
