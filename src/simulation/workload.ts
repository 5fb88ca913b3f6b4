/**
 * The clients: a few people who shop in a few carts, all at once, at whatever peer answers.
 *
 * Few keys and many writers make conflicts the rule, not the exception. Some clients read before they write, some write
 * on with a context long stale, some never look. A client moves between peers and takes its contexts along. Two keys
 * each share a partition key, so that what a client reads it may also find in a listing.
 */
import { type Key, makeKey, showKey, splitKey } from '../data/key.ts'
import { emptyState, makeValue, type Value } from '../data/siblings.ts'
import { contextFromText, contextToText } from '../protocol/context.ts'
import type { Stage } from '../protocol/copy.ts'
import { RingletError } from '../protocol/errors.ts'
import type { Receipt } from '../peer/api.ts'
import type { Keyed, KeyedRead } from '../peer/keyed.ts'
import { listAll } from './listings.ts'
import type { Cluster, Machine, Process } from './cluster.ts'
import { bytesOfId, type Operation } from './history.ts'
import type { SeededRandom } from './random.ts'

export interface WorkloadSettings {
  readonly clients: number
  readonly keys: number
  /** Mean pause of a client between two operations. */
  readonly pauseMs: number
}

/** What a client remembers of a key: the ring's word for it, and the truth. */
interface Memory {
  /** As applications hold it. */
  readonly context: string
  /** The writes it had seen, by id. */
  readonly seen: ReadonlySet<number>
}

const seenNothing: Memory = { context: '', seen: new Set() }

/** An operation under way. */
interface Begun {
  readonly operation: Operation
  readonly process: Process
}

export class Workload {
  readonly keys: readonly Key[]
  readonly #cluster: Cluster
  readonly #settings: WorkloadSettings
  #open = true
  #writes = 0

  constructor(cluster: Cluster, settings: WorkloadSettings) {
    this.#cluster = cluster
    this.#settings = settings
    const random = cluster.random.fork('keys')
    const names = random.shuffled(Array.from({ length: 1000 }, (_, i) => `k${i}`))
    this.keys = Array.from({ length: settings.keys }, (_, i) => {
      const partitionKey = names[i - (i % 2)]!
      return makeKey('carts', i % 2 === 0 ? partitionKey : [partitionKey, 'more'])
    })
  }

  start(): void {
    const random = this.#cluster.random.fork('follows')
    for (const { process } of this.#cluster.edges) {
      for (const key of this.keys) if (random.chance(0.6)) void process?.keyed?.follow(key)
    }
    for (let i = 1; i <= this.#settings.clients; i++) void this.#live(new Client(this.#cluster, i))
  }

  /** Clients finish what they are at, and begin nothing new. */
  stop(): void {
    this.#open = false
  }

  async #live(client: Client): Promise<void> {
    const { random } = client
    for (;;) {
      await this.#pause(random.exponential(this.#settings.pauseMs))
      if (!this.#open) return
      const machine = client.choosePeer()
      const key = random.pick(this.keys)
      if (machine !== undefined) await this.#act(client, machine, key)
    }
  }

  async #act(client: Client, machine: Machine, key: Key): Promise<void> {
    const dice = client.random.fraction()
    const remembered = client.memories.get(key.text) ?? seenNothing
    if (client.blind || dice < 0.08) return this.#write(client, machine, key, seenNothing)
    if (dice < 0.35) return void (await this.#read(client, machine, key))
    if (dice < 0.5) return this.#write(client, machine, key, remembered)
    // Read, think, write: the context is a little old by then.
    const read = await this.#read(client, machine, key)
    if (read === undefined) return
    if (client.random.chance(0.3)) await this.#pause(client.random.exponential(500))
    const other = client.random.chance(0.2) ? (client.choosePeer() ?? machine) : machine
    await this.#write(client, other, key, read)
  }

  async #read(client: Client, machine: Machine, key: Key): Promise<Memory | undefined> {
    const { history, witness } = this.#cluster
    const begun = this.#begin(client, machine, { kind: 'get', key, seen: new Set(), ack: 'quorum' })
    if (begun === undefined) return undefined
    const { operation, process } = begun
    const local = machine.kind === 'edge' && client.random.chance(0.5)
    const from = local ? 'local' : 'quorum'
    const byListing = client.random.chance(0.25)
    const answer = byListing
      ? readListed(process.keyed!, key, from)
      : process.keyed!.read(key, from)
    const read = await this.#settle(begun, answer)
    if (read === undefined) return undefined
    const writes = read.state.siblings.flatMap(({ value }) => history.writeOf(value) ?? [])
    operation.returned = writes
    // What a tab shows of its own is durable on its own disk, which the witness does not read.
    if (machine.kind === 'member') operation.premature = writes.filter((id) => !witness.exists(id))
    this.#tell(operation, `returns ${writes.map((id) => `w${id}`).join(' ') || 'nothing'}`)
    const context = contextToText(key, read.state.seen)
    return client.remember(key, { context, seen: history.closure(writes) })
  }

