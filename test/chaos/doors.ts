/**
 * The doors through which clients read and write: a peer's control port, or a device that is an edge of the ring.
 *
 * A device shows the whole state of a key, deletes included; the control port shows the values alone. So a client that
 * asked there for a key that may have been deleted does not know all that its context covers, and the record of what it
 * had seen would be a lie: it may look, but what it writes next must not lean on it.
 */
import { type Key, splitKey } from '../../src/data/key.ts'
import type { ObjectState } from '../../src/data/siblings.ts'
import type { Stage } from '../../src/protocol/copy.ts'
import { bytesOfId, type History } from '../../src/simulation/history.ts'
import type { Device } from './devices.ts'
import type { Machine } from './machine.ts'
import { Failed } from './talk.ts'
import type { DeskAnswer, DeskAsked, From } from './words.ts'

export interface Shown {
  /** The writes that it showed. */
  readonly writes: readonly number[]
  readonly context: string
  /** Everything that there was to see; undefined where deletes are not shown. */
  readonly state: ObjectState | undefined
}

export interface Order {
  readonly operation: number
  readonly kind: 'put' | 'delete'
  readonly write: number
  readonly key: Key
  readonly context: string
  readonly weight: number
  readonly writtenAt: number
  readonly ack: Stage
  readonly strict: boolean
}

export interface Door {
  readonly name: string
  readonly kind: 'peer' | 'device'
  readonly life: number
  readonly isOpen: boolean
  /** Both reject with `Failed`. A write resolves with what its writer has seen now. */
  read(key: Key, from: From): Promise<Shown>
  write(order: Order): Promise<string>
}

export function doorOfPeer(machine: Machine): Door {
  const ask = async (
    key: Key,
    strict: boolean,
    options: DeskAsked['options'],
  ): Promise<DeskAnswer> => {
    const { bucket, path } = splitKey(key)
    const how = strict ? '?strict' : ''
    const answer = await machine.ask({ path: `/buckets/${bucket}/keys/${path[0]}${how}`, options })
    const { error } = answer.body
    if (error === undefined) return answer
    throw new Failed(
      error.outcome,
      error.code === 'defect' ? `defect: ${error.message}` : error.code,
    )
  }
  return {
    name: machine.name,
    kind: 'peer',
    get life() {
      return machine.life
    },
    get isOpen() {
      return machine.isOpen
    },
    async read(key, from) {
      const { siblings, context } = (await ask(key, from === 'strict', {})).body
      const writes = (siblings as { value: unknown }[]).map(({ value }) => idOfText(value))
      return { writes, context, state: undefined }
    },
    async write({ kind, write, key, context, weight, strict }) {
      const headers = { 'ringlet-context': context, 'content-type': 'application/json' }
      const body = JSON.stringify(`w${write} `.padEnd(weight, '.'))
      const put = { method: 'PUT', headers, body } as const
      const options = kind === 'put' ? put : ({ method: 'DELETE', headers } as const)
      const answer = await ask(key, strict, options)
      return answer.body.context as string
    },
  }
}

export function doorOfDevice(device: Device, history: History): Door {
  return {
    name: device.name,
    kind: 'device',
    get life() {
      return device.life
    },
    get isOpen() {
      return device.runs
    },
    async read(key, from) {
      const { state, context } = await device.ask({ do: 'read', key: nameOf(key), from })
      const writes = state!.siblings.map(({ value }) => {
        const write = history.writeOf(value)
        if (write === undefined) throw new Failed('unknown', 'defect: it shows what nobody wrote')
        return write
      })
      return { writes, context: context!, state }
    },
    async write({ operation, kind, write, key, context, weight, writtenAt, ack, strict }) {
      const bytes = kind === 'put' ? bytesOfId(write, weight) : undefined
      const order = {
        do: 'write',
        operation,
        key: nameOf(key),
        context,
        bytes,
        writtenAt,
        ack,
        strict,
      } as const
      return (await device.ask(order)).context!
    },
  }
}

export function nameOf(key: Key): string {
  return splitKey(key).path[0]
}

function idOfText(value: unknown): number {
  const match = /^w(\d+) /.exec(typeof value === 'string' ? value : withinBytes(value))
  if (match === null) throw new Failed('unknown', 'defect: it shows what nobody wrote')
  return Number(match[1])
}

/** A device writes raw bytes, which are no structured data: the port shows them as such. */
function withinBytes(value: unknown): string {
  const undecodable = (value as { $undecodable?: string } | null)?.$undecodable ?? ''
  return Buffer.from(undecodable, 'base64').toString('latin1')
}
