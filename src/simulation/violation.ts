/** What the checker reports: a promise, the key where it broke, and how. Types only. */

/** `outcome`: each outcome is done, refused (provably nowhere) or unknown, and each stage is what it says. */
export type Promised = 'P1' | 'P2' | 'P3' | 'P4' | 'P5' | 'P6' | 'P7' | 'P9' | 'P10' | 'outcome'

export interface Violation {
  readonly promise: Promised
  /** `bucket/path`; empty when it concerns no key. */
  readonly key: string
  readonly text: string
}
