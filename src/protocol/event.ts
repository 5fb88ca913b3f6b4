/**
 * What a peer says of itself, one event at a time: the source of logs, golden stories, metrics and drawings.
 * Events are plain data and name things by the field's words.
 */

export interface PeerEvent {
  /** The peer that speaks. */
  readonly peer: string
  readonly type: EventType
  /** `bucket/path` of the key concerned. */
  readonly key?: string
  /** The other peer concerned. */
  readonly to?: string
  readonly from?: string
  /** `actor counter` of the write concerned. */
  readonly dot?: string
  /** What came of it: `ok`, `deadline`, `refused`… */
  readonly result?: string
  /** Anything worth a person's reading. */
  readonly detail?: string
}

/** Traces one event of the peer that speaks. */
export type Say = (event: Omit<PeerEvent, 'peer'>) => void

export type EventType =
  | 'mint'
  | 'apply'
  | 'epoch-abandoned'
  | 'forward'
  | 'ask'
  | 'replicate'
  | 'durable'
  | 'stored'
  | 'put'
  | 'get'
  | 'hedge'
  | 'list'
  | 'deliver'
  | 'everywhere'
  | 'follow'
  | 'hint'
  | 'hint-drained'
  | 'hint-dropped'
  | 'hint-refused'
  | 'hint-space'
  | 'repair'
  | 'exchange'
  | 'readiness'
  | 'refill'
  | 'doubt'
  | 'doubt-over'
  | 'reaped'
  | 'reaping'
  | 'shortened'
  | 'suspect'
  | 'trusted'
  | 'link-up'
  | 'link-down'
  | 'member'
  | 'view'
  | 'generation'
  | 'quarantined'
  | 'displaced'
  | 'forgery'
  | 'refused-input'
  | 'task-failed'
  | 'started'
  | 'stopped'
