/**
 * How an operation of a client is noted: that it began, what came of it, and what a person would want to read of it.
 *
 * Its peer may die before it answers, and then nobody knows whether the operation took place. That is the one case in which
 * a client calls the outcome unknown without having been told so.
 */
import { type Key, showKey } from '../data/key.ts'
import type { Stage } from '../protocol/copy.ts'
import { RingletError } from '../protocol/errors.ts'
import type { Client } from './client.ts'
import type { Cluster } from './cluster.ts'
import type { Operation } from './history.ts'
import type { Machine, Process } from './machine.ts'

/** An operation under way. */
export interface Begun {
  readonly operation: Operation
  readonly process: Process
}

export class Operations {
  readonly #cluster: Cluster

  constructor(cluster: Cluster) {
    this.#cluster = cluster
  }

  /** Undefined where no peer serves. */
  begin(
    client: Client,
    machine: Machine,
    what: {
      kind: Operation['kind']
      key: Key
      basis: readonly number[]
      ack: Stage
      strict: boolean
      buffered?: boolean
      again?: number | undefined
    },
  ): Begun | undefined {
    const { process } = machine
    if (process?.keyed === undefined) return undefined
    const { kind, key, basis, ack, strict, buffered = false, again } = what
    const operation = this.#cluster.history.begin({
      client: client.name,
      via: machine.name,
      life: machine.incarnation,
      kind,
      key: showKey(key),
      basis,
      ack,
      strict,
      buffered,
      startMs: this.#cluster.scheduler.nowMs,
      again,
    })
    const how = strict ? ' strictly' : buffered ? ' buffered' : ''
    const blind = kind !== 'get' && basis.length === 0 ? ' blind' : ''
    const retry = again === undefined ? '' : `, w${again} again`
    this.tell(operation, `: ${kind} ${operation.key} at ${machine.name}${how}${blind}${retry}`)
    return { operation, process }
  }

  /** Waits for the answer or for the peer's death, and notes which. */
  async settle<T>({ operation, process }: Begun, answer: Promise<T>): Promise<T | undefined> {
    try {
      const result = await Promise.race([answer, process.ended])
      operation.endMs = this.#cluster.scheduler.nowMs
      if (process.life.alive) {
        operation.outcome = 'done'
        return result as T
      }
      operation.outcome = 'unknown'
      operation.failure = 'crashed'
    } catch (error) {
      operation.endMs = this.#cluster.scheduler.nowMs
      this.fail(operation, error)
    }
    this.tell(operation, `is ${operation.outcome} (${operation.failure})`)
    return undefined
  }

  /** What an error says of the outcome; one that is not ours is a defect of the peer. */
  fail(operation: Operation, error: unknown): void {
    if (error instanceof RingletError) {
      operation.outcome = error.outcome
      operation.failure = error.code
      return
    }
    operation.outcome = 'unknown'
    operation.failure = String(error)
    const stack = error instanceof Error ? error.stack : String(error)
    this.#cluster.network.offences.push(
      `${operation.via} failed with no error of its own: ${stack}`,
    )
  }

  tell(operation: Operation, text: string): void {
    const { client, id, key } = operation
    this.#cluster.chronicle.tell(client, `w${id}${text.startsWith(':') ? '' : ' '}${text}`, key)
  }
}
