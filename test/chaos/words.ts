/** What the test says to the processes on its hosts, and they to it; and the bucket that all of it is about. */
import type { CallOptions } from '../../node/cli/call.ts'
import type { ObjectState } from '../../src/data/siblings.ts'
import type { Stage } from '../../src/protocol/copy.ts'

export const bucket = 'chaos'

/** How a read is to be answered. */
export type From = 'strict' | 'quorum' | 'local'

export interface DeviceOptions {
  readonly ring: string
  readonly data: string
}

export type DeviceAsked =
  | { readonly do: 'read'; readonly key: string; readonly from: From }
  | {
      readonly do: 'write'
      readonly operation: number
      readonly key: string
      readonly context: string
      /** Undefined deletes. */
      readonly bytes: Uint8Array | undefined
      readonly writtenAt: number
      readonly ack: Stage
      readonly strict: boolean
    }
  | { readonly do: 'follow'; readonly key: string }
  | { readonly do: 'count pending' }

export interface DeviceAnswer {
  readonly state?: ObjectState
  readonly context?: string
  readonly pending?: number
}

/** How a write goes on that the device took. */
export type DeviceNews = {
  readonly operation: number
} & (
  | { readonly reached: Stage }
  | { readonly outcome: 'refused' | 'unknown'; readonly code: string }
)

export interface DeskAsked {
  readonly path: string
  readonly options: Pick<CallOptions, 'method' | 'headers' | 'body'>
}

export interface DeskAnswer {
  readonly status: number
  readonly body: any
}