  async #write(client: Client, machine: Machine, key: Key, memory: Memory): Promise<void> {
    const deletes = memory !== seenNothing && client.random.chance(0.15)
    const kind = deletes ? 'delete' : 'put'
    const ack = machine.kind === 'edge' && client.random.chance(0.5) ? 'device' : 'quorum'
    const begun = this.#begin(client, machine, { kind, key, seen: memory.seen, ack })
    if (begun === undefined) return
    const { operation, process } = begun
    const context = contextFromText(key, memory.context)
    const value = this.#valueOf(operation)
    const receipt = await this.#settle(begun, process.keyed!.write({ key, context, value, ack }))
    if (receipt === undefined) return
    operation.receipt = receipt.id
    client.remember(key, { context: receipt.context, seen: new Set(memory.seen).add(operation.id) })
    this.#tell(operation, `is acknowledged (${receipt.stage}${this.#acksOf(receipt)})`)
    if (ack === 'device') this.#followUp(operation, receipt)
  }

  /** The ring may yet refuse for good what the device took: then it was never acknowledged by the ring. */
  #followUp(operation: Operation, receipt: Receipt): void {
    receipt.reached('quorum').catch((error: unknown) => {
      operation.outcome = 'refused'
      operation.failure = error instanceof RingletError ? error.code : String(error)
      this.#tell(operation, `is refused after all (${operation.failure})`)
    })
  }

  #acksOf({ acks }: Receipt): string {
    return acks.map((peer) => ` ${this.#cluster.nameOf(peer)}`).join('')
  }

  /** Each write's value is its name; a tombstone's is its time, which no other write has. */
  #valueOf(operation: Operation): Value {
    const writtenAt = 1_900_000_000_000 + this.#writes++
    if (operation.kind === 'put') return makeValue(bytesOfId(operation.id), writtenAt)
    this.#cluster.history.nameTombstone(writtenAt, operation.id)
    return makeValue(undefined, writtenAt)
  }

  #begin(
    client: Client,
    machine: Machine,
    what: { kind: Operation['kind']; key: Key; seen: ReadonlySet<number>; ack: Stage },
  ): Begun | undefined {
    const { process } = machine
    if (process?.keyed === undefined) return undefined
    const { kind, key, seen, ack } = what
    const operation = this.#cluster.history.begin({
      client: client.name,
      via: machine.name,
      kind,
      key: showKey(key),
      seen,
      ack,
      startMs: this.#cluster.scheduler.nowMs,
    })
    const blind = kind !== 'get' && seen.size === 0 ? ' blind' : ''
    this.#tell(operation, `: ${kind} ${operation.key} at ${machine.name}${blind}`)
    return { operation, process }
  }

  /** Waits for the answer or for the peer's death, and notes which. */
  async #settle<T>({ operation, process }: Begun, answer: Promise<T>): Promise<T | undefined> {
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
      this.#noteFailure(operation, error)
    }
    this.#tell(operation, `is ${operation.outcome} (${operation.failure})`)
    return undefined
  }

  #noteFailure(operation: Operation, error: unknown): void {
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

  #tell(operation: Operation, text: string): void {
    const { client, id, key } = operation
    this.#cluster.chronicle.tell(client, `w${id}${text.startsWith(':') ? '' : ' '}${text}`, key)
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      this.#cluster.scheduler.after(ms, resolve)
    })
  }
}

/** What a listing of its partition key shows of this key: nothing if it is not listed. */
async function readListed(
  keyed: Keyed,
  key: Key,
  from: 'quorum' | 'local',
): Promise<Pick<KeyedRead, 'state'>> {
  const { bucket, path } = splitKey(key)
  const reads = await listAll(keyed, makeKey(bucket, path[0]), from)
  return reads.find((each) => each.key.text === key.text) ?? { state: emptyState }
}

class Client {
  readonly name: string
  readonly random: SeededRandom
  /** Writes without ever looking. */
  readonly blind: boolean
  readonly memories = new Map<string, Memory>()
  readonly #cluster: Cluster
  #home: Machine | undefined

  constructor(cluster: Cluster, number: number) {
    this.name = `client ${number}`
    this.random = cluster.random.fork(this.name)
    this.blind = this.random.chance(0.15)
    this.#cluster = cluster
  }

  /** Mostly the same peer while it serves. */
  choosePeer(): Machine | undefined {
    const { serving } = this.#cluster
    const stays = this.#home?.process?.keyed !== undefined && this.random.chance(0.7)
    if (!stays) this.#home = serving.length === 0 ? undefined : this.random.pick(serving)
    return this.#home
  }

  remember(key: Key, memory: Memory): Memory {
    this.memories.set(key.text, memory)
    return memory
  }
}
